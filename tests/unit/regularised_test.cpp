#include <gmdiff/model/target.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>

#include <Eigen/Cholesky>
#include <Eigen/LU>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/plan/plan.hpp>

#include "particle/proximal.hpp"
#include "support/expect_invalid.hpp"
#include "support/point_sets.hpp"

// Sparse priors, their proximal maps, and the chains that use these (mathematics.md §12.1, §13.3).

namespace gmdiff::regularised_tests {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;
using test::normal_points;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// y = x + e with e ~ N(0, noise_std^2 I).
NonlinearObservation direct(Index dim, double noise_std = 0.5) {
  return {ElementwiseMap{.A = MatrixXd::Identity(dim, dim)}, VectorXd::LinSpaced(dim, -1.0, 1.5), noise_std};
}

/// A map that bends, with correlated noise.
NonlinearObservation bent(Index dim) {
  const MatrixXd R{{1.5, 0.25}, {0.25, 2.0}};
  return {ElementwiseMap{.function = MapFunction::tanh, .A = normal_points(2, dim, 8)}, VectorXd{{0.5, -1.0}},
          R};
}

std::vector<Target> every_smooth_target() {
  const SparsePrior image{.weight = 2.0,
                          .analysis = AnalysisOperator::gradient_2d,
                          .shape = {2, 3},
                          .smoothing = Smoothing::pseudo_huber,
                          .width = 0.3};
  SparsePrior matrix{.analysis = AnalysisOperator::matrix, .matrix = normal_points(4, 6, 9)};
  matrix.smoothing = Smoothing::huber;
  matrix.width = 0.7;
  SparsePrior sparse{.weight = 0.5, .smoothing = Smoothing::pseudo_huber};
  sparse.width = 0.2;
  SparsePrior quadratic = image;
  quadratic.smoothing = Smoothing::quadratic;
  quadratic.width = {};
  return {Regularised{image, bent(6)}, Regularised{matrix, bent(6)}, Regularised{sparse, direct(6)},
          Regularised{quadratic, bent(6)}};
}

TEST(RegularisedTargets, HaveTheDerivativesOfTheirDensity) {
  constexpr double h = 1e-5;
  for (const Target& target : every_smooth_target()) {
    const Points x = normal_points(5, 6, 4), v = normal_points(5, 6, 5);
    const Points up = x + h * v, down = x - h * v;
    const VectorXd slope = (target.log_density(up) - target.log_density(down)) / (2.0 * h);
    const VectorXd along = target.gradient(x).cwiseProduct(v).rowwise().sum();
    EXPECT_LT((slope - along).cwiseAbs().maxCoeff(), 1e-6 * (1.0 + along.cwiseAbs().maxCoeff()));
    const Points bend = (target.gradient(up) - target.gradient(down)) / (2.0 * h);
    const Points product = target.hessian_vp(x, v);
    EXPECT_LT((bend - product).cwiseAbs().maxCoeff(), 1e-5 * (1.0 + product.cwiseAbs().maxCoeff()));
  }
}

TEST(RegularisedTargets, AddTheTwoDifferencesOfAnImage) {
  // 1 2 4
  // 0 5 5: differences 1, 2, 5, 0 along rows and -1, 3, 1 along columns
  const Points image{{1.0, 2.0, 4.0, 0.0, 5.0, 5.0}};
  const NonlinearObservation observation = bent(6);
  SparsePrior prior{.weight = 0.25, .analysis = AnalysisOperator::gradient_2d, .shape = {2, 3}};
  EXPECT_NEAR(Target(Regularised{prior, observation}).log_density(image)(0),
              observation.log_likelihood(image)(0) - 0.25 * 13.0, 1e-14);
  // Huber's function is u^2 / 4 up to 2, then abs(u) - 1.
  prior.smoothing = Smoothing::huber;
  prior.width = 2.0;
  EXPECT_NEAR(Target(Regularised{prior, observation}).log_density(image)(0),
              observation.log_likelihood(image)(0) - 0.25 * (0.25 + 1.0 + 4.0 + 0.0 + 0.25 + 2.0 + 0.25),
              1e-14);
}

TEST(RegularisedTargets, LeaveThePriorOutOfTheGradientOfProximalChains) {
  const Regularised description{.prior = {.weight = 2.0}, .observation = bent(3)};
  const Target whole = description, split = whole.with_likelihood_gradient();
  const Points x{{0.5, -0.25, 0.0}};
  EXPECT_EQ(split.log_density(x), whole.log_density(x));
  const Points difference = whole.gradient(x) - description.observation.gradient(x);
  EXPECT_LT((difference - Points{{-2.0, 2.0, 0.0}}).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_LT((split.gradient(x) - description.observation.gradient(x)).cwiseAbs().maxCoeff(), 1e-15);
  expect_invalid([] { Target(Banana{}).with_likelihood_gradient(); },
                 "Target: expected a regularised target, given banana");
}

TEST(RegularisedTargets, NameBadParameters) {
  const auto refused = [](const SparsePrior& prior, const std::string& message, Index dim = 6) {
    expect_invalid([&] { Target target(Regularised{prior, direct(dim)}); }, "regularised: " + message);
  };
  refused({.weight = 0.0}, "weight must be positive, got 0");
  refused({.weight = infinity}, "weight must be positive, got inf");
  refused({.smoothing = Smoothing::huber, .width = -1.0}, "width must be positive, got -1");
  refused({.width = 1.0},
          "width belongs to the smoothings pseudo-huber and huber, and the smoothing is none");
  refused({.smoothing = Smoothing::quadratic, .width = 1.0},
          "width belongs to the smoothings pseudo-huber and huber, and the smoothing is quadratic");
  refused({.analysis = AnalysisOperator::gradient},
          "the operator gradient needs at least 2 coordinates, got 1", 1);
  refused(
      {.shape = {2, 3}},
      "shape is the height and the width of the image of the operator gradient-2d, and this one is another");
  refused({.analysis = AnalysisOperator::gradient_2d},
          "the operator gradient-2d needs a shape of two numbers, height and width; given 0");
  refused({.analysis = AnalysisOperator::gradient_2d, .shape = {1, 6}},
          "shape must have two numbers >= 2, got 1 and 6");
  refused({.analysis = AnalysisOperator::gradient_2d, .shape = {2, 2}},
          "an image of shape (2, 2) has 4 numbers, but the observation is of dimension 6");
  refused({.matrix = MatrixXd::Identity(6, 6)},
          "matrix belongs to the operator matrix, and this one is another");
  refused({.analysis = AnalysisOperator::matrix, .matrix = MatrixXd::Identity(5, 5)},
          "matrix has shape (5, 5), expected (m, 6) with m >= 1");
  refused({.analysis = AnalysisOperator::matrix, .matrix = MatrixXd::Constant(1, 6, infinity)},
          "matrix must be finite");
}

TEST(RegularisedTargets, WithAQuadraticPriorHaveTheExactPosteriorOfALinearMap) {
  // Differences have a kernel: the prior exp(-weight |F x|^2 / 2) is improper, and the posterior has the
  // precision weight F^T F + A^T R^-1 A, so that every integral is in closed form.
  constexpr Index d = 4;
  const NonlinearObservation observation = direct(d, 0.5);
  const SparsePrior prior{
      .weight = 3.0, .analysis = AnalysisOperator::gradient, .smoothing = Smoothing::quadratic};
  MatrixXd F = MatrixXd::Zero(d - 1, d);
  for (Index i = 0; i + 1 < d; ++i) F.row(i).segment(i, 2) << -1.0, 1.0;
  const MatrixXd P = 3.0 * F.transpose() * F + 4.0 * MatrixXd::Identity(d, d);
  const VectorXd mean = P.llt().solve(4.0 * observation.y());
  const Target target = Regularised{prior, observation};
  const Modes found = modes(target);
  ASSERT_EQ(found.maxima.size(), 1U);
  EXPECT_LT((found.maxima.front().x - mean).norm(), 1e-13);
  EXPECT_LT((found.maxima.front().hessian + P).norm(), 1e-12);
  const double highest = -0.5 * 3.0 * (F * mean).squaredNorm() -
                         2.0 * (observation.y() - mean).squaredNorm() + observation.log_constant();
  EXPECT_NEAR(target.log_density(Points(mean.transpose()))(0), highest, 1e-13);
  EXPECT_NEAR(found.log_normalizer,
              highest + 0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi) -
                  0.5 * std::log(P.determinant()),
              1e-12);
}

TEST(RegularisedTargets, HaveNearlyTheSameMaximaWithASmoothing) {
  SparsePrior prior{.weight = 1.0};
  prior.smoothing = Smoothing::pseudo_huber;
  prior.width = 1e-6;
  const Modes found = modes(Target(Regularised{prior, direct(2)}));
  ASSERT_EQ(found.maxima.size(), 1U);
  // The maximum of the prior without smoothing is soft(y, weight noise_std^2).
  EXPECT_LT((found.maxima[0].x - VectorXd{{-0.75, 1.25}}).cwiseAbs().maxCoeff(), 1e-5);
}

// --- proximal maps
// --------------------------------------------------------------------------------------------

const SparsePrior variation{.analysis = AnalysisOperator::gradient};

/// How far x is from the conditions of the minimum: the sums v_k = sum_{i <= k} (y_i - x_i) are in [-s, s],
/// -s where x increases, s where it decreases, and 0 at the end.
double violation(const Eigen::RowVectorXd& y, const Eigen::RowVectorXd& x, double s) {
  double v = 0.0, largest = 0.0;
  for (Index k = 0; k + 1 < y.size(); ++k) {
    v += y(k) - x(k);
    largest = std::max(largest, std::abs(v) - s);
    const double jump = x(k + 1) - x(k);
    if (jump != 0.0) largest = std::max(largest, std::abs(v + std::copysign(s, jump)));
  }
  return std::max(largest, std::abs(v + y(y.size() - 1) - x(y.size() - 1)));
}

/// The map in the arithmetic of a particle.
template <class Real>
Eigen::RowVectorXd of_particle(const Eigen::RowVectorXd& y, double s) {
  using V = particle::One<Real>;
  std::vector<V> from, to(static_cast<std::size_t>(y.size()), V(Real(0)));
  from.reserve(to.size());
  for (const double value : y) from.push_back(V(static_cast<Real>(value)));
  particle::total_variation<V>(from.data(), to.data(), y.size(), s);
  Eigen::RowVectorXd x(y.size());
  for (Index i = 0; i < x.size(); ++i) x(i) = static_cast<double>(to[static_cast<std::size_t>(i)].v);
  return x;
}

TEST(ProximalMaps, OfTotalVariationSatisfyTheConditionsOfAMinimum) {
  for (const Index d : {1, 2, 3, 7, 40, 200}) {
    for (const double s : {0.0, 0.1, 0.7, 3.0, 1e3}) {
      Points y = normal_points(6, d, static_cast<unsigned>(d));
      // Multiples of 1/4 have ties, and of them one row is constant and one monotone.
      y.bottomRows(4) = (4.0 * y.bottomRows(4)).array().round() / 4.0;
      y.row(4).setConstant(-1.5);
      std::sort(y.row(5).begin(), y.row(5).end());
      const Points found = proximal_map(variation, y, s);
      for (Index n = 0; n < y.rows(); ++n) {
        const double size = 1.0 + s + y.row(n).cwiseAbs().sum();
        EXPECT_LT(violation(y.row(n), found.row(n), s), 1e-14 * size) << d << ' ' << s;
        EXPECT_LT((of_particle<double>(y.row(n), s) - found.row(n)).cwiseAbs().maxCoeff(), 1e-14 * size);
        const Eigen::RowVectorXd rounded = y.row(n).cast<float>().cast<double>();
        const Points exact = proximal_map(variation, rounded, s);
        EXPECT_LT((of_particle<float>(rounded, s) - exact).cwiseAbs().maxCoeff(),
                  1e-7 * (1.0 + rounded.cwiseAbs().maxCoeff()));
      }
    }
  }
  // Planted: the minimum of another strength.
  const Points y = normal_points(1, 40, 3);
  EXPECT_GT(violation(y, proximal_map(variation, y, 0.7), 0.71), 1e-3);
}

TEST(ProximalMaps, EndForValuesThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {nan, infinity, -infinity}) {
    for (Index at = 0; at < 4; ++at) {
      Eigen::RowVectorXd y{{1.0, -2.0, 0.5, 3.0}};
      y(at) = bad;
      EXPECT_FALSE(of_particle<double>(y, 0.5).allFinite()) << bad << ' ' << at;
      EXPECT_FALSE(of_particle<float>(y, 0.5).allFinite()) << bad << ' ' << at;
    }
  }
}

