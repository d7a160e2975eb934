#include <cmath>
#include <numbers>
#include <optional>

#include <gtest/gtest.h>
#include <Eigen/LU>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/model/fokker_planck.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "support/statistics.hpp"

// Langevin chains on the sin-gaussian, l = -(x^2 + sin(5 + 5 x)) / 2: stationary law, acceptance and
// integrated autocorrelation times from their transition kernels on a grid of points (mathematics.md §12.1,
// §12.2), against runs; and particles against the Fokker-Planck equation that they discretise (§14).

namespace gmdiff::chain_kernels {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::least_p;

double log_density(double x) { return -0.5 * (x * x + std::sin(5.0 + 5.0 * x)); }

/// The kernel K(x' | x) of a chain with the step h by the trapezoid rule, which is exact to many digits
/// because kernel and density are smooth and the spacing is far below sqrt(h).
class ChainKernel {
 public:
  ChainKernel(double h, bool accepts) : x_(VectorXd::LinSpaced(points, -side, side)), K_(points, points) {
    const double dx = x_(1) - x_(0);
    VectorXd accepted = VectorXd::Zero(points);
    for (Index from = 0; from < points; ++from) {
      for (Index to = 0; to < points; ++to) {
        const double log_q = log_proposal(x_(from), x_(to), h);
        const double log_ratio =
            log_density(x_(to)) - log_density(x_(from)) + log_proposal(x_(to), x_(from), h) - log_q;
        const double p = accepts ? std::min(1.0, std::exp(log_ratio)) : 1.0;
        K_(to, from) = p * std::exp(log_q) * dx;
        accepted(from) += K_(to, from);
      }
      K_(from, from) += 1.0 - accepted(from);  // rejected; without decisions a rounding error
    }
    law_ = stationary();
    acceptance_ = accepted.dot(law_);
  }

  double acceptance() const { return acceptance_; }
  double mean() const { return law_.dot(x_); }
  /// E (x - mean)^n
  double moment(int n) const { return law_.dot((x_.array() - mean()).pow(n).matrix()); }
  /// 1 + 2 sum_k rho_k of (x - mean)^n: f is followed by (I - K^T)^-1 f.
  double autocorrelation_time(int n) const {
    VectorXd f = (x_.array() - mean()).pow(n);
    f.array() -= law_.dot(f);
    const MatrixXd A =
        MatrixXd::Identity(points, points) - K_.transpose() + VectorXd::Ones(points) * law_.transpose();
    const VectorXd sum = A.partialPivLu().solve(f);
    return 2.0 * law_.dot(f.cwiseProduct(sum)) / law_.dot(f.cwiseAbs2()) - 1.0;
  }

 private:
  static constexpr Index points = 400;
  static constexpr double side = 7.0;  // beyond it E x^2 has less than 1e-9

  static double log_proposal(double from, double to, double h) {
    const double score = -from - 2.5 * std::cos(5.0 + 5.0 * from);
    const double r = to - from - 0.5 * h * score;
    return -0.5 * r * r / h - 0.5 * std::log(2.0 * std::numbers::pi * h);
  }

  VectorXd stationary() const {
    // (I - K + 1 1^T / n) p = 1 / n has the solution with sum 1.
    const MatrixXd A =
        MatrixXd::Identity(points, points) - K_ + MatrixXd::Constant(points, points, 1.0 / points);
    const VectorXd p = A.partialPivLu().solve(VectorXd::Constant(points, 1.0 / points));
    return p / p.sum();
  }

  VectorXd x_;
  MatrixXd K_;
  VectorXd law_;
  double acceptance_ = 0.0;
};

struct Row {
  double h;
  std::optional<double> variance, acceptance;
  double time_of_x, time_of_squares;
};

/// mathematics.md §12.1 and §12.2, rounded.
const Row ula_rows[] = {{0.05, 1.0214, {}, 89.0, 44.6},
                        {0.1, 1.0615, {}, 43.1, 21.5},
                        {0.2, 1.1821, {}, 20.0, 10.0},
                        {0.5, 1.5887, {}, 7.0, 3.6}};
const Row mala_rows[] = {{0.1, {}, 0.918, 57.9, 29.5},
                         {0.5, {}, 0.653, 13.0, 7.1},
                         {1.0, {}, 0.509, 7.2, 4.5},
                         {2.0, {}, 0.316, 6.0, 5.5}};

/// p-values of many stationary chains with the numbers of a kernel: the chains are independent, and each is
/// so much longer than its autocorrelation times that its averages are normal.
class StationaryChains {
 public:
  template <class Method>
  StationaryChains(Method method, double h) {
    method.step = h;
    steps_ = static_cast<int>(std::lround(200.0 / h));
    method.run = {
        .warmup = steps_ / 10, .steps = steps_, .output = ChainOutput::moments, .start = Start::exact};
    const Samples samples =
        run(mcmc_plan(SinGaussian{}, method), {.count = 1000, .seed = 31, .precision = Precision::f64});
    means_ = samples.moments()->mean.col(0);
    variances_ = samples.moments()->variance.col(0) * (steps_ - 1.0) / steps_;
    acceptance_ = Eigen::Map<const VectorXd>(samples.acceptance()->probability.data(), 1000);
  }

