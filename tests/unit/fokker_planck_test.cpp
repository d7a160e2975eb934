#include <gmdiff/model/fokker_planck.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>
#include <Eigen/LU>

#include "support/expect_invalid.hpp"

// Fokker-Planck equations on a grid against theorems and closed forms (mathematics.md §14).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

Mixture normal(double mean, double std) {
  return {{1.0}, Points::Constant(1, 1, mean), Covariance::spherical({std * std})};
}

Mixture two_normals() { return {{0.25, 0.75}, VectorXd{{-2.0, 1.0}}, Covariance::spherical({0.0625, 0.25})}; }

Mixture symmetric_modes(double distance) {
  return {{1.0, 1.0}, VectorXd{{-distance, distance}}, Covariance::spherical({0.25, 0.25})};
}

Mixture three_normals() {
  const Points means{{0.0, 2.0}, {-1.5, -1.0}, {1.5, -1.0}};
  return {{0.5, 0.25, 0.25}, means, Covariance::spherical({0.375, 0.375, 0.375})};
}

CellGrid square(double lower, double upper, Index cells) {
  return {VectorXd::Constant(2, lower), VectorXd::Constant(2, upper), {cells, cells}};
}

CellGrid three_normals_grid(Index cells) {
  return {VectorXd{{-6.0, -5.5}}, VectorXd{{6.0, 6.5}}, {cells, cells}};
}

/// Masses, none of them 0, that are no stationary law.
VectorXd some_masses(Index size) {
  VectorXd P(size);
  for (Index i = 0; i < size; ++i) P(i) = 1.5 + std::sin(static_cast<double>(3 * i * i % 101));
  return P / P.sum();
}

/// dX = -X/2 dt + dW, at time t of which a mixture has the level below.
DiagonalSde ornstein_uhlenbeck() {
  return {.drift = [](double /*t*/, const VectorXd& x, Index axis) { return -0.5 * x(axis); }};
}

Level ornstein_uhlenbeck_level(double t) {
  return {.alpha = std::exp(-t / 2.0), .sigma = std::sqrt(-std::expm1(-t))};
}

DiagonalSde constant(double drift, double noise) {
  return {.drift = [drift](double /*t*/, const VectorXd& /*x*/, Index /*axis*/) { return drift; },
          .noise = noise};
}

/// Equations of all kinds whose stationary law is known.
std::vector<FokkerPlanck> gradient_equations() {
  const CellGrid plane({VectorXd{{-3.0, -2.0}}, VectorXd{{3.0, 2.5}}, {9, 14}});
  return {FokkerPlanck::langevin(SinGaussian{}, {-8.0, 8.0, 400}),
          FokkerPlanck::langevin(two_normals(), {-5.0, 4.0, 50}, 3.0),
          FokkerPlanck::langevin(ManyWell{}, {-3.0, 3.0, 33}, 2.0, Boundary::periodic),
          FokkerPlanck::langevin(SinGaussian{}, {-2.0, 3.0, 2}, 1.0, Boundary::periodic),
          FokkerPlanck::langevin(three_normals(), three_normals_grid(40)),
          FokkerPlanck::langevin(Banana{.scale = 1.0, .curvature = 0.5}, plane),
          FokkerPlanck::langevin(three_normals(), plane, 0.5, Boundary::periodic)};
}

/// The generator of centred differences of the same Langevin equation in dimension 1: the fault that the
/// Scharfetter-Gummel rates avoid.
MatrixXd centred_generator(const VectorXd& l, const CellGrid& grid, double diffusion) {
  const double scale = diffusion / (grid.width(0) * grid.width(0));
  MatrixXd Q = MatrixXd::Zero(grid.size(), grid.size());
  for (Index i = 0; i + 1 < grid.size(); ++i) {
    const double w = l(i + 1) - l(i), up = scale * (1.0 + w / 2.0), down = scale * (1.0 - w / 2.0);
    Q(i + 1, i) += up;
    Q(i, i) -= up;
    Q(i, i + 1) += down;
    Q(i + 1, i + 1) -= down;
  }
  return Q;
}

// ---------------------------------------------------------------------------- cells and masses

TEST(CellGrids, OrderTheirCells) {
  const CellGrid grid(VectorXd{{-1.0, 0.0}}, VectorXd{{1.0, 3.0}}, {2, 3});
  EXPECT_EQ(grid.size(), 6);
  EXPECT_EQ(grid.volume(), 1.0);
  EXPECT_EQ(grid.centres(),
            (Points{{-0.5, 0.5}, {-0.5, 1.5}, {-0.5, 2.5}, {0.5, 0.5}, {0.5, 1.5}, {0.5, 2.5}}));
  EXPECT_EQ(grid.stride(0), 3);
  EXPECT_EQ(grid.position(4, 0), 1);
  EXPECT_EQ(grid.position(4, 1), 1);
  const CellGrid line(0.0, 1.0, 4);
  EXPECT_EQ(line.centres(), (Points{{0.125}, {0.375}, {0.625}, {0.875}}));
  EXPECT_EQ(line.stride(0), 1);
}

