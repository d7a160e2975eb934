#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>

#include <gmdiff/model/modes.hpp>

#include "model/target/orthantwise.hpp"
#include "support/expect_invalid.hpp"
#include "support/point_sets.hpp"

// Maxima of posteriors of sparse priors without smoothing (mathematics.md §15.3).

namespace gmdiff::sparse_maxima_tests {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using Eigen::VectorXd;
using test::expect_invalid;
using test::normal_points;

NonlinearObservation linear(const MatrixXd& A, const VectorXd& y, double noise_std) {
  return {ElementwiseMap{.A = A}, y, noise_std};
}

/// The single maximum that starts far apart reach.
VectorXd maximum(const Target& target) {
  const Modes found = modes(target, {.draws = 3, .spread = 4.0, .seed = 2});
  EXPECT_EQ(found.maxima.size(), 1U);
  EXPECT_EQ(found.saddles + found.unfinished + found.outside, 0);
  return found.maxima.empty() ? VectorXd::Zero(target.dim()) : found.maxima[0].x;
}

/// By how much 0 is outside the subdifferential of weight |u|_1 - log-likelihood at x, in units of the
/// weight: the derivative of the log-likelihood is weight sign(u_i) where u_i is not 0, else in
/// [-weight, weight].
double violation(const Regularised& target, const VectorXd& x) {
  const bool differences = target.prior.analysis == AnalysisOperator::gradient;
  VectorXd g = target.observation.gradient(x.transpose()).row(0).transpose(), u = x;
  if (differences) {
    for (Index i = x.size() - 1; i > 0; --i) u(i) -= u(i - 1);
    for (Index i = x.size() - 2; i >= 0; --i) g(i) += g(i + 1);
  }
  double worst = differences ? std::abs(g(0)) / target.prior.weight : 0.0;
  for (Index i = differences ? 1 : 0; i < x.size(); ++i) {
    const double ratio = g(i) / target.prior.weight;
    worst = std::max(worst, u(i) == 0.0 ? std::abs(ratio) - 1.0 : std::abs(ratio - std::copysign(1.0, u(i))));
  }
  return worst;
}

TEST(SparseMaxima, OfDirectObservationsAreSoftThresholds) {
  const VectorXd y{{1.5, -0.25, 0.75, -2.0, 0.0, 0.5}};
  const double threshold = 2.0 * 0.25;  // weight noise_std^2
  const Regularised target{{.weight = 2.0}, linear(MatrixXd::Identity(6, 6), y, 0.5)};
  const VectorXd x = maximum(target);
  for (Index i = 0; i < 6; ++i) {
    const double shrunk = std::max(std::abs(y(i)) - threshold, 0.0);
    EXPECT_NEAR(x(i), std::copysign(shrunk, y(i)), 1e-14) << i;
    EXPECT_EQ(x(i) == 0.0, shrunk == 0.0) << i;
  }
}

TEST(SparseMaxima, OfTotalVariationAreTautStrings) {
  for (const Index d : {2, 7, 60}) {
    const VectorXd y = 2.0 * normal_points(1, d, static_cast<unsigned>(d)).row(0).transpose();
    const SparsePrior prior{.weight = 1.5, .analysis = AnalysisOperator::gradient};
    const Regularised target{prior, linear(MatrixXd::Identity(d, d), y, 0.75)};
    const VectorXd x = maximum(target);
    const Points exact = proximal_map(prior, y.transpose(), 1.5 * 0.75 * 0.75);
    EXPECT_LT((x.transpose() - exact.row(0)).cwiseAbs().maxCoeff(), 1e-12) << d;
    EXPECT_LT(violation(target, x), 1e-9) << d;
  }
}

/// argmin |y - A x|^2 / (2 noise_std^2) + weight |x|_1 by cyclic coordinate descent.
VectorXd lasso(const MatrixXd& A, const VectorXd& y, double noise_std, double weight) {
  const double threshold = weight * noise_std * noise_std;
  VectorXd x = VectorXd::Zero(A.cols()), r = y;
  for (int sweep = 0; sweep < 20'000; ++sweep) {
    for (Index i = 0; i < x.size(); ++i) {
      const double square = A.col(i).squaredNorm(), c = A.col(i).dot(r) + square * x(i);
      const double next = std::copysign(std::max(std::abs(c) - threshold, 0.0), c) / square;
      r += (x(i) - next) * A.col(i);
      x(i) = next;
    }
  }
  return x;
}

TEST(SparseMaxima, SolveTheLasso) {
  for (const auto& [rows, d] : {std::pair<Index, Index>{12, 8}, {8, 20}}) {
    const MatrixXd A = normal_points(rows, d, 3);
    const VectorXd y = 3.0 * normal_points(1, rows, 4).row(0).transpose();
    for (const double weight : {0.5, 4.0, 200.0}) {
      const Regularised target{{.weight = weight}, linear(A, y, 0.5)};
      const VectorXd x = maximum(target), exact = lasso(A, y, 0.5, weight);
      EXPECT_LT((x - exact).cwiseAbs().maxCoeff(), 1e-9) << d << ' ' << weight;
      EXPECT_EQ((x.array() == 0.0).count(), (exact.array() == 0.0).count()) << d << ' ' << weight;
      EXPECT_LT(violation(target, x), 1e-9) << d << ' ' << weight;
    }
  }
  // Planted: the maximum of another weight.
  const NonlinearObservation observation = linear(normal_points(12, 8, 3), VectorXd::Constant(12, 2.0), 0.5);
  EXPECT_GT(violation({{.weight = 4.1}, observation}, maximum(Regularised{{.weight = 4.0}, observation})),
            0.02);
}

TEST(SparseMaxima, OfUnderdeterminedProblemsWithLittleNoiseAreReached) {
  // Steps that set several coordinates to 0 leave the narrow valley |y - A x| = O(noise).
  MatrixXd A = normal_points(10, 30, 5);
  for (Index i = 0; i < 30; ++i) A.col(i) *= std::exp(-3.0 + 4.0 * static_cast<double>(i) / 29.0);
  const VectorXd y = 2.0 * normal_points(1, 10, 6).row(0).transpose();
  for (const AnalysisOperator analysis : {AnalysisOperator::identity, AnalysisOperator::gradient}) {
    const Regularised target{{.weight = 0.5, .analysis = analysis}, linear(A, y, 0.01)};
    EXPECT_LT(violation(target, maximum(target)), 1e-8);
  }
}

TEST(SparseMaxima, OfBlurredSignalsSatisfyTheConditionsOfAMaximum) {
  // Correlated noise, and a map that neither keeps nor reverses the order of the coordinates.
  const MatrixXd A = normal_points(30, 25, 6), L = 0.2 * normal_points(30, 30, 7);
  const MatrixXd R = L * L.transpose() + MatrixXd::Identity(30, 30);
  VectorXd step = VectorXd::Constant(25, -1.0);
  step.segment(8, 9).setConstant(2.0);
  const Regularised target{{.weight = 10.0, .analysis = AnalysisOperator::gradient},
                           {ElementwiseMap{.A = A}, A * step, R}};
  const VectorXd x = maximum(target);
  EXPECT_LT(violation(target, x), 1e-9);
  EXPECT_GT(((x.tail(24) - x.head(24)).array() == 0.0).count(), 18);
}

TEST(SparseMaxima, OfAMapThatBendsAreAllFound) {
  // l = -weight |x| - (y - x^2)^2 / (2 s^2): 0, and +-x with 2 x (y - x^2) / s^2 = weight.
  const double y = 2.0, s = 0.5, weight = 3.0;
  const Target target = Regularised{
      {.weight = weight},
      {ElementwiseMap{.function = MapFunction::square, .A = MatrixXd::Identity(1, 1)}, VectorXd{{y}}, s}};
  double low = std::sqrt(y / 3.0), high = std::sqrt(y);
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = 0.5 * (low + high);
    (2.0 * middle * (y - middle * middle) / (s * s) > weight ? low : high) = middle;
  }
  const Modes found = modes(target, {.starts = Points{{-3.0}, {-0.01}, {0.01}, {2.0}}, .draws = 0});
  ASSERT_EQ(found.maxima.size(), 3U);
  EXPECT_NEAR(std::abs(found.maxima[0].x(0)), low, 1e-12);
  EXPECT_NEAR(found.maxima[0].x(0) + found.maxima[1].x(0), 0.0, 1e-12);
  EXPECT_EQ(found.maxima[2].x(0), 0.0);
  EXPECT_EQ(found.maxima[2].log_density, target.log_density(Points{{0.0}})(0));
}