  /// The average over a chain of (x - mean)^2.
  VectorXd squares(const ChainKernel& kernel) const {
    return variances_ + (means_.array() - kernel.mean()).square().matrix();
  }
  double p_of_mean(const ChainKernel& kernel) const { return test::mean_p(means_, kernel.mean()); }
  double p_of_variance(const ChainKernel& kernel, double variance) const {
    return test::mean_p(squares(kernel), variance);
  }
  /// The variance of an average over S steps is that of a state times tau / S.
  double p_of_time(const ChainKernel& kernel, double time) const {
    return test::variance_p(means_, kernel.moment(2) * time / steps_);
  }
  double p_of_time_of_squares(const ChainKernel& kernel, double time) const {
    const double variance = kernel.moment(4) - kernel.moment(2) * kernel.moment(2);
    return test::variance_p(squares(kernel), variance * time / steps_);
  }
  double p_of_acceptance(double acceptance) const { return test::mean_p(acceptance_, acceptance); }

 private:
  int steps_;
  VectorXd means_, variances_, acceptance_;
};

TEST(ChainKernels, OfUlaHaveTheBiasAndTheTimesOfItsRuns) {
  const double exact = (*Target(SinGaussian{}).moments()).variance(0);
  for (const Row& row : ula_rows) {
    const ChainKernel kernel(row.h, /*accepts=*/false);
    EXPECT_NEAR(kernel.moment(2), *row.variance, 5e-5 + 1e-9);
    EXPECT_NEAR(kernel.autocorrelation_time(1), row.time_of_x, 0.051);
    EXPECT_NEAR(kernel.autocorrelation_time(2), row.time_of_squares, 0.051);
    const StationaryChains found(Ula{}, row.h);
    EXPECT_GT(test::family_wise_p({found.p_of_mean(kernel), found.p_of_variance(kernel, kernel.moment(2)),
                                   found.p_of_time(kernel, kernel.autocorrelation_time(1)),
                                   found.p_of_time_of_squares(kernel, kernel.autocorrelation_time(2))}),
              least_p)
        << row.h;
    // Planted: no bias. At the shortest step it is four standard errors of these chains.
    if (row.h > 0.05) {
      EXPECT_LT(found.p_of_variance(kernel, exact), least_p) << row.h;
    }
    EXPECT_LT(found.p_of_time(kernel, 1.5 * row.time_of_x), least_p) << row.h;
  }
}

TEST(ChainKernels, OfMalaHaveTheAcceptanceAndTheTimesOfItsRuns) {
  const double exact = (*Target(SinGaussian{}).moments()).variance(0);
  for (const Row& row : mala_rows) {
    const ChainKernel kernel(row.h, /*accepts=*/true);
    EXPECT_NEAR(kernel.moment(2), exact, 1e-9);
    EXPECT_NEAR(kernel.acceptance(), *row.acceptance, 5.1e-4);
    EXPECT_NEAR(kernel.autocorrelation_time(1), row.time_of_x, 0.051);
    EXPECT_NEAR(kernel.autocorrelation_time(2), row.time_of_squares, 0.051);
    const StationaryChains found(Mala{}, row.h);
    EXPECT_GT(test::family_wise_p({found.p_of_mean(kernel), found.p_of_variance(kernel, exact),
                                   found.p_of_acceptance(kernel.acceptance()),
                                   found.p_of_time(kernel, kernel.autocorrelation_time(1)),
                                   found.p_of_time_of_squares(kernel, kernel.autocorrelation_time(2))}),
              least_p)
        << row.h;
    EXPECT_LT(found.p_of_acceptance(kernel.acceptance() + 0.01), least_p) << row.h;  // planted
  }
}

/// int_0^30 E[f(X_0) f(X_t)] dt / E f^2 of the diffusion in equilibrium, by Simpson's rule.
double autocorrelation_time(const FokkerPlanck& equation, const VectorXd& values) {
  constexpr double dt = 0.1;
  constexpr int intervals = 300;
  const VectorXd Pi = equation.stationary();
  const VectorXd f = values.array() - Pi.dot(values);
  VectorXd later = f;
  double sum = f.dot(Pi.cwiseProduct(f));
  const double square = sum;
  for (int n = 1; n <= intervals; ++n) {
    later = equation.expectation(later, dt);
    sum += (n == intervals ? 1.0 : 2.0 + 2.0 * (n % 2)) * later.dot(Pi.cwiseProduct(f));
  }
  return sum * dt / 3.0 / square;
}

/// The standard error of an average over the time T is sqrt(2 tau var / T).
TEST(ChainKernels, OfShortStepsHaveTheTimesOfTheDiffusion) {
  const CellGrid grid(-7.0, 7.0, 400);
  const auto equation = FokkerPlanck::langevin(SinGaussian{}, grid);
  const VectorXd x = grid.centres().col(0);
  EXPECT_NEAR(autocorrelation_time(equation, x), 2.273, 1e-3);
  EXPECT_NEAR(autocorrelation_time(equation, x.cwiseAbs2()), 1.143, 1e-3);
  // tau h / 2 of the chains goes to it: the rows of ULA differ by h / 4 and more.
  EXPECT_NEAR(0.5 * 0.05 * ChainKernel(0.05, /*accepts=*/false).autocorrelation_time(1), 2.273, 0.06);
}

/// Pearson's statistic of the cells, with all cells that expect fewer than 5 particles as one.
double cells_p(const VectorXd& counts, const VectorXd& masses) {
  const double n = counts.sum();
  std::vector<double> observed, expected;
  double rest = 0.0, rest_mass = 0.0;
  for (Index i = 0; i < counts.size(); ++i) {
    if (n * masses(i) >= 5.0) {
      observed.push_back(counts(i));
      expected.push_back(masses(i));
    } else {
      rest += counts(i);
      rest_mass += masses(i);
    }
  }
  observed.push_back(rest);
  expected.push_back(rest_mass);
  const auto cells = std::ssize(observed);
  return test::chi_square_p(Eigen::Map<const VectorXd>(observed.data(), cells),
                            Eigen::Map<const VectorXd>(expected.data(), cells));
}

TEST(ChainKernels, OfShortStepsMoveParticlesAsTheFokkerPlanckEquationSays) {
  constexpr Index cells = 80, fine = 10;
  constexpr double particles = 20'000, h = 1.0 / 512.0;
  const Mixture start({1.0, 2.0}, Points{{-4.0}, {4.0}}, Covariance::spherical({0.04, 0.04}));
  const CellGrid grid(-8.0, 8.0, cells * fine);
  const auto equation = FokkerPlanck::langevin(SinGaussian{}, grid);
  const auto masses_at = [&](double t) -> VectorXd {
    const VectorXd P = equation.advance(cell_masses(start, grid), t);
    return P.reshaped(fine, cells).colwise().sum().transpose() / P.sum();
  };
  Options options{.count = static_cast<std::int64_t>(particles), .seed = 3, .precision = Precision::f64};
  options.start = draw(start, options).to_double();
  const Points x = run(mcmc_plan(SinGaussian{}, Ula{.step = h, .run = {.steps = 512}}), options).to_double();
  VectorXd counts = VectorXd::Zero(cells);
  for (const double value : x.reshaped())
    counts(std::clamp<Index>(static_cast<Index>((value + 8.0) * 5.0), 0, cells - 1)) += 1.0;
  EXPECT_GT(cells_p(counts, masses_at(1.0)), least_p);
  EXPECT_LT(cells_p(counts, masses_at(1.1)), least_p);  // planted
  // The L1 distance is that of the noise, sqrt(2/pi) sum sqrt(P (1 - P) / n), as of 80 independent cells.
  const VectorXd P = masses_at(1.0);
  const double noise =
      std::sqrt(2.0 / std::numbers::pi / particles) * (P.array() * (1.0 - P.array())).sqrt().sum();
  const double spread =
      std::sqrt((1.0 - 2.0 / std::numbers::pi) * (P.array() * (1.0 - P.array())).sum() / particles);
  EXPECT_GT(test::normal_two_sided_p(((counts / particles - P).lpNorm<1>() - noise) / spread), least_p);
}

/// Two thousand states of 32 chains with the step of their pilot run, from N(0, 9 I).
TEST(ChainKernels, OfThreeComponentsHaveTheirMoments) {
  const Mixture law = std::get<Problem>(ready_made_problem("bench-2d")).prior;
  const Mala free{.run = {.warmup = 500, .steps = 2000, .output = ChainOutput::trace, .start_std = 3.0}};
  const auto mala = std::get<Mala>(tuned(law, free).sampler);
  // The step in the units of the coordinates: h sqrt(det M).
  EXPECT_NEAR(*mala.step * mala.run.preconditioner.prod(), 1.29, 0.15);
  const Samples samples = run(mcmc_plan(law, mala), {.count = 32, .seed = 1, .precision = Precision::f64});
  const Points x = samples.to_double();  // (32 * 2000, 2)
  // The chains are independent, so their means have the standard error of their spread.
  const auto z = [](const VectorXd& values, double expected) {
    const VectorXd means = values.reshaped(2000, 32).colwise().mean().transpose();
    const double error = std::sqrt((means.array() - means.mean()).square().sum() / (31.0 * 32.0));
    return std::abs(means.mean() - expected) / error;
  };
  for (Index j = 0; j < 2; ++j) {
    EXPECT_LT(z(x.col(j), law.mean()(j)), 4.0) << j;
    EXPECT_LT(z((x.col(j).array() - law.mean()(j)).square(), law.covariance()(j, j)), 4.0) << j;
    EXPECT_GT(z(x.col(j), 0.0), 4.0) << j;  // planted: the mean of the start
  }
  const VectorXd first = x.col(0);
  EXPECT_NEAR(chain_diagnostics(Eigen::Map<const MatrixXd>(first.data(), 2000, 32)).ess_bulk / 32.0, 80.0,
              16.0);
}

/// Far modes: a chain stays on the side of the saddle on which it starts, whatever the weights are.
TEST(ChainKernels, OfUlaStayInTheBasinOfTheirStart) {
  const Mixture law({0.2, 0.8}, Points{{-4.0}, {4.0}}, Covariance::spherical({0.25, 0.25}));
  double saddle = -2.0, right = 2.0;
  while (right - saddle > 1e-9) {
    const double middle = 0.5 * (saddle + right);
    (law.score(Points{{middle}})(0, 0) < 0.0 ? saddle : right) = middle;
  }
  const double start_std = 8.0, expected = 0.5 * std::erfc(-saddle / start_std / std::numbers::sqrt2);
  EXPECT_NEAR(expected, 0.498, 5e-4);
  const Ula ula{.step = 0.05, .run = {.steps = 400, .start_std = start_std}};
  const Points x = run(mcmc_plan(law, ula), {.count = 10'000, .seed = 4}).to_double();
  const auto left = static_cast<double>((x.array() < 0.0).count());
  const auto p = [left](double share) {  // a binomial number
    return test::normal_two_sided_p((left - 1e4 * share) / std::sqrt(1e4 * share * (1.0 - share)));
  };
  EXPECT_GT(p(expected), least_p);
  EXPECT_LT(p(0.2), least_p);  // planted: the weight of the mode
}

/// MALA on the funnel: the step of a chain does not fit its neck, so chains hardly enter it and the second
/// moment of x_1 comes out low, although the acceptance is as it should be.
TEST(ChainKernels, OfTheFunnelAcceptAsTheyShouldAndAreWrong) {
  const Mala mala{.adapt = StepAdaptation::chain,
                  .run = {.warmup = 500, .steps = 2000, .output = ChainOutput::moments}};
  const Samples samples = sample(Funnel{}, mala, {.count = 100, .seed = 2});
  const std::vector<double>& p = samples.acceptance()->probability;
  EXPECT_NEAR(Eigen::Map<const VectorXd>(p.data(), std::ssize(p)).mean(), 0.574, 0.06);
  const VectorXd squares = samples.moments()->variance.col(0) + samples.moments()->mean.col(0).cwiseAbs2();
  EXPECT_LT(squares.mean(), 0.8 * 9.0);
  EXPECT_LT(test::mean_p(squares, 9.0), least_p);
}

}  // namespace
}  // namespace gmdiff::chain_kernels