TEST(CellGrids, NameBadBoxes) {
  expect_invalid([] { CellGrid(1.0, 1.0, 4); }, "CellGrid: axis 0: expected lower < upper, got 1 and 1");
  expect_invalid([] { CellGrid(0.0, nan_value, 4); },
                 "CellGrid: axis 0: expected finite walls, got 0 and nan");
  expect_invalid([] { CellGrid(0.0, 1.0, 1); }, "CellGrid: axis 0: expected at least 2 cells, got 1");
  expect_invalid(
      [] { CellGrid(0.0, 1e-200, 4); },
      "CellGrid: axis 0: expected cells whose squared width is a normal double, got the width 2.5e-201");
  expect_invalid([] { square(0.0, 1.0, 1 << 12); },
                 "CellGrid: expected at most 4194304 cells in all, got more: axis 1 has 4096");
  expect_invalid(
      [] {
        CellGrid(VectorXd::Zero(3), VectorXd::Ones(3), {2, 2, 2});
      },
      "CellGrid: the dimension must be 1 or 2, got 3");
  expect_invalid(
      [] {
        CellGrid(VectorXd::Zero(2), VectorXd::Ones(1), {2, 2});
      },
      "CellGrid: upper: expected 2 numbers, got 1");
  expect_invalid([] { CellGrid(VectorXd::Zero(2), VectorXd::Ones(2), {2}); },
                 "CellGrid: cells: expected 2 numbers, got 1");
}

TEST(CellMasses, AreDifferencesOfTheDistributionFunction) {
  const CellGrid grid(-4.0, 4.0, 16);
  const Mixture law = two_normals();
  const VectorXd P = cell_masses(law, grid);
  const VectorXd at_faces = law.cdf(VectorXd::LinSpaced(17, -4.0, 4.0));
  const VectorXd expected = at_faces.tail(16) - at_faces.head(16);
  EXPECT_LT((P - expected / expected.sum()).cwiseAbs().maxCoeff(), 1e-15);
  // Far in the tails, where differences of a distribution function near 1 would be 0.
  const VectorXd far = cell_masses(normal(0.0, 1.0), {-30.0, 30.0, 60});
  EXPECT_EQ(far, far.reverse());
  EXPECT_NEAR(far(50) / 2.753624115327e-89, 1.0, 1e-9);
}

TEST(CellMasses, AreProductsForDiagonalCovariances) {
  const Points means{{0.5, -0.25}};
  const Mixture law({1.0}, means, Covariance::diag(Points{{0.25, 0.0}}));
  const CellGrid grid(VectorXd{{-2.0, -1.0}}, VectorXd{{2.0, 1.0}}, {8, 4});
  const MatrixXd P = cell_masses(law, grid).reshaped<Eigen::RowMajor>(8, 4);
  const VectorXd first = cell_masses(normal(0.5, 0.5), {-2.0, 2.0, 8});
  EXPECT_LT((P.col(1) - first).cwiseAbs().maxCoeff(), 1e-15);  // a point mass on the second axis
  EXPECT_EQ(P.col(1).sum(), P.sum());
  const MatrixXd tilted{{1.0, 0.5}, {0.5, 1.0}};
  const Mixture dense({1.0}, means, Covariance::full({tilted}));
  EXPECT_EQ(cell_masses(dense, grid), density_masses(dense, grid));
}

TEST(CellMasses, NameBadArguments) {
  const CellGrid grid(-1.0, 1.0, 4);
  expect_invalid([&] { cell_masses(three_normals(), grid); },
                 "cell_masses: the mixture has dimension 2, expected 1");
  expect_invalid([&] { cell_masses(normal(1000.0, 1.0), grid); },
                 "cell_masses: expected a box that has mass, got none");
  expect_invalid([&] { density_masses(three_normals(), grid); },
                 "density_masses: the mixture has dimension 2, expected 1");
  expect_invalid(
      [] {
        density_masses(VectorXd{{0.0, nan_value}});
      },
      "density_masses: expected log-densities < inf, got nan in cell 1");
  expect_invalid(
      [] {
        density_masses(VectorXd{{-inf, -inf}});
      },
      "density_masses: expected a finite log-density in a cell, got none");
  expect_invalid([] { density_masses(VectorXd()); },
                 "density_masses: expected a finite log-density in a cell, got none");
  EXPECT_EQ(density_masses(VectorXd{{-inf, 800.0}}), (VectorXd{{0.0, 1.0}}));
}

TEST(GridFigures, AreThoseOfTheMasses) {
  const CellGrid grid(-8.0, 8.0, 400);
  const VectorXd P = cell_masses(normal(0.5, 1.25), grid);
  const GridMoments moments = grid_moments(0.5 * P, grid);
  EXPECT_NEAR(moments.mass, 0.5, 1e-14);
  EXPECT_NEAR(moments.mean(0), 0.5, 1e-8);
  // A cell spreads its mass over its width (Sheppard).
  EXPECT_NEAR(moments.covariance(0, 0), 1.25 * 1.25 + 0.04 * 0.04 / 12.0, 1e-6);
  EXPECT_NEAR(entropy(P, grid), 0.5 * std::log(2.0 * std::numbers::pi * std::numbers::e) + std::log(1.25),
              1e-4);
  EXPECT_EQ(edge_mass(P, grid), P.head(4).sum() + P.tail(4).sum());
  const VectorXd Q = VectorXd::Constant(400, 1.0 / 400.0);
  EXPECT_NEAR(edge_mass(Q, grid), 0.02, 1e-15);
  EXPECT_NEAR(edge_mass(VectorXd::Constant(36, 1.0 / 36.0), square(0.0, 1.0, 6)), 20.0 / 36.0, 1e-15);
  EXPECT_NEAR(relative_entropy(P, Q), std::log(16.0) - entropy(P, grid), 1e-12);
  EXPECT_EQ(relative_entropy(VectorXd{{0.0, 1.0}}, VectorXd{{0.5, 0.5}}), std::log(2.0));
  EXPECT_EQ(relative_entropy(VectorXd{{0.5, 0.5}}, VectorXd{{0.0, 1.0}}), inf);
}