TEST(SparseMaxima, HaveNoMass) {
  const Target target =
      Regularised{{.weight = 2.0}, linear(MatrixXd::Identity(2, 2), VectorXd::Ones(2), 0.5)};
  const Modes found = modes(target);
  ASSERT_EQ(found.maxima.size(), 1U);
  EXPECT_EQ(found.maxima[0].hessian.size(), 0);
  EXPECT_TRUE(std::isnan(found.maxima[0].log_mass));
  EXPECT_TRUE(std::isnan(found.log_normalizer));
  EXPECT_EQ(found.maxima[0].log_density, target.log_density(found.maxima[0].x.transpose())(0));
  expect_invalid([&] { laplace_mixture(found); },
                 "laplace_mixture: maxima of a prior without smoothing have no Hessian; give the prior the "
                 "smoothing pseudo-huber or huber");
}

TEST(SparseMaxima, CountStartsThatReachNone) {
  // All x with x_1 + x_2 = 1.5 and x >= 0 have the same density.
  const Regularised plateau{{.weight = 0.5}, linear(MatrixXd{{1.0, 1.0}}, VectorXd{{2.0}}, 1.0)};
  EXPECT_EQ(modes(plateau, {.starts = Points{{1.0, 1.0}}, .draws = 0}).saddles, 1);
  const Regularised half{{}, {ExpressionMap{.texts = {"log(x1) + x2"}, .dim = 2}, VectorXd{{0.5}}, 1.0}};
  EXPECT_EQ(modes(half, {.starts = Points{{-1.0, 0.5}}, .draws = 0}).outside, 1);
  const Regularised distance{{}, {RangeMap{.anchors = Points{{1.0, 0.0}}}, VectorXd{{2.0}}, 0.5}};
  EXPECT_EQ(modes(distance, {.starts = Points{{1.0, 0.0}}, .draws = 0}).unfinished, 1);
}