TEST(ProximalMaps, OfTheIdentityAreSoftThresholds) {
  const Points y{{1.5, -0.25, 0.25, -2.0, 0.0}};
  EXPECT_EQ(proximal_map({}, y, 0.25), (Points{{1.25, 0.0, 0.0, -1.75, 0.0}}));
  using V = particle::One<float>;
  EXPECT_EQ(particle::soft_threshold(V(-2.0F), V(0.25F)).v, -1.75F);
  EXPECT_EQ(particle::soft_threshold(V(0.2F), V(0.25F)).v, 0.0F);
  EXPECT_TRUE(std::isnan(particle::soft_threshold(V(std::nanf("")), V(0.25F)).v));
}

TEST(ProximalMaps, NameWhatHasNone) {
  const Points y{{1.0, 2.0}};
  expect_invalid([&] { proximal_map({.smoothing = Smoothing::huber}, y, 1.0); },
                 "proximal_map: the prior has a smoothing; expected none");
  expect_invalid([&] { proximal_map({}, y, -1.0); }, "proximal_map: strength must not be negative, got -1");
  expect_invalid(
      [&] { proximal_map({.analysis = AnalysisOperator::matrix}, y, 1.0); },
      "proximal_map: only the operators identity and gradient have one; use a smoothing for others");
}

