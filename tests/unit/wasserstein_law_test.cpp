#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "support/mixtures.hpp"
#include "support/point_sets.hpp"

// Distances of points to a law without draws from it, against quadrature in long double.

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;
using test::normal_points;
using Number = long double;

/// The law of <u, X>, with a cdf and a density of its own.
struct Line {
  std::vector<Number> weights, means, deviations;

  Line(const Mixture& law, const Eigen::VectorXd& u) {
    for (Eigen::Index k = 0; k < law.num_components(); ++k) {
      weights.push_back(static_cast<Number>(law.weights()(k)));
      means.push_back(static_cast<Number>(law.means().row(k).dot(u)));
      deviations.push_back(static_cast<Number>(std::sqrt(u.dot(law.component_covariance(k) * u))));
    }
  }
  Number cdf(Number x) const {
    Number sum = 0.0L;
    for (std::size_t k = 0; k < weights.size(); ++k)
      sum += weights[k] * std::erfc((means[k] - x) / (deviations[k] * std::numbers::sqrt2_v<Number>)) / 2.0L;
    return sum;
  }
  Number density(Number x) const {
    Number sum = 0.0L;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const Number z = (x - means[k]) / deviations[k];
      sum += weights[k] * std::exp(-z * z / 2.0L) / deviations[k];
    }
    return sum * std::numbers::inv_sqrtpi_v<Number> / std::numbers::sqrt2_v<Number>;
  }
  Number low() const { return std::ranges::min(means) - 14.0L * std::ranges::max(deviations); }
  Number high() const { return std::ranges::max(means) + 14.0L * std::ranges::max(deviations); }
  Number quantile(Number u) const {
    Number a = low(), b = high();
    for (int i = 0; i < 80; ++i) (cdf(a + (b - a) / 2.0L) < u ? a : b) = a + (b - a) / 2.0L;
    return a;
  }
};

/// Simpson's rule on panels that are short beside the narrowest component.
Number simpson(const std::function<Number(Number)>& f, Number a, Number b, Number width) {
  const auto panels = static_cast<int>(std::ceil((b - a) / width)) + 1;
  const Number h = (b - a) / static_cast<Number>(2 * panels);
  Number sum = f(a) + f(b);
  for (int i = 1; i < 2 * panels; ++i) sum += (i % 2 == 1 ? 4.0L : 2.0L) * f(a + h * static_cast<Number>(i));
  return sum * h / 3.0L;
}

/// W_p^p of weighted points by its definition: int |F_n - F| dx, or the integral of (x_i - t)^2 f(t) between
/// the quantiles of the running weights.
double by_quadrature(const Line& line, const std::vector<double>& points, const std::vector<double>& weights,
                     int p) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return points[i]; });
  const auto total = std::accumulate(weights.begin(), weights.end(), Number{0.0L});
  const Number width = std::ranges::min(line.deviations) / 24.0L;
  const Number low = std::min(line.low(), static_cast<Number>(std::ranges::min(points)));
  const Number high = std::max(line.high(), static_cast<Number>(std::ranges::max(points)));
  Number sum = 0.0L, mass = 0.0L, previous = low;
  for (std::size_t i = 0; i <= order.size(); ++i) {
    const bool is_last = i == order.size();
    const Number x = is_last ? high : static_cast<Number>(points[order[i]]);
    if (p == 1) {
      const Number split = mass > 0.0L && mass < 1.0L ? line.quantile(mass) : mass > 0.0L ? high : low;
      const Number middle = std::clamp(split, previous, x);
      const auto difference = [&](Number t) { return line.cdf(t) - mass; };
      sum += std::abs(simpson(difference, previous, middle, width)) +
             std::abs(simpson(difference, middle, x, width));
      previous = x;
    }
    if (is_last) break;
    mass = i + 1 == order.size() ? 1.0L : mass + static_cast<Number>(weights[order[i]]) / total;
    if (p == 2) {
      const Number end = mass < 1.0L ? line.quantile(mass) : high;
      sum += simpson([&](Number t) { return (x - t) * (x - t) * line.density(t); }, previous, end, width);
      previous = end;
    }
  }
  return static_cast<double>(sum);
}

std::vector<double> project(const Points& x, const Eigen::VectorXd& u) {
  const Eigen::VectorXd values = x * u;
  return {values.data(), values.data() + values.size()};
}

