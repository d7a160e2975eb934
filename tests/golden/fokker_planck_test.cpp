#include <gmdiff/model/fokker_planck.hpp>

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "support/golden.hpp"

// golden/fokker_planck.json: rates, steps in time, entropies and decay rates of Fokker-Planck equations
// (mathematics.md §14).

namespace gmdiff {
namespace golden_fokker_planck {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::json;

constexpr double tolerance = 1e-12;

const json& the_case(const std::string& name) {
  for (const json& golden_case : test::load_golden("fokker_planck")["cases"])
    if (golden_case["name"] == name) return golden_case;
  throw std::runtime_error("no case " + name);
}

Target sin_gaussian(const json& target) {
  return SinGaussian{.amplitude = target["amplitude"],
                     .phase = target["phase"],
                     .frequency = target["frequency"],
                     .dim = target["dim"]};
}

/// A mixture in dimension 1 from weights, means and one standard deviation, or one for each component.
Mixture mixture_1d(const json& law) {
  const VectorXd means = test::vector(law["means"]);
  std::vector<double> variances;
  for (Index k = 0; k < means.size(); ++k) {
    const double std = law["std"].is_array() ? law["std"][static_cast<std::size_t>(k)].get<double>()
                                             : law["std"].get<double>();
    variances.push_back(std * std);
  }
  return {law["weights"].get<std::vector<double>>(), means, Covariance::spherical(variances)};
}

CellGrid grid_of(const json& golden_case) {
  const json& lower = golden_case["lower"];
  if (!lower.is_array()) {
    const json& upper = golden_case["upper"];
    return {lower.get<double>(), upper == "2 pi" ? 2.0 * std::numbers::pi : upper.get<double>(),
            golden_case["cells"].get<Index>()};
  }
  return {test::vector(lower), test::vector(golden_case["upper"]),
          golden_case["cells"].get<std::vector<Index>>()};
}

/// Largest difference over the largest expected entry.
double relative_error(const MatrixXd& found, const MatrixXd& expected) {
  return (found - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
}

void expect_vector(const VectorXd& found, const json& expected) {
  EXPECT_LT(relative_error(found, test::vector(expected)), tolerance) << found.transpose();
}

void expect_generator(const FokkerPlanck& equation, const json& expected) {
  const MatrixXd Q = equation.generator();
  EXPECT_LT(relative_error(Q, test::matrix(expected)), tolerance) << Q;
}

TEST(GoldenFokkerPlanck, BernoulliFunction) {
  const json& golden_case = the_case("bernoulli");
  const VectorXd w = test::vector(golden_case["w"]), B = test::vector(golden_case["B"]);
  for (Index i = 0; i < w.size(); ++i) EXPECT_NEAR(bernoulli(w(i)), B(i), tolerance * B(i)) << w(i);
}

TEST(GoldenFokkerPlanck, LangevinInOneDimension) {
  const json& golden_case = the_case("fp_small_1d");
  const CellGrid grid = grid_of(golden_case);
  const auto equation = FokkerPlanck::langevin(sin_gaussian(golden_case["target"]), grid,
                                               2.0 * golden_case["diffusion"].get<double>());
  expect_vector(grid.centres(), golden_case["centres"]);
  expect_generator(equation, golden_case["generator"]);
  expect_vector(equation.stationary(), golden_case["stationary"]);
  const VectorXd start = test::vector(golden_case["start"]);
  const double tau = golden_case["tau"];
  const VectorXd after = equation.advance(start, tau);
  expect_vector(after, golden_case["exponential"]);
  expect_vector(equation.advance_implicit(start, tau), golden_case["implicit"]);
  expect_vector(equation.expectation(grid.centres(), tau), golden_case["adjoint_of_x"]);
  EXPECT_NEAR(equation.relative_entropy(start), golden_case["start_kl"].get<double>(), tolerance);
  EXPECT_NEAR(relative_entropy(start, equation.stationary()), golden_case["start_kl"].get<double>(),
              tolerance);
  EXPECT_NEAR(equation.fisher_information(start), golden_case["start_fisher"].get<double>(), tolerance);
  EXPECT_NEAR(equation.relative_entropy(after), golden_case["exponential_kl"].get<double>(), tolerance);
  EXPECT_NEAR(equation.fisher_information(after), golden_case["exponential_fisher"].get<double>(), tolerance);
}

TEST(GoldenFokkerPlanck, PeriodicDrift) {
  const json& golden_case = the_case("fp_periodic");
  const DiagonalSde sde{
      .drift = [](double /*t*/, const VectorXd& x, Index /*axis*/) { return std::sin(x(0)) + 0.5; },
      .noise = std::sqrt(2.0 * golden_case["diffusion"].get<double>())};
  expect_generator(FokkerPlanck::from_sde(sde, grid_of(golden_case), 0.0, Boundary::periodic),
                   golden_case["generator"]);
}

TEST(GoldenFokkerPlanck, AbsorbingWalls) {
  const json& golden_case = the_case("fp_absorbing");
  expect_generator(FokkerPlanck::langevin(sin_gaussian(golden_case["target"]), grid_of(golden_case),
                                          2.0 * golden_case["diffusion"].get<double>(), Boundary::absorbing),
                   golden_case["generator"]);
}

/// Noise that depends on the position, with and without its derivative.
TEST(GoldenFokkerPlanck, GeometricBrownianMotion) {
  const json& golden_case = the_case("fp_geometric");
  const double a = golden_case["a"], b = golden_case["b"];
  DiagonalSde sde{.drift = [a](double /*t*/, const VectorXd& x, Index /*axis*/) { return a * x(0); },
                  .noise = [b](double /*t*/, const VectorXd& x, Index /*axis*/) { return b * x(0); }};
  expect_generator(FokkerPlanck::from_sde(sde, grid_of(golden_case)), golden_case["generator"]);
  sde.diffusion_slope = [b](double /*t*/, const VectorXd& x, Index /*axis*/) { return b * b * x(0); };
  expect_generator(FokkerPlanck::from_sde(sde, grid_of(golden_case)), golden_case["generator"]);
}

TEST(GoldenFokkerPlanck, LangevinInTwoDimensions) {
  const json& golden_case = the_case("fp_small_2d");
  const json& target = golden_case["target"];
  const Mixture mixture(target["weights"].get<std::vector<double>>(), test::matrix(target["means"]),
                        test::covariance(target["covariance"]["type"], target["covariance"]["values"]));
  const auto equation =
      FokkerPlanck::langevin(mixture, grid_of(golden_case), 2.0 * golden_case["diffusion"].get<double>());
  MatrixXd Q = MatrixXd::Zero(12, 12);
  for (const json& entry : golden_case["generator_triplets"])
    Q(entry[0].get<Index>(), entry[1].get<Index>()) = entry[2].get<double>();
  EXPECT_LT(relative_error(equation.generator(), Q), tolerance);
  EXPECT_EQ(equation.generator().nonZeros(), static_cast<Index>(golden_case["generator_triplets"].size()));
  expect_vector(equation.stationary(), golden_case["stationary"]);
  const VectorXd start = test::vector(golden_case["start"]);
  expect_vector(equation.advance(start, golden_case["tau"]), golden_case["exponential"]);
  EXPECT_NEAR(equation.relative_entropy(start), golden_case["start_kl"].get<double>(), tolerance);
  EXPECT_NEAR(equation.fisher_information(start), golden_case["start_fisher"].get<double>(), tolerance);
}

/// The density of §13 from two narrow modes, over a long time.
TEST(GoldenFokkerPlanck, SinGaussianFromTwoModes) {
  const json& golden_case = the_case("fp_sin_gaussian");
  const double within = golden_case["tolerance"];
  const CellGrid grid = grid_of(golden_case);
  const auto equation = FokkerPlanck::langevin(sin_gaussian(golden_case["target"]), grid,
                                               2.0 * golden_case["diffusion"].get<double>());
  VectorXd P = cell_masses(mixture_1d(golden_case["start"]), grid);
  double t = 0.0;
  for (std::size_t n = 0; n < golden_case["times"].size(); ++n) {
    const double next = golden_case["times"][n];
    P = equation.advance(P, next - t);
    t = next;
    const VectorXd density = test::vector(golden_case["density"][n]);
    for (std::size_t k = 0; k < golden_case["cells_shown"].size(); ++k)
      EXPECT_NEAR(P(golden_case["cells_shown"][k].get<Index>()) / grid.volume(),
                  density(static_cast<Index>(k)), within);
    const GridMoments moments = grid_moments(P, grid);
    EXPECT_NEAR(moments.mean(0), golden_case["mean"][n].get<double>(), within);
    EXPECT_NEAR(moments.covariance(0, 0), golden_case["variance"][n].get<double>(), within);
    EXPECT_NEAR(equation.relative_entropy(P), golden_case["kl"][n].get<double>(), within);
  }
  const VectorXd rates = equation.decay_rates(2);
  EXPECT_NEAR(rates(0), golden_case["spectral_gap"].get<double>(), within);
  EXPECT_NEAR(rates(1), golden_case["second_eigenvalue"].get<double>(), within);
}

/// dX = -X/2 dt + dW from a mixture, against the exact law; order 2 in space.
TEST(GoldenFokkerPlanck, OrnsteinUhlenbeckOfAMixture) {
  const json& golden_case = the_case("fp_ou_mixture");
  const Mixture prior = mixture_1d(golden_case["prior"]);
  const double T = golden_case["T"], alpha = std::exp(-T / 2.0);
  const Level level{.alpha = alpha, .sigma = std::sqrt(1.0 - alpha * alpha)};
  const DiagonalSde sde{.drift = [](double /*t*/, const VectorXd& x, Index axis) { return -0.5 * x(axis); },
                        .noise = std::sqrt(2.0 * golden_case["diffusion"].get<double>())};
  for (std::size_t n = 0; n < golden_case["cells"].size(); ++n) {
    const CellGrid grid(golden_case["lower"], golden_case["upper"], golden_case["cells"][n].get<Index>());
    const VectorXd P = FokkerPlanck::from_sde(sde, grid).advance(density_masses(prior, grid), T);
    const double error = (P - density_masses(prior, grid, level)).lpNorm<1>();
    const double expected = golden_case["l1_error_to_exact"][n];
    EXPECT_NEAR(error, expected, 0.05 * expected);
  }
}

/// The reverse SDE of the Ornstein-Uhlenbeck process, whose drift depends on time.
TEST(GoldenFokkerPlanck, ReverseDriftByTheMagnusMidpoint) {
  const json& golden_case = the_case("fp_reverse_magnus");
  const Mixture prior = mixture_1d(golden_case["prior"]);
  const CellGrid grid = grid_of(golden_case);
  const Points x = grid.centres();
  const double T = golden_case["T"], du = golden_case["du"];
  const auto level = [](double t) {
    return Level{.alpha = std::exp(-t / 2.0), .sigma = std::sqrt(-std::expm1(-t))};
  };
  const auto equation = [&](double u) {
    const VectorXd l = 0.5 * x.rowwise().squaredNorm() + 2.0 * prior.log_pdf(x, level(T - u));
    return FokkerPlanck::from_log_density(l, grid, 0.5);
  };
  VectorXd P = density_masses(prior, grid, level(T));
  for (std::size_t n = 0; n < golden_case["states"].size(); ++n) {
    expect_vector(P, golden_case["states"][n]);
    P = advance_magnus(equation, P, static_cast<double>(n) * du, du, 1);
  }
}

}  // namespace golden_fokker_planck
}  // namespace gmdiff