// --- chains
// ---------------------------------------------------------------------------------------------------

TEST(ProximalChains, TakeThetaFromTheLikelihood) {
  const MatrixXd A = normal_points(4, 3, 6), R = Eigen::Vector4d(0.5, 1.0, 2.0, 4.0).asDiagonal(),
                 precision = Eigen::Vector4d(2.0, 1.0, 0.5, 0.25).asDiagonal();
  const NonlinearObservation observation(ElementwiseMap{.A = A}, VectorXd::Zero(4), R);
  const Target target = Regularised{.observation = observation};
  const auto found = std::get<Myula>(tuned(target, Myula{}).sampler);
  // The norm of the gradient's differences by power iteration.
  VectorXd v = VectorXd::Ones(3);
  for (int n = 0; n < 200; ++n) v = (A.transpose() * precision * A * v).normalized();
  EXPECT_NEAR(*found.theta * (A.transpose() * precision * A * v).norm(), 1.0, 1e-12);
  EXPECT_EQ(*found.step, 0.5 * *found.theta);
  EXPECT_EQ(mcmc_plan(target, Myula{}).hash(), mcmc_plan(target, found).hash());
  // More unknowns than observed numbers
  const NonlinearObservation wide(ElementwiseMap{.A = Eigen::MatrixXd{{3.0, 0.0, 4.0}}}, VectorXd::Zero(1),
                                  0.5);
  EXPECT_NEAR(*std::get<Myula>(tuned(Regularised{.observation = wide}, Myula{}).sampler).theta, 0.01, 1e-16);
}