/// Mixtures of three components of one dimension in every structure that covariances have.
std::vector<test::NamedMixture> laws_of_dimension(Eigen::Index d) {
  const std::vector<double> weights{0.2, 0.5, 0.3};
  const Points means = test::uniform_points(3, d, 41, 3.0);
  const Points variances = test::uniform_points(3, d, 42, 0.4).array() + 0.6;
  const Eigen::MatrixXd U = test::orthogonal(d, 43);
  std::vector<Eigen::MatrixXd> dense;
  for (Eigen::Index k = 0; k < 3; ++k) dense.push_back(test::dense(U, variances.row(k)));
  return {{"spherical", Mixture(weights, means, Covariance::spherical({0.5, 1.5, 0.25}))},
          {"diag", Mixture(weights, means, Covariance::diag(variances))},
          {"tied", Mixture(weights, means, Covariance::tied(dense[0]))},
          {"full", Mixture(weights, means, Covariance::full(dense))},
          {"common basis", Mixture(weights, means, Covariance::common_basis(U, variances))}};
}

TEST(DistanceToALaw, AgreesWithQuadratureForEveryStructure) {
  for (const Eigen::Index d : {1, 2, 8, 80}) {
    const Points x = 1.5 * normal_points(7, d, 5);
    const Points directions = random_directions(d, 1, 2);
    for (const auto& [name, law] : laws_of_dimension(d)) {
      const Line line(law, directions.row(0));
      const std::vector<double> points = project(x, directions.row(0));
      for (const int p : {1, 2}) {
        const double expected = by_quadrature(line, points, std::vector(points.size(), 1.0), p);
        EXPECT_NEAR(slice_wasserstein(x, law, directions, p)(0), expected, 1e-8 * expected)
            << name << ", d = " << d << ", p = " << p;
      }
    }
  }
}

TEST(DistanceToALaw, TakesWeights) {
  const Mixture law({0.3, 0.7}, column({-2.0, 1.0}), Covariance::spherical({0.25, 1.0}));
  const Points x = 2.0 * normal_points(6, 1, 8);
  const std::vector<double> weights{0.5, 2.0, 0.0, 1.25, 3.0, 0.125};
  const Points along = Points::Ones(1, 1);
  const Line line(law, along.row(0));
  for (const int p : {1, 2}) {
    const double expected = by_quadrature(line, project(x, along.row(0)), weights, p);
    EXPECT_NEAR(slice_wasserstein(x, law, along, p, Device::cpu(), weights)(0), expected, 1e-8 * expected);
  }
}

TEST(DistanceToALaw, WithEqualWeightsIsThatWithout) {
  const Mixture law = laws_of_dimension(8).front().mixture;
  const Points x = normal_points(333, 8, 1);
  const std::vector<double> weights(333, 0.7);
  for (const int p : {1, 2}) {
    const double expected = sliced_wasserstein(x, law, {.p = p, .slices = 20});
    EXPECT_NEAR(sliced_wasserstein(x, law, {.p = p, .slices = 20}, weights), expected, 1e-13 * expected);
  }
}

TEST(DistanceToALaw, WithIntegerWeightsIsThatOfRepeatedPoints) {
  const Mixture law = laws_of_dimension(2).front().mixture;
  const Points x = normal_points(200, 2, 1);
  std::vector<double> weights;
  std::vector<Eigen::Index> rows;
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    weights.push_back(static_cast<double>(i % 4));
    rows.insert(rows.end(), static_cast<std::size_t>(i % 4), i);
  }
  const Points repeated = x(rows, Eigen::all);
  for (const int p : {1, 2}) {
    const SlicedOptions options{.p = p, .slices = 20};
    const double expected = sliced_wasserstein(repeated, law, options);
    EXPECT_NEAR(sliced_wasserstein(x, law, options, weights), expected, 1e-12 * expected);
    const double largest = max_sliced_wasserstein(repeated, law, options);
    EXPECT_NEAR(max_sliced_wasserstein(x, law, options, weights), largest, 1e-12 * largest);
  }
}