TEST(GridFigures, NameBadMasses) {
  const CellGrid grid(0.0, 1.0, 2);
  expect_invalid(
      [&] {
        grid_moments(VectorXd{{0.0, 0.0}}, grid);
      },
      "grid_moments: expected a positive mass, got none");
  expect_invalid([&] { edge_mass(VectorXd{{1.0}}, grid); },
                 "edge_mass: expected one value for each of the 2 cells, got 1");
  expect_invalid(
      [&] {
        entropy(VectorXd{{1.0, -0.5}}, grid);
      },
      "entropy: expected masses >= 0, got -0.5 in cell 1");
  expect_invalid(
      [&] {
        relative_entropy(VectorXd{{1.0, inf}}, VectorXd{{1.0, 0.0}});
      },
      "relative_entropy: expected finite values, got inf in cell 1");
}

// ---------------------------------------------------------------------------- rates

TEST(Bernoulli, HasItsIdentities) {
  EXPECT_EQ(bernoulli(0.0), 1.0);
  for (const double w : {1e-300, 1e-12, 9.9999e-6, 1.00001e-5, 1e-4, 0.5, 2.0, 30.0, 600.0, 699.0}) {
    EXPECT_NEAR(bernoulli(-w) - bernoulli(w), w, 4e-16 * std::max(1.0, w)) << w;
    EXPECT_NEAR(std::log(bernoulli(-w)) - std::log(bernoulli(w)), w, 1e-15 * std::max(1.0, 4.0 * w)) << w;
  }
  for (const double w : {701.0, 1e6, 1e300}) {
    EXPECT_EQ(bernoulli(w), 0.0);
    EXPECT_EQ(bernoulli(-w), w);
  }
}

