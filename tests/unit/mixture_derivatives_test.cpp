#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/process.hpp>

#include "support/mixtures.hpp"

// Score, Jacobian and Hessian as derivatives, and the equations of diffusion that relate them
// (mathematics.md §2.4).

namespace gmdiff::test {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

std::string describe(Level level) {
  return "alpha = " + std::to_string(level.alpha) + ", sigma = " + std::to_string(level.sigma);
}

// Central difference of f along v at x, step 1e-5: errors h^2 f''' / 6 and eps |f| / h.
MatrixXd central_difference(const std::function<MatrixXd(const Points&)>& f, const Points& x,
                            const Points& v) {
  constexpr double h = 1e-5;
  return (f(x + h * v) - f(x - h * v)) / (2.0 * h);
}

TEST(MixtureDerivatives, ScoreJacobianAndHessianAreDerivatives) {
  const Points x = uniform_points(6, 3, 1, 2.0);
  const Points v = uniform_points(6, 3, 2);
  for (const auto& entry : mixtures_of_every_structure()) {  // clang 14 captures no structured binding
    const auto& name = entry.name;
    const Mixture& mixture = entry.mixture;
    for (const Level level : {Level{1.0, 0.5}, Level{0.8, 0.6}, Level{0.3, 1.0}, Level{1.0, 3.0}}) {
      SCOPED_TRACE(std::string(name) + ", " + describe(level));
      const VectorXd slope = mixture.score(x, level).cwiseProduct(v).rowwise().sum();
      expect_near(
          central_difference([&](const Points& y) -> MatrixXd { return mixture.log_pdf(y, level); }, x, v),
          slope, 1e-9, "score");
      expect_near(
          central_difference([&](const Points& y) -> MatrixXd { return mixture.denoiser(y, level); }, x, v),
          mixture.denoiser_jvp(x, v, level), 1e-9, "denoiser_jvp");
      expect_near(
          central_difference([&](const Points& y) -> MatrixXd { return mixture.score(y, level); }, x, v),
          mixture.hessian_vp(x, v, level), 1e-9, "hessian_vp");
    }
  }
}

TEST(MixtureDerivatives, TweedieRelatesDenoiserScoreAndPosteriorCovariance) {
  const Points x = uniform_points(6, 3, 1, 2.0);
  const Points v = uniform_points(6, 3, 2);
  const Level level{0.8, 0.6};
  for (const auto& entry : mixtures_of_every_structure()) {  // clang 14 captures no structured binding
    const auto& name = entry.name;
    const Mixture& mixture = entry.mixture;
    SCOPED_TRACE(name);
    expect_near(mixture.denoiser(x, level), (x + 0.36 * mixture.score(x, level)) / 0.8, 1e-14,
                "D = (x + sigma^2 score) / alpha");
    expect_near(mixture.denoiser_jvp(x, v, level), (v + 0.36 * mixture.hessian_vp(x, v, level)) / 0.8, 1e-14,
                "J = (I + sigma^2 H) / alpha");
    const std::vector<MatrixXd> covariances = mixture.posterior_covariance(x, level);
    for (Index j = 0; j < 6; ++j) {
      const MatrixXd& covariance = covariances[static_cast<std::size_t>(j)];
      expect_near(v.row(j) * covariance, 0.45 * mixture.denoiser_jvp(x, v, level).row(j), 1e-14,
                  "Cov = (sigma^2 / alpha) J");
      EXPECT_EQ(covariance, covariance.transpose());
    }
  }
}

TEST(MixtureDerivatives, JacobianIsContinuousWhereItsFormulaChanges) {
  const Points x = uniform_points(6, 3, 1, 2.0);
  const Points v = uniform_points(6, 3, 2);
  const double above = std::nextafter(0.5, 1.0);
  for (const auto& entry : mixtures_of_every_structure()) {  // clang 14 captures no structured binding
    const auto& name = entry.name;
    const Mixture& mixture = entry.mixture;
    expect_near(mixture.denoiser_jvp(x, v, {above, 0.5}), mixture.denoiser_jvp(x, v, {0.5, 0.5}), 1e-14,
                name);
  }
}

// sum over i of <e_i, f(e_i)> at each point.
VectorXd trace(const Points& x, const std::function<Points(const Points&)>& product) {
  VectorXd sum = VectorXd::Zero(x.rows());
  for (Index i = 0; i < x.cols(); ++i) {
    Points unit = Points::Zero(x.rows(), x.cols());
    unit.col(i).setOnes();
    sum += product(unit).col(i);
  }
  return sum;
}

// d/dt log p_t(x) by the central difference of order six.
VectorXd time_derivative(const Mixture& mixture, const ForwardProcess& process, const Points& x, double t,
                         double h) {
  const auto log_pdf = [&](double offset) { return mixture.log_pdf(x, process.level(t + offset)); };
  return (45.0 * (log_pdf(h) - log_pdf(-h)) - 9.0 * (log_pdf(2.0 * h) - log_pdf(-2.0 * h)) +
          (log_pdf(3.0 * h) - log_pdf(-3.0 * h))) /
         (60.0 * h);
}

struct ProcessAtTime {
  ForwardProcess process;
  double t;
  double h;  // step of the time derivative
};

std::vector<ProcessAtTime> every_process() {
  const CustomProcess custom{.alpha = [](double t) { return std::cos(t); },
                             .sigma = [](double t) { return std::sin(t); },
                             .dalpha = [](double t) { return -std::sin(t); },
                             .dsigma = [](double t) { return std::cos(t); },
                             .T = 1.5};
  std::vector<ProcessAtTime> result;
  for (const double share : {0.3, 0.5, 0.8}) {
    for (const ForwardProcess& process :
         {vp(), vp(CosineBeta{}), ForwardProcess(SubVp{}), ForwardProcess(Ou{.stationary_std = 0.7}),
          ForwardProcess(Ve{}), ForwardProcess(Edm{.T = 3.0}), ForwardProcess(RectifiedFlow{}),
          ForwardProcess(custom)}) {
      result.push_back({process, share * process.T(), 2e-3 * share * process.T()});
    }
  }
  // Smooth only between integers.
  result.push_back({ForwardProcess(Ddpm{.betas = {0.1, 0.3, 0.5, 0.2}}), 2.5, 0.01});
  return result;
}

TEST(MixtureDerivatives, LogDensitySolvesTheFokkerPlanckEquation) {
  const Points x = uniform_points(6, 3, 1, 2.0);
  for (const auto& entry : mixtures_of_every_structure()) {  // clang 14 captures no structured binding
    const auto& name = entry.name;
    const Mixture& mixture = entry.mixture;
    for (const auto& [process, t, h] : every_process()) {
      SCOPED_TRACE(std::string(name) + ", " + process.name() + ", t = " + std::to_string(t));
      const Level level = process.level(t);
      const double f = process.drift(t);
      const Points score = mixture.score(x, level);
      const VectorXd laplacian = trace(x, [&](const Points& v) { return mixture.hessian_vp(x, v, level); });
      const VectorXd advection = (-3.0 * f - f * x.cwiseProduct(score).rowwise().sum().array()).matrix();
      const VectorXd diffusion =
          0.5 * process.squared_diffusion(t) * (laplacian + score.rowwise().squaredNorm());

      const VectorXd derivative = time_derivative(mixture, process, x, t, h);

      const double scale = std::max(advection.cwiseAbs().maxCoeff(), diffusion.cwiseAbs().maxCoeff());
      EXPECT_LE((derivative - advection - diffusion).cwiseAbs().maxCoeff(), 1e-8 * scale);
    }
  }
}

TEST(MixtureDerivatives, LogDensitySolvesTheContinuityEquation) {
  const Points x = uniform_points(6, 3, 1, 2.0);
  for (const auto& entry : mixtures_of_every_structure()) {  // clang 14 captures no structured binding
    const auto& name = entry.name;
    const Mixture& mixture = entry.mixture;
    for (const auto& [process, t, h] : every_process()) {
      SCOPED_TRACE(std::string(name) + ", " + process.name() + ", t = " + std::to_string(t));
      const Level level = process.level(t);
      const double p = process.p(t);
      const double q = process.q(t);
      const Points velocity = p * x + q * mixture.denoiser(x, level);
      const VectorXd advection = -velocity.cwiseProduct(mixture.score(x, level)).rowwise().sum();
      const VectorXd trace_J = trace(x, [&](const Points& v) { return mixture.denoiser_jvp(x, v, level); });
      const VectorXd divergence = (3.0 * p + q * trace_J.array()).matrix();

      const VectorXd derivative = time_derivative(mixture, process, x, t, h);

      const double scale =
          std::max(advection.cwiseAbs().maxCoeff(), 3.0 * std::abs(p) + (q * trace_J).cwiseAbs().maxCoeff());
      EXPECT_LE((derivative - advection + divergence).cwiseAbs().maxCoeff(), 1e-8 * scale);
    }
  }
}

}  // namespace
}  // namespace gmdiff::test