// A component without variance is a step of the cdf.
TEST(DistanceToALaw, OfPointMassesIsTheDistanceToTheirPoints) {
  const Mixture law({0.25, 0.5, 0.25}, column({-1.0, 0.5, 4.0}), Covariance::spherical({0.0, 0.0, 0.0}));
  const std::vector<double> atoms{-1.0, 0.5, 0.5, 4.0};
  const Points along = Points::Ones(1, 1);
  for (const Points& x : {column({0.25}), column({-3.0, 0.5, 0.5, 7.0}), column({-1.0, 0.5, 0.5, 4.0}),
                          column({5.0, 6.0}), column({-1.0, 0.0, 1.0, 2.0, 3.0, 4.0})}) {
    for (const int p : {1, 2}) {
      const double expected = wasserstein_1d({x.data(), static_cast<std::size_t>(x.size())}, atoms, p);
      EXPECT_NEAR(slice_wasserstein(x, law, along, p)(0), expected, 1e-14) << x.transpose() << ", p = " << p;
    }
  }
}

TEST(DistanceToALaw, TakesAComponentWithoutVarianceBesideOthers) {
  const auto law = [](double variance) {
    return Mixture({0.4, 0.6}, column({0.5, 0.0}), Covariance::spherical({variance, 1.0}));
  };
  const Points x = column({-1.0, 0.2, 0.5, 0.5, 0.9});
  const Points along = Points::Ones(1, 1);
  for (const int p : {1, 2}) {
    // A deviation of 1e-9 moves the distance by less than 1e-8.
    EXPECT_NEAR(slice_wasserstein(x, law(0.0), along, p)(0), slice_wasserstein(x, law(1e-18), along, p)(0),
                1e-8);
  }
}

// E|x - X| and E(x - X)^2 of a normal law.
TEST(DistanceToALaw, OfOnePointIsAMeanDistance) {
  const Mixture law({1.0}, column({0.5}), Covariance::spherical({4.0}));
  const Points along = Points::Ones(1, 1);
  for (const double x : {-3.0, 0.5, 1.0, 60.0}) {
    const double z = (x - 0.5) / 2.0;
    const double mean = 2.0 * (z * std::erf(z / std::numbers::sqrt2) +
                               std::exp(-z * z / 2.0) * std::sqrt(2.0 * std::numbers::inv_pi));
    EXPECT_NEAR(slice_wasserstein(column({x}), law, along, 1)(0), mean, 1e-14 * mean);
    EXPECT_NEAR(slice_wasserstein(column({x}), law, along, 2)(0), 4.0 * (z * z + 1.0), 4e-15 * (z * z + 1.0));
  }
}

// W_1 by the primitive of the cdf in long double, split where the cdf crosses a level.
TEST(DistanceToALaw, OfAMillionPointsHasTheDigitsOfADouble) {
  const Mixture law({1.0}, column({0.0}), Covariance::spherical({1.0}));
  const Points along = Points::Ones(1, 1);
  const Line line(law, along.row(0));
  const Points x = normal_points(1000000, 1, 9);
  std::vector<double> points(x.data(), x.data() + x.size());
  std::ranges::sort(points);
  struct Values {
    Number x, cdf, primitive;
  };
  const auto values = [&](Number t) { return Values{t, line.cdf(t), t * line.cdf(t) + line.density(t)}; };
  const auto piece = [](const Values& a, const Values& b, Number u) {
    return std::abs(b.primitive - a.primitive - u * (b.x - a.x));
  };

  Values a = values(static_cast<Number>(points.front()));
  Number sum = a.primitive;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const Number u = static_cast<Number>(i) / static_cast<Number>(points.size());
    const Values b = values(static_cast<Number>(points[i]));
    const Values c = a.cdf < u && u < b.cdf ? values(line.quantile(u)) : a;
    sum += piece(a, c, u) + piece(c, b, u);
    a = b;
  }
  sum += a.primitive - a.x;

  EXPECT_NEAR(slice_wasserstein(x, law, along, 1)(0), static_cast<double>(sum),
              1e-11 * static_cast<double>(sum));
}

TEST(DistanceToALaw, IsTheSameForAnyNumberOfThreadsAndOnTheReference) {
  const Mixture law = laws_of_dimension(8).back().mixture;
  const Points x = normal_points(3000, 8, 1);
  const Points directions = random_directions(8, 40, 3);
  for (const int p : {1, 2}) {
    const Eigen::VectorXd expected = slice_wasserstein(x, law, directions, p, Device::cpu(2));
    for (const Device& device : {Device::reference(), Device::cpu(1), Device::cpu(3)})
      EXPECT_EQ(slice_wasserstein(x, law, directions, p, device), expected) << device.name();
  }
}