TEST(SparseMaxima, NameOperatorsThatCannotBeSearched) {
  const NonlinearObservation image = linear(MatrixXd::Identity(4, 4), VectorXd::Ones(4), 1.0);
  const SparsePrior refused[] = {{.analysis = AnalysisOperator::gradient_2d, .shape = {2, 2}},
                                 {.analysis = AnalysisOperator::matrix, .matrix = MatrixXd::Identity(4, 4)}};
  for (const SparsePrior& prior : refused) {
    expect_invalid(
        [&] {
          modes(Regularised{prior, image});
        },
        "modes: without smoothing only the operators identity and gradient can be searched, because "
        "F x must be coordinates of x; give the prior the smoothing pseudo-huber or huber");
  }
}

TEST(SparseMaxima, PassOnWhatGoesWrongInside) {
  const auto square = [](const VectorXd& u, VectorXd& gradient) {
    gradient = 2.0 * u;
    return u.squaredNorm();
  };
  const VectorXd start{{2.0, -3.0}};
  expect_invalid([&] { targets::lower_orthantwise(square, {.weight = -1.0, .first = 0}, start); },
                 "search for maxima: liblbfgs refuses the parameters, error -1006");
  int calls = 0;
  const auto failing = [&](const VectorXd& u, VectorXd& gradient) {
    if (++calls == 2) throw std::runtime_error("no more");
    return square(u, gradient);
  };
  EXPECT_THROW(targets::lower_orthantwise(failing, {.weight = 0.5, .first = 0}, start), std::runtime_error);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace gmdiff::sparse_maxima_tests
