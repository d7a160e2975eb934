#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"
#include "support/mixtures.hpp"

namespace gmdiff::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Eigen::VectorXd column(std::initializer_list<double> values) {
  Eigen::VectorXd v(static_cast<Eigen::Index>(values.size()));
  std::copy(values.begin(), values.end(), v.begin());
  return v;
}

Mixture standard_normal() { return {{1.0}, Points::Zero(1, 1), Covariance::spherical({1.0})}; }

// Three modes far apart, of very different widths.
Mixture three_modes() {
  return {{0.25, 0.5, 0.25}, column({-100.0, 0.0, 3.0}), Covariance::spherical({4.0, 1e-6, 1.0})};
}

TEST(Mixture1d, StandardNormalHasItsTextbookValues) {
  const Mixture law = standard_normal();

  EXPECT_EQ(law.cdf(column({0.0}))(0), 0.5);
  EXPECT_NEAR(law.cdf(column({1.959963984540054}))(0), 0.975, 1e-15);
  EXPECT_NEAR(law.survival(column({5.0}))(0), 2.8665157187919391e-7, 1e-21);
  EXPECT_NEAR(law.quantile(column({0.975}))(0), 1.959963984540054, 1e-14);
}

TEST(Mixture1d, InfinityIsAnOrdinaryPoint) {
  const Mixture law = three_modes();
  const Eigen::VectorXd ends = column({-infinity, infinity});

  EXPECT_EQ(law.cdf(ends), column({0.0, 1.0}));
  EXPECT_EQ(law.survival(ends), column({1.0, 0.0}));
  EXPECT_EQ(law.log_cdf(ends), column({-infinity, 0.0}));
  EXPECT_EQ(law.log_survival(ends), column({0.0, -infinity}));
  EXPECT_EQ(law.quantile(column({0.0, 1.0})), ends);
}

// log Phi(-x) = -x^2/2 - log(x sqrt(2 pi)) + log(1 - 1/x^2 + 3/x^4 - ...)
TEST(Mixture1d, LogTailsAreRightWhereTheTailsUnderflow) {
  const Mixture law = standard_normal();
  for (const double x : {49.0, 51.0, 1e3, 1e6}) {
    const double s = 1.0 / (x * x);
    const double expected = -0.5 * x * x - std::log(x) - 0.5 * std::log(2.0 * std::numbers::pi) +
                            std::log1p(-s * (1.0 - s * (3.0 - s * (15.0 - 105.0 * s))));

    EXPECT_NEAR(law.log_cdf(column({-x}))(0), expected, 4e-16 * std::abs(expected)) << x;
    EXPECT_EQ(law.log_survival(column({x}))(0), law.log_cdf(column({-x}))(0)) << x;
  }
}

TEST(Mixture1d, LogOfAProbabilityNearOneKeepsTheSmallTail) {
  const Mixture law = standard_normal();
  const double tail = law.survival(column({20.0}))(0);

  EXPECT_GT(tail, 0.0);
  EXPECT_EQ(law.log_cdf(column({20.0}))(0), -tail);
}

TEST(Mixture1d, QuantileInvertsTheDistributionFunctionFarIntoTheLowerTail) {
  const Mixture law = three_modes();
  for (const double u : {5e-324, 1e-300, 1e-100, 1e-17, 1e-3, 0.2, 0.3, 0.5, 0.7}) {
    const Eigen::VectorXd x = law.quantile(column({u}));

    const double log_u = std::log(u);
    EXPECT_NEAR(law.log_cdf(x)(0), log_u, 1e-12 * std::max(1.0, std::abs(log_u)))
        << "u = " << u << ", x = " << x(0);
  }
}

TEST(Mixture1d, QuantileInvertsTheSurvivalFunctionInTheUpperTail) {
  const Mixture law = three_modes();
  for (const double tail : {0x1p-53, 0x1p-40, 0x1p-20, 0.125, 0.25}) {
    const Eigen::VectorXd x = law.quantile(column({1.0 - tail}));

    EXPECT_NEAR(std::log(law.survival(x)(0)), std::log(tail), 1e-12 * std::abs(std::log(tail)))
        << "1 - u = " << tail;
  }
}

TEST(Mixture1d, QuantileOfTheCdfIsThePoint) {
  const Mixture law = three_modes();
  const Eigen::VectorXd x = column({-104.0, -100.0, -97.0, -0.002, 0.0, 0.001, 1.5, 3.0, 6.0});

  const Eigen::VectorXd back = law.quantile(law.cdf(x));

  for (Eigen::Index i = 0; i < x.size(); ++i)
    EXPECT_NEAR(back(i), x(i), 1e-12 * std::max(1.0, std::abs(x(i)))) << x(i);
}

TEST(Mixture1d, QuantileGrowsWithItsArgument) {
  const Mixture law = three_modes();
  const Eigen::VectorXd x = law.quantile(Eigen::VectorXd::LinSpaced(999, 0.001, 0.999));

  for (Eigen::Index i = 1; i < x.size(); ++i) EXPECT_GT(x(i), x(i - 1));
}