TEST(DistanceToALaw, AveragesOverTheRandomDirectionsOfItsSeed) {
  const Mixture law = laws_of_dimension(2).front().mixture;
  const Points x = normal_points(30, 2, 1);
  const Points directions = random_directions(2, 25, 77);
  const Eigen::VectorXd w1 = slice_wasserstein(x, law, directions, 1);
  const Eigen::VectorXd w2_squared = slice_wasserstein(x, law, directions, 2);

  EXPECT_DOUBLE_EQ(sliced_wasserstein(x, law, {.p = 1, .slices = 25, .seed = 77}), w1.mean());
  EXPECT_DOUBLE_EQ(sliced_wasserstein(x, law, directions, 2), std::sqrt(w2_squared.mean()));
  EXPECT_DOUBLE_EQ(max_sliced_wasserstein(x, law, {.p = 1, .slices = 25, .seed = 77}), w1.maxCoeff());
  EXPECT_DOUBLE_EQ(max_sliced_wasserstein(x, law, directions, 2), std::sqrt(w2_squared.maxCoeff()));
}

TEST(DistanceToALaw, IsMultipliedAsPointsAndLawAre) {
  const Points x = normal_points(41, 2, 1);
  const auto law = [](double scale) {
    return Mixture({0.5, 0.5}, scale * Points{{-1.0, 0.0}, {2.0, 1.0}},
                   Covariance::spherical({scale * scale, 0.5 * scale * scale}));
  };
  for (const double f : {0x1p-500, 0x1p+500}) {
    for (const int p : {1, 2}) {
      const double ordinary = sliced_wasserstein(x, law(1.0), {.p = p});
      EXPECT_NEAR(sliced_wasserstein(Points(f * x), law(f), {.p = p}) / f, ordinary, 1e-13 * ordinary);
    }
  }
  EXPECT_GT(sliced_wasserstein(Points(1e160 * x), law(1.0)), 1e159);
}

TEST(DistanceToALaw, IsThatOfManyDrawsInTheLimit) {
  const Mixture law = laws_of_dimension(2).back().mixture;
  const Points x = normal_points(100, 2, 1);
  const PointSet draws =
      draw(law, {.count = 200000, .seed = 3, .device = Device::cpu(), .precision = Precision::f64});
  for (const int p : {1, 2}) {
    const double expected = sliced_wasserstein(x, draws, {.p = p, .slices = 10});
    EXPECT_NEAR(sliced_wasserstein(x, law, {.p = p, .slices = 10}), expected, 0.01 * expected);
  }
}

TEST(DistanceToALaw, RefusesBadInput) {
  const Points x = normal_points(4, 2, 1);
  const Mixture law = laws_of_dimension(2).front().mixture;
  const Points directions = random_directions(2, 3, 1);
  const auto weighted = [&](std::vector<double> weights) {
    return [&, weights] { slice_wasserstein(x, law, directions, 1, Device::cpu(), weights); };
  };

  expect_invalid([&] { slice_wasserstein(x, law, random_directions(3, 2, 1), 1); },
                 "slice_wasserstein: directions have dimension 3 but the law has dimension 2");
  expect_invalid([&] { slice_wasserstein(x, law, directions, 3); },
                 "slice_wasserstein: p must be 1 or 2, given 3");
  expect_invalid([&] { sliced_wasserstein(normal_points(4, 3, 1), law); },
                 "sliced_wasserstein: x has dimension 3 but the law has dimension 2");
  expect_invalid([&] { sliced_wasserstein(Points(0, 2), law); }, "sliced_wasserstein: x has no points");
  expect_invalid([&] { max_sliced_wasserstein(x, law, {.slices = 0}); },
                 "max_sliced_wasserstein: slices must be >= 1, given 0");
  expect_invalid(weighted({1.0, 2.0, 3.0}),
                 "slice_wasserstein: expected 4 weights, one for each point, given 3");
  expect_invalid(weighted({1.0, 2.0, -1.0, 1.0}),
                 "slice_wasserstein: weights must be finite and >= 0, weight 2 is -1");
  expect_invalid(weighted({1.0, std::numeric_limits<double>::quiet_NaN(), 1.0, 1.0}),
                 "slice_wasserstein: weights must be finite and >= 0, weight 1 is nan");
  expect_invalid(weighted({0.0, 0.0, 0.0, 0.0}), "slice_wasserstein: all weights are 0");
}

}  // namespace
}  // namespace gmdiff