TEST(ProximalChains, HaveAHashOfEveryParameter) {
  const auto hash = [](AnalysisOperator analysis, const Myula& sampler) {
    return mcmc_plan(Regularised{{.analysis = analysis}, direct(3)}, sampler).hash();
  };
  const std::vector<std::uint64_t> hashes{
      hash(AnalysisOperator::identity, Myula{}),
      hash(AnalysisOperator::gradient, Myula{}),
      hash(AnalysisOperator::identity, Myula{.theta = 0.2, .step = 0.125}),
      hash(AnalysisOperator::identity, Myula{.step = 0.1}),
      hash(AnalysisOperator::identity, Myula{.metropolis = true}),
      mcmc_plan(Regularised{{}, direct(3)}, Ula{.step = 0.125}).hash(),
      mcmc_plan(Regularised{{.weight = 2.0}, direct(3)}, Ula{.step = 0.125}).hash()};
  for (std::size_t n = 0; n < hashes.size(); ++n) EXPECT_EQ(std::ranges::count(hashes, hashes[n]), 1) << n;
  std::ostringstream out;
  out << mcmc_plan(Regularised{{.weight = 2.0, .analysis = AnalysisOperator::gradient}, direct(3)},
                   Myula{.theta = 0.25});
  EXPECT_NE(out.str().find("v6 <- proximal map of the total variation of v2, strength 0.5"),
            std::string::npos)
      << out.str();
}