TEST(Mixture1d, PointMassesAreSteps) {
  const Mixture law({0.25, 0.75}, column({2.0, -1.0}), Covariance::spherical({0.0, 0.0}));

  EXPECT_EQ(law.cdf(column({-1.5, -1.0, 0.0, 2.0})), column({0.0, 0.75, 0.75, 1.0}));
  EXPECT_EQ(law.survival(column({-1.5, -1.0, 0.0, 2.0})), column({1.0, 0.25, 0.25, 0.0}));
  EXPECT_EQ(law.quantile(column({0.1, 0.75, 0.7500001, 0.99})), column({-1.0, -1.0, 2.0, 2.0}));
}

TEST(Mixture1d, PointMassAmongContinuousComponentsHoldsItsShareOfQuantiles) {
  const Mixture law({0.5, 0.5}, column({0.0, 0.0}), Covariance::spherical({0.0, 1.0}));

  EXPECT_EQ(law.quantile(column({0.26, 0.5, 0.74})), column({0.0, 0.0, 0.0}));
  EXPECT_LT(law.quantile(column({0.2}))(0), -0.1);
  EXPECT_GT(law.quantile(column({0.8}))(0), 0.1);
}

TEST(Mixture1d, QuantileBetweenDistantModesTerminates) {
  const Mixture law({0.5, 0.5}, column({-1e6, 1e6}), Covariance::spherical({1.0, 1.0}));

  const double x = law.quantile(column({0.5}))(0);

  EXPECT_NEAR(law.cdf(column({x}))(0), 0.5, 1e-15);
}

TEST(Mixture1d, ZeroWeightsAndUnderflownWeightsAreHandled) {
  const Mixture zero({0.0, 1.0}, column({-50.0, 0.0}), Covariance::spherical({0.0, 1.0}));
  const Mixture tiny = Mixture::from_log_weights(column({-2000.0, 0.0}), column({-50.0, 0.0}),
                                                 Covariance::spherical({1.0, 1.0}));

  EXPECT_NEAR(zero.cdf(column({-50.0}))(0), standard_normal().cdf(column({-50.0}))(0), 1e-320);
  EXPECT_NEAR(zero.quantile(column({0.25}))(0), standard_normal().quantile(column({0.25}))(0), 1e-15);
  // At -100 the component of weight e^-2000 dominates.
  EXPECT_NEAR(tiny.log_cdf(column({-100.0}))(0), -2000.0 + standard_normal().log_cdf(column({-50.0}))(0),
              1e-11);
}

TEST(Mixture1d, EveryStructureOfDimensionOneWillDo) {
  const Points means = column({-1.0, 2.0});
  const Eigen::MatrixXd flip = -Eigen::MatrixXd::Identity(1, 1);
  const Eigen::VectorXd x = column({-3.0, 0.0, 1.0});
  const Eigen::VectorXd expected = Mixture({1.0, 1.0}, means, Covariance::spherical({2.0, 2.0})).cdf(x);

  EXPECT_EQ(Mixture({1.0, 1.0}, means, Covariance::diag(Points::Constant(2, 1, 2.0))).cdf(x), expected);
  EXPECT_EQ(Mixture({1.0, 1.0}, means, Covariance::tied(Eigen::MatrixXd::Constant(1, 1, 2.0))).cdf(x),
            expected);
  EXPECT_EQ(Mixture({1.0, 1.0}, means, Covariance::common_basis(flip, Points::Constant(2, 1, 2.0))).cdf(x),
            expected);
}

TEST(Mixture1d, DimensionsAboveOneAreRefused) {
  const Mixture plane({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));

  expect_invalid([&] { plane.cdf(column({0.0})); },
                 "Mixture: distribution functions need dimension 1, the dimension is 2");
  expect_invalid([&] { plane.survival(column({0.0})); },
                 "Mixture: distribution functions need dimension 1, the dimension is 2");
  expect_invalid([&] { plane.quantile(column({0.5})); },
                 "Mixture: distribution functions need dimension 1, the dimension is 2");
}

TEST(Mixture1d, ArgumentsOutOfRangeAreRefused) {
  const Mixture law = standard_normal();

  expect_invalid([&] { law.cdf(column({0.0, std::nan("")})); }, "Mixture: point 1 is nan, expected a number");
  expect_invalid(
      [&] {
        law.quantile(column({0.5, 1.5}));
      },
      "Mixture: entry 1 of u is 1.5, expected a number in [0, 1]");
  expect_invalid([&] { law.quantile(column({-1e-9})); },
                 "Mixture: entry 0 of u is -1e-09, expected a number in [0, 1]");
  expect_invalid([&] { law.quantile(column({std::nan("")})); },
                 "Mixture: entry 0 of u is nan, expected a number in [0, 1]");
}

}  // namespace
}  // namespace gmdiff::test