TEST(FokkerPlanckEquations, HaveTheStationaryLawExactly) {
  for (const FokkerPlanck& equation : gradient_equations()) {
    const VectorXd Pi = equation.stationary();
    EXPECT_NEAR(Pi.sum(), 1.0, 1e-14);
    EXPECT_LT(equation.rate_of_change(Pi).cwiseAbs().maxCoeff(), 1e-14 * equation.max_rate());
    EXPECT_LT((equation.generator() * Pi).cwiseAbs().maxCoeff(), 1e-14 * equation.max_rate());
    EXPECT_LT((equation.advance(Pi, 1.0) - Pi).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_LT((equation.advance_implicit(Pi, 1e6) - Pi).cwiseAbs().maxCoeff(), 1e-9);
    EXPECT_NEAR(equation.relative_entropy(Pi), 0.0, 1e-13);
    EXPECT_NEAR(equation.fisher_information(Pi), 0.0, 1e-13);
  }
}

TEST(FokkerPlanckEquations, ReachTheStationaryLawInOneImplicitStep) {
  const auto equation = FokkerPlanck::langevin(SinGaussian{}, {-8.0, 8.0, 400});
  const VectorXd P = cell_masses(normal(4.0, 0.5), equation.grid());
  EXPECT_LT((equation.advance_implicit(P, 1e30) - equation.stationary()).cwiseAbs().maxCoeff(), 1e-13);
}

/// HaveTheStationaryLawExactly can fail: centred differences have another stationary law, and negative masses
/// where the log-density changes by more than 2 between neighbours.
TEST(FokkerPlanckEquations, ArePositiveWhereCentredDifferencesAreNot) {
  const CellGrid grid(-10.0, 10.0, 20);
  const auto equation = FokkerPlanck::langevin(normal(0.0, 1.0), grid);
  const MatrixXd centred = centred_generator(normal(0.0, 1.0).log_pdf(grid.centres()), grid, 0.5);
  EXPECT_GT((centred * equation.stationary()).cwiseAbs().maxCoeff(), 1e-3 * equation.max_rate());
  const VectorXd start = cell_masses(normal(6.0, 0.5), grid);
  const MatrixXd implicit = MatrixXd::Identity(20, 20) - 0.1 * centred;
  EXPECT_LT(implicit.partialPivLu().solve(start).minCoeff(), -1e-3);
  EXPECT_GE(equation.advance_implicit(start, 0.1).minCoeff(), 0.0);
  EXPECT_GE(equation.advance(start, 0.1).minCoeff(), 0.0);
}

TEST(FokkerPlanckEquations, KeepMassAndSign) {
  for (const FokkerPlanck& equation : gradient_equations()) {
    const MatrixXd Q = equation.generator();
    EXPECT_LT(Q.colwise().sum().cwiseAbs().maxCoeff(), 1e-14 * equation.max_rate());
    EXPECT_EQ(-Q.diagonal().minCoeff(), equation.max_rate());
    VectorXd P = VectorXd::Zero(Q.rows());
    P(1) = 1.0;
    const double substep = 400.0 / equation.max_rate();
    for (int n = 0; n < 5; ++n) {
      const VectorXd next = equation.advance(P, substep);
      EXPECT_NEAR(next.sum(), P.sum(), 1e-14);
      EXPECT_GE(next.minCoeff(), 0.0);
      P = next;
    }
    EXPECT_NEAR(equation.advance_implicit(P, 0.5).sum(), P.sum(), 1e-12);
    EXPECT_GE(equation.advance_implicit(P, 0.5).minCoeff(), 0.0);
  }
}

/// The stencil, the sparse matrix and its transpose agree.
TEST(FokkerPlanckEquations, HaveOneGenerator) {
  for (const FokkerPlanck& equation : gradient_equations()) {
    const VectorXd P = some_masses(equation.grid().size()), F = equation.grid().centres().rowwise().sum();
    const VectorXd change = equation.generator() * P;
    EXPECT_LT((equation.rate_of_change(P) - change).cwiseAbs().maxCoeff(), 1e-15 * equation.max_rate());
    const double tau = 1.7;
    EXPECT_NEAR(F.dot(equation.advance(P, tau)), equation.expectation(F, tau).dot(P), 1e-12);
    const VectorXd next = equation.advance_implicit(P, tau);
    EXPECT_LT((next - tau * (equation.generator() * next) - P).cwiseAbs().maxCoeff(), 1e-13);
  }
}

/// (speed, tau) and (1, speed tau) are one computation.
TEST(FokkerPlanckEquations, RunOnTheClockOfTheSpeed) {
  const CellGrid grid(-6.0, 6.0, 60);
  const VectorXd P = cell_masses(normal(2.0, 0.5), grid);
  EXPECT_EQ(FokkerPlanck::langevin(SinGaussian{}, grid, 4.0).advance(P, 0.5),
            FokkerPlanck::langevin(SinGaussian{}, grid).advance(P, 2.0));
}

/// Independent coordinates: the equation in the plane has the product of the laws on two lines.
TEST(FokkerPlanckEquations, FactoriseForProducts) {
  const CellGrid grid(VectorXd{{-4.0, -3.0}}, VectorXd{{4.0, 5.0}}, {31, 24}), first(-4.0, 4.0, 31),
      second(-3.0, 5.0, 24);
  const Mixture law({1.0}, Points{{0.5, 1.0}}, Covariance::diag(Points{{1.0, 2.0}}));
  const Mixture start({1.0}, Points{{-1.0, 0.0}}, Covariance::diag(Points{{0.25, 0.5}}));
  const VectorXd plane = FokkerPlanck::langevin(law, grid).advance(cell_masses(start, grid), 0.75);
  const VectorXd x =
      FokkerPlanck::langevin(normal(0.5, 1.0), first).advance(cell_masses(normal(-1.0, 0.5), first), 0.75);
  const VectorXd y = FokkerPlanck::langevin(normal(1.0, std::sqrt(2.0)), second)
                         .advance(cell_masses(normal(0.0, std::sqrt(0.5)), second), 0.75);
  EXPECT_LT((plane.reshaped<Eigen::RowMajor>(31, 24) - x * y.transpose()).cwiseAbs().maxCoeff(), 1e-14);
}

// ---------------------------------------------------------------------------- general drifts

TEST(DiagonalSdes, GiveTheRatesOfAGradient) {
  const CellGrid grid(VectorXd{{-4.0, -3.0}}, VectorXd{{4.0, 5.0}}, {31, 24});
  const Mixture law({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  for (const Boundary boundary : {Boundary::reflecting, Boundary::absorbing}) {
    const auto sde = FokkerPlanck::from_sde(ornstein_uhlenbeck(), grid, 0.0, boundary);
    const auto langevin = FokkerPlanck::langevin(law, grid, 1.0, boundary);
    for (std::size_t axis : {0, 1}) {
      EXPECT_LT((sde.rates().up[axis] - langevin.rates().up[axis]).cwiseAbs().maxCoeff(), 1e-12);
      EXPECT_LT((sde.rates().down[axis] - langevin.rates().down[axis]).cwiseAbs().maxCoeff(), 1e-12);
    }
    // At a wall the drift of the SDE is that of the wall, not the mean over the half cell.
    EXPECT_LT((sde.rates().loss - langevin.rates().loss).cwiseAbs().maxCoeff(), 0.2);
  }
}

TEST(DiagonalSdes, AreUpwindWithoutNoise) {
  const CellGrid grid(0.0, 8.0, 16);
  const auto right = FokkerPlanck::from_sde(constant(1.5, 0.0), grid, 0.0, Boundary::absorbing);
  EXPECT_EQ(right.rates().up[0].head(15), VectorXd::Constant(15, 3.0));
  EXPECT_EQ(right.rates().down[0], VectorXd::Zero(16));
  EXPECT_EQ(right.rates().loss(15), 3.0);
  EXPECT_EQ(right.rates().loss(0), 0.0);
  const auto left = FokkerPlanck::from_sde(constant(-1.5, 0.0), grid, 0.0, Boundary::absorbing);
  EXPECT_EQ(left.rates().down[0].tail(15), VectorXd::Constant(15, 3.0));
  EXPECT_EQ(left.rates().loss(0), 3.0);
  // The limit of a small noise.
  const auto noisy = FokkerPlanck::from_sde(constant(1.5, 1e-160), grid, 0.0, Boundary::absorbing);
  EXPECT_EQ(noisy.rates().up[0], right.rates().up[0]);
  EXPECT_EQ(noisy.rates().loss, right.rates().loss);
  // Transport moves the mean by drift times time.
  VectorXd P = VectorXd::Zero(16);
  P(2) = 1.0;
  EXPECT_NEAR(grid_moments(right.advance(P, 0.5), grid).mean(0), 1.25 + 0.75, 1e-7);
}

TEST(DiagonalSdes, DependOnTimeAndAxis) {
  const DiagonalSde sde{
      .drift = [](double t, const VectorXd& x, Index axis) { return t + x(1 - axis); },
      .noise = [](double t, const VectorXd& /*x*/, Index axis) { return t + static_cast<double>(axis); }};
  const CellGrid grid = square(0.0, 2.0, 2);
  const auto rates = FokkerPlanck::from_sde(sde, grid, 1.0).rates();
  // Cell (0, 1): on axis 0 mu = 1 + 1.5, D = 1/2; on axis 1, at the face of cell (0, 0), mu = 1 + 0.5, D = 2.
  EXPECT_NEAR(rates.up[0](1), 0.5 * bernoulli(-5.0), 1e-14);
  EXPECT_NEAR(rates.down[1](1), 2.0 * bernoulli(0.75), 1e-14);
}

// ---------------------------------------------------------------------------- order of accuracy

double ornstein_uhlenbeck_error(Index cells) {
  const CellGrid grid(-8.0, 8.0, cells);
  const auto equation = FokkerPlanck::from_sde(ornstein_uhlenbeck(), grid);
  const VectorXd P = equation.advance(density_masses(two_normals(), grid), 0.5);
  return (P - density_masses(two_normals(), grid, ornstein_uhlenbeck_level(0.5))).lpNorm<1>();
}

double ornstein_uhlenbeck_error_2d(Index cells) {
  const CellGrid grid = three_normals_grid(cells);
  const auto equation = FokkerPlanck::from_sde(ornstein_uhlenbeck(), grid);
  const VectorXd P = equation.advance(density_masses(three_normals(), grid), 0.5);
  return (P - density_masses(three_normals(), grid, ornstein_uhlenbeck_level(0.5))).lpNorm<1>();
}

/// Rate at which Brownian motion leaves (-1, 1), without pi^2 / 8.
double exit_error(Index cells) {
  const auto flat = [](const Points& x) { return VectorXd::Zero(x.rows()).eval(); };
  const auto equation = FokkerPlanck::from_log_density(flat, {-1.0, 1.0, cells}, 0.5, Boundary::absorbing);
  return equation.spectral_gap() - std::numbers::pi * std::numbers::pi / 8.0;
}

TEST(FokkerPlanckErrors, FallByFourIfTheWidthIsHalved) {
  EXPECT_NEAR(ornstein_uhlenbeck_error(100) / ornstein_uhlenbeck_error(200), 4.0, 0.1);
  EXPECT_NEAR(ornstein_uhlenbeck_error(200) / ornstein_uhlenbeck_error(400), 4.0, 0.1);
  EXPECT_NEAR(ornstein_uhlenbeck_error_2d(40) / ornstein_uhlenbeck_error_2d(80), 4.0, 0.2);
  EXPECT_NEAR(exit_error(50), -4.06e-4, 1e-6);
  EXPECT_NEAR(exit_error(50) / exit_error(100), 4.0, 0.1);
}

/// Survival in a box without drift: the smallest rate, and the decay of the mass in the end.
TEST(FokkerPlanckErrors, OfSurvivalAreThoseOfTheExitRate) {
  const auto flat = [](const Points& x) { return VectorXd::Zero(x.rows()).eval(); };
  const CellGrid grid = square(-1.0, 1.0, 20);
  const auto equation = FokkerPlanck::from_log_density(flat, grid, 0.5, Boundary::absorbing);
  const double rate = equation.spectral_gap();
  EXPECT_NEAR(rate, 400.0 * std::pow(std::sin(std::numbers::pi / 40.0), 2), 1e-10);
  const VectorXd P = equation.advance(VectorXd::Constant(400, 1.0 / 400.0), 3.0);
  EXPECT_NEAR(equation.advance(P, 1.0).sum() / P.sum(), std::exp(-rate), 1e-9);
  EXPECT_NEAR(equation.expectation(VectorXd::Ones(400), 3.0).mean(), P.sum(), 1e-14);
}

/// dY = [Y/2 + grad log p_{1-u}(Y)] du + dW, from p_1 back to the mixture.
FokkerPlanck reverse_equation(const CellGrid& grid, double u) {
  const Points x = grid.centres();
  const VectorXd l =
      0.5 * x.rowwise().squaredNorm() + 2.0 * two_normals().log_pdf(x, ornstein_uhlenbeck_level(1.0 - u));
  return FokkerPlanck::from_log_density(l, grid, 0.5);
}

VectorXd implicit_reverse(const CellGrid& grid, VectorXd P, int steps) {
  for (int s = 0; s < steps; ++s)
    P = reverse_equation(grid, (s + 1.0) / steps).advance_implicit(P, 1.0 / steps);
  return P;
}

TEST(FokkerPlanckErrors, FallWithTheStepOfTime) {
  const CellGrid grid(-7.0, 7.0, 200);
  const auto equation = [&grid](double u) { return reverse_equation(grid, u); };
  const VectorXd start = density_masses(two_normals(), grid, ornstein_uhlenbeck_level(1.0));
  const VectorXd truth = density_masses(two_normals(), grid);
  const VectorXd fine = advance_magnus(equation, start, 0.0, 1.0, 2048);
  // The numbers are those of mathematics.md §14.2.
  EXPECT_NEAR((fine - truth).lpNorm<1>(), 2.9e-3, 1e-4);  // the error of space
  const auto magnus_error = [&](int steps) {
    return (advance_magnus(equation, start, 0.0, 1.0, steps) - fine).lpNorm<1>();
  };
  EXPECT_NEAR(magnus_error(16), 1.21e-2, 1e-4);
  EXPECT_NEAR(magnus_error(32), 3.4e-3, 1e-4);
  EXPECT_NEAR(magnus_error(64), 8.9e-4, 1e-5);
  EXPECT_NEAR(magnus_error(32) / magnus_error(64), 4.0, 0.3);
  const auto implicit_error = [&](int steps) {
    return (implicit_reverse(grid, start, steps) - fine).lpNorm<1>();
  };
  EXPECT_NEAR(implicit_error(16), 3.8e-2, 1e-3);
  EXPECT_NEAR(implicit_error(32), 2.1e-2, 1e-3);
  EXPECT_NEAR(implicit_error(64), 1.1e-2, 1e-3);
  EXPECT_NEAR(implicit_error(256) / implicit_error(512), 2.0, 0.2);
}

/// The chain with rates r_ji P_j / P_i goes back through the laws from which it was built.
TEST(FokkerPlanckErrors, OfReversedChainsComeFromTimeOnly) {
  const CellGrid grid = three_normals_grid(24);
  const auto equation = FokkerPlanck::langevin(three_normals(), grid);
  const VectorXd P = cell_masses({{1.0}, Points{{0.0, 0.25}}, Covariance::spherical({0.25})}, grid);
  const VectorXd end = equation.advance(P, 0.5);
  EXPECT_LT((equation.reversed(end).rate_of_change(end) + equation.rate_of_change(end)).cwiseAbs().maxCoeff(),
            1e-14);
  const auto backwards = [&](double u) { return equation.reversed(equation.advance(P, 0.5 - u)); };
  const auto error = [&](int steps) {
    return (advance_magnus(backwards, end, 0.0, 0.5, steps) - P).lpNorm<1>();
  };
  EXPECT_LT(error(64), 1e-3);
  EXPECT_NEAR(error(32) / error(64), 4.0, 0.4);
}

// ---------------------------------------------------------------------------- entropy and decay

TEST(RelativeEntropies, FallByTheFisherInformation) {
  const std::vector<double> diffusions{0.5, 1.5, 1.0, 0.5, 0.5, 0.5, 0.25};
  const std::vector<FokkerPlanck> equations = gradient_equations();
  for (std::size_t n = 0; n < equations.size(); ++n) {
    const FokkerPlanck& equation = equations[n];
    const double D = diffusions[n];
    const VectorXd P = some_masses(equation.grid().size()), Pi = equation.stationary();
    const VectorXd phi = P.array().log() - Pi.array().log();
    const double fall = -equation.rate_of_change(P).dot(phi);
    EXPECT_NEAR(fall / (D * equation.fisher_information(P)), 1.0, 1e-12);
    const double h = 1e-3 / equation.max_rate();
    const VectorXd middle = equation.advance(P, h), end = equation.advance(P, 2.0 * h);
    const double slope = (equation.relative_entropy(end) - equation.relative_entropy(P)) / (2.0 * h);
    EXPECT_NEAR(slope / (-D * equation.fisher_information(middle)), 1.0, 1e-5);
  }
}

/// exp(-t/e): a logarithmic Sobolev inequality of the density (Holley & Stroock).
TEST(RelativeEntropies, ObeyTheBoundOfTheSinGaussian) {
  const CellGrid grid(-8.0, 8.0, 400);
  const auto equation = FokkerPlanck::langevin(SinGaussian{}, grid);
  VectorXd P = cell_masses({{1.0, 2.0}, VectorXd{{-4.0, 4.0}}, Covariance::spherical({0.04, 0.04})}, grid);
  const double start = equation.relative_entropy(P);
  EXPECT_NEAR(start, 8.461, 5e-4);
  for (int n = 1; n <= 80; ++n) {
    P = equation.advance(P, 0.25);
    EXPECT_LE(equation.relative_entropy(P), start * std::exp(-0.25 * n / std::numbers::e)) << n;
  }
  EXPECT_LT(edge_mass(P, grid), 1e-8);
  const double before = equation.relative_entropy(P),
               after = equation.relative_entropy(equation.advance(P, 1.0));
  EXPECT_NEAR(std::log(before / after), 2.0 * equation.spectral_gap(), 1e-4);
}

TEST(RelativeEntropies, FollowThreeNormals) {
  const CellGrid grid = three_normals_grid(120);
  const auto equation = FokkerPlanck::langevin(three_normals(), grid);
  VectorXd P = density_masses({{1.0}, Points{{0.0, 0.25}}, Covariance::spherical({0.0625})}, grid);
  const VectorXd above = (grid.centres().col(1).array() > 0.5).cast<double>();
  struct Row {
    double t, kl, above;
  };
  double t = 0.0;
  for (const Row& row : std::vector<Row>{{0.0, 4.936, 0.157},
                                         {0.5, 0.889, 0.514},
                                         {1.0, 0.218, 0.531},
                                         {2.0, 0.0164, 0.533},
                                         {5.0, 0.00167, 0.529},
                                         {10.0, 0.00105, 0.523},
                                         {20.0, 0.00041, 0.514}}) {
    P = equation.advance(P, row.t - t);
    t = row.t;
    EXPECT_NEAR(equation.relative_entropy(P), row.kl, 0.01 * row.kl) << t;
    EXPECT_NEAR(above.dot(P), row.above, 2e-3) << t;
  }
  EXPECT_NEAR(equation.spectral_gap(), 0.0470, 5e-4);
}

TEST(DecayRates, AreThoseOfKnownLaws) {
  const VectorXd hermite = FokkerPlanck::langevin(normal(0.0, 1.0), {-8.0, 8.0, 800}).decay_rates(3);
  EXPECT_LT((hermite - VectorXd{{0.5, 1.0, 1.5}}).cwiseAbs().maxCoeff(), 1e-3);
  const VectorXd rates = FokkerPlanck::langevin(SinGaussian{}, {-8.0, 8.0, 800}).decay_rates(2);
  EXPECT_NEAR(rates(0), 0.4377, 5e-5);
  EXPECT_NEAR(rates(1), 0.8634, 1e-4);
  EXPECT_NEAR(FokkerPlanck::langevin(ManyWell{}, {-4.0, 4.0, 800}).spectral_gap(), 0.0298, 1e-4);
  struct Row {
    double distance, gap;
  };
  for (const Row& row :
       std::vector<Row>{{0.5, 0.970}, {1.0, 0.238}, {1.5, 0.0286}, {2.0, 1.24e-3}, {2.5, 1.8e-5}})
    EXPECT_NEAR(FokkerPlanck::langevin(symmetric_modes(row.distance), {-8.0, 8.0, 800}).spectral_gap(),
                row.gap, 0.01 * row.gap);
}

TEST(DecayRates, AreFoundOnLongLines) {
  const auto line = FokkerPlanck::langevin(normal(0.0, 1.0), {-6.0, 6.0, 2500});
  EXPECT_LT((line.decay_rates(3) - VectorXd{{0.5, 1.0, 1.5}}).cwiseAbs().maxCoeff(), 1e-4);
}

/// The sparse iteration: sums of the rates on two lines, and a circle, where the rates come in pairs.
TEST(DecayRates, AreSumsForProducts) {
  const auto line = FokkerPlanck::langevin(SinGaussian{}, {-5.0, 5.0, 40});
  const VectorXd rates = line.decay_rates(2);
  const auto plane = FokkerPlanck::langevin(SinGaussian{.dim = 2}, square(-5.0, 5.0, 40));
  const VectorXd expected{{rates(0), rates(0), std::min(2.0 * rates(0), rates(1))}};
  const VectorXd found = plane.decay_rates(3);
  EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), 1e-10);
  const double pi = std::numbers::pi;
  const auto circle = FokkerPlanck::from_log_density(VectorXd(VectorXd::Zero(40)), {0.0, 2.0 * pi, 40}, 1.0,
                                                     Boundary::periodic);
  const double h = 2.0 * pi / 40.0, lowest = 4.0 / (h * h) * std::pow(std::sin(h / 2.0), 2);
  EXPECT_NEAR(circle.decay_rates(2)(0), lowest, 1e-10);
  EXPECT_NEAR(circle.decay_rates(2)(1), lowest, 1e-10);
}

// ---------------------------------------------------------------------------- errors

TEST(FokkerPlanckEquations, NameBadDescriptions) {
  const CellGrid grid(-1.0, 1.0, 4);
  expect_invalid([&] { FokkerPlanck::langevin(Banana{}, grid); },
                 "FokkerPlanck: the target has dimension 2, expected 1");
  expect_invalid([&] { FokkerPlanck::langevin(three_normals(), grid); },
                 "FokkerPlanck: the mixture has dimension 2, expected 1");
  expect_invalid([&] { FokkerPlanck::langevin(SinGaussian{}, grid, 0.0); },
                 "FokkerPlanck: speed must be positive and finite, got 0");
  expect_invalid([&] { FokkerPlanck::langevin(normal(0.0, 1.0), grid, inf); },
                 "FokkerPlanck: speed must be positive and finite, got inf");
  expect_invalid([&] { FokkerPlanck::from_log_density(VectorXd(VectorXd::Zero(4)), grid, -1.0); },
                 "FokkerPlanck: diffusion must be positive and finite, got -1");
  expect_invalid([&] { FokkerPlanck::from_log_density(VectorXd(VectorXd::Zero(5)), grid, 1.0); },
                 "FokkerPlanck: log-density: expected one value for each of the 4 cells, got 5");
  expect_invalid(
      [&] {
        FokkerPlanck::from_log_density(VectorXd{{0.0, -inf, 0.0, 0.0}}, grid, 1.0);
      },
      "FokkerPlanck: log-density: expected finite values, got -inf in cell 1");
  expect_invalid(
      [&] { FokkerPlanck::from_log_density(VectorXd(VectorXd::Zero(4)), grid, 1.0, Boundary::absorbing); },
      "FokkerPlanck: absorbing walls need the log-density as a function, got its values at the centres");
  expect_invalid([&] { FokkerPlanck::from_log_density(FokkerPlanck::LogDensity(), grid, 1.0); },
                 "FokkerPlanck: expected a log-density, got an empty function");
  const auto at_walls = [](const Points& x) { return VectorXd((1.0 - x.col(0).array().abs()).log()); };
  expect_invalid([&] { FokkerPlanck::from_log_density(at_walls, grid, 1.0, Boundary::absorbing); },
                 "FokkerPlanck: log-density at the walls: expected finite values, got -inf in cell 0");
  expect_invalid(
      [&] {
        FokkerPlanck::from_log_density(VectorXd{{0, 1e308, 0, 0}}, grid, 1e10);
      },
      "FokkerPlanck: expected finite rates, got inf");
  expect_invalid([&] { FokkerPlanck::from_sde({}, grid); }, "DiagonalSde: expected a drift, got none");
  DiagonalSde sde = constant(1.0, 1.0);
  sde.noise = DiagonalSde::Function();
  expect_invalid([&] { FokkerPlanck::from_sde(sde, grid); },
                 "DiagonalSde: expected a noise, got an empty function");
  expect_invalid([&] { FokkerPlanck::from_sde(constant(1.0, nan_value), grid); },
                 "DiagonalSde: sigma^2 / 2 of axis 0 must be finite, got nan at t = 0, x = (-0.5)");
  expect_invalid([&] { FokkerPlanck::from_sde(constant(inf, 1.0), grid, 2.0); },
                 "DiagonalSde: drift of axis 0 must be finite, got inf at t = 2, x = (-0.5)");
  expect_invalid([&] { FokkerPlanck::from_sde(constant(1.0, 1.0), grid, nan_value); },
                 "FokkerPlanck: expected a finite time, got nan");
}

TEST(FokkerPlanckEquations, NameBadArguments) {
  const CellGrid grid(-1.0, 1.0, 4);
  const auto equation = FokkerPlanck::langevin(SinGaussian{}, grid);
  const VectorXd P = VectorXd::Constant(4, 0.25), three = VectorXd::Zero(3);
  const VectorXd bad{{0.0, 0.0, nan_value, 0.0}}, negative{{1.0, -1.0, 0.0, 0.0}};
  const std::string size = ": expected one value for each of the 4 cells, got 3";
  const std::string finite = ": expected finite values, got nan in cell 2";
  const std::string masses = ": expected masses >= 0, got -1 in cell 1";
  const std::string duration = ": expected a finite tau >= 0, got -1";
  expect_invalid([&] { equation.rate_of_change(three); }, "FokkerPlanck::rate_of_change" + size);
  expect_invalid([&] { equation.advance(three, 1.0); }, "FokkerPlanck::advance" + size);
  expect_invalid([&] { equation.advance(bad, 1.0); }, "FokkerPlanck::advance" + finite);
  expect_invalid([&] { equation.advance(P, -1.0); }, "FokkerPlanck::advance" + duration);
  expect_invalid([&] { equation.advance(P, 1e12); },
                 "FokkerPlanck::advance: expected max_rate() tau <= 1e+09, got ");
  expect_invalid([&] { equation.expectation(bad, 1.0); }, "FokkerPlanck::expectation" + finite);
  expect_invalid([&] { equation.advance_implicit(three, 1.0); }, "ImplicitEuler" + size);
  expect_invalid([&] { equation.advance_implicit(P, -1.0); }, "ImplicitEuler" + duration);
  expect_invalid([&] { equation.advance_implicit(P, 1.0, 0); },
                 "FokkerPlanck::advance_implicit: expected at least 1 step, got 0");
  expect_invalid([&] { equation.relative_entropy(negative); }, "FokkerPlanck::relative_entropy" + masses);
  expect_invalid([&] { equation.fisher_information(negative); }, "FokkerPlanck::fisher_information" + masses);
  expect_invalid([&] { equation.reversed(negative); }, "FokkerPlanck::reversed" + masses);
  expect_invalid([&] { equation.decay_rates(0); },
                 "FokkerPlanck::decay_rates: expected a count in [1, 3], got 0");
  expect_invalid([&] { equation.decay_rates(4); },
                 "FokkerPlanck::decay_rates: expected a count in [1, 3], got 4");
  const auto constant_in_time = [&](double /*t*/) { return equation; };
  expect_invalid([&] { advance_magnus(constant_in_time, P, 0.0, -1.0, 1); }, "advance_magnus" + duration);
  expect_invalid([&] { advance_magnus(constant_in_time, P, nan_value, 1.0, 1); },
                 "advance_magnus: expected a finite t, got nan");
  expect_invalid([&] { advance_magnus(constant_in_time, P, 0.0, 1.0, 0); },
                 "advance_magnus: expected at least 1 step, got 0");
  expect_invalid([&] { advance_magnus({}, P, 0.0, 1.0, 1); },
                 "advance_magnus: expected an equation, got an empty function");
  EXPECT_EQ(equation.advance(P, 0.0), P);
}

TEST(FokkerPlanckEquations, KnowTheirStationaryLawOnlyFromALogDensity) {
  const CellGrid grid(-1.0, 1.0, 4);
  const VectorXd P = VectorXd::Constant(4, 0.25);
  const auto refused = [&P](const FokkerPlanck& equation, const std::string& text) {
    expect_invalid([&] { equation.stationary(); }, "FokkerPlanck::stationary" + text);
    expect_invalid([&] { equation.relative_entropy(P); }, "FokkerPlanck::relative_entropy" + text);
    expect_invalid([&] { equation.fisher_information(P); }, "FokkerPlanck::fisher_information" + text);
  };
  const std::string general = ": expected an equation from a log-density, got general rates";
  const std::string walls = ": expected reflecting or periodic walls, got absorbing ones";
  const auto sde = FokkerPlanck::from_sde(constant(1.0, 1.0), grid);
  refused(sde, general);
  expect_invalid([&] { sde.decay_rates(1); }, "FokkerPlanck::decay_rates" + general);
  const auto absorbing = FokkerPlanck::langevin(SinGaussian{}, grid, 1.0, Boundary::absorbing);
  refused(absorbing, walls);
  expect_invalid([&] { absorbing.reversed(P); }, "FokkerPlanck::reversed" + walls);
}

}  // namespace
}  // namespace gmdiff