TEST(ProximalChains, OnSparseSignalsAreLangevinChainsOnHubersPrior) {
  // The Moreau envelope of weight abs(x) is Huber's function of the width weight theta.
  const SparsePrior sparse{.weight = 2.0};
  SparsePrior smooth = sparse;
  smooth.smoothing = Smoothing::huber;
  smooth.width = 2.0 * 0.2;
  const ChainRun run{.steps = 20};
  const auto states = [](const Plan& plan) {
    return gmdiff::run(plan, {.count = 30, .precision = Precision::f64}).to_double();
  };
  const Points found =
      states(mcmc_plan(Regularised{sparse, direct(3)}, Myula{.theta = 0.2, .step = 0.1, .run = run}));
  const Points expected = states(mcmc_plan(Regularised{smooth, direct(3)}, Ula{.step = 0.1, .run = run}));
  EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(ProximalChains, NameWhatTheyCannotSample) {
  const auto refused = [](const Target& target, const Myula& sampler, const std::string& message) {
    expect_invalid([&] { mcmc_plan(target, sampler); }, "myula: " + message);
    expect_invalid([&] { tuned(target, sampler); }, "myula: " + message);
  };
  const Target sparse = Regularised{{}, direct(2)};
  refused(sparse, {.theta = 0.25, .step = 0.5}, "step must be at most theta = 0.25, got 0.5");
  refused(sparse, {.theta = 0.0}, "theta must be positive, got 0");
  refused(sparse, {.step = -1.0}, "step must be positive, got -1");
  refused(sparse, {.run = {.preconditioner = VectorXd::Ones(2)}},
          "a preconditioner is given, but proximal chains take none");
  refused(Regularised{{}, bent(3)}, {},
          "theta is missing; it has a default only for the map identity, given tanh");
  const NonlinearObservation nothing(ElementwiseMap{.A = MatrixXd::Zero(1, 2)}, VectorXd::Zero(1), 1.0);
  refused(Regularised{{}, nothing}, {},
          "theta is missing; the likelihood does not depend on x, so it has no default");
  refused(Regularised{{.smoothing = Smoothing::huber}, direct(2)}, {},
          "the prior has a smoothing, but proximal chains smooth it themselves; expected the smoothing none");
  refused(Regularised{{.analysis = AnalysisOperator::gradient_2d, .shape = {2, 2}}, direct(4)}, {},
          "only the operators identity and gradient have a proximal map; for another one use a smoothing and "
          "another sampler");
  refused(Banana{}, {}, "expected a target of type regularised; given banana");
  const Mixture mixture({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  expect_invalid([&] { mcmc_plan(mixture, Myula{}); },
                 "myula: expected a target of type regularised; given a mixture");
  expect_invalid([&] { tuned(mixture, Myula{}); },
                 "myula: expected a target of type regularised; given a mixture");
}

}  // namespace
}  // namespace gmdiff::regularised_tests
