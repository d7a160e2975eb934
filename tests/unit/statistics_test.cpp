#include "support/statistics.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "base/random.hpp"

// Tests the statistics that judge samplers, against tabulated values.

namespace gmdiff::test {
namespace {

TEST(ChiSquareP, HasTheTabulatedQuantiles) {
  EXPECT_NEAR(chi_square_p(3.841458820694124, 1), 0.05, 1e-12);
  EXPECT_NEAR(chi_square_p(18.307038053275146, 10), 0.05, 1e-12);
  EXPECT_NEAR(chi_square_p(2.705543454095404, 1), 0.1, 1e-12);
  EXPECT_NEAR(chi_square_p(0.0, 3), 1.0, 1e-15);
  EXPECT_NEAR(chi_square_p(2.0 * 20.0, 2) / std::exp(-20.0), 1.0, 1e-12);  // two degrees: exp(-x / 2)
}

TEST(ChiSquareP, OfCountsIsPearsons) {
  // Statistic 16 of 100 throws of a coin that shows 70 heads: (20^2 / 50) * 2.
  EXPECT_NEAR(chi_square_p(Eigen::VectorXd{{70.0, 30.0}}, Eigen::VectorXd{{0.5, 0.5}}), chi_square_p(16.0, 1),
              1e-15);
  EXPECT_THROW(chi_square_p(Eigen::VectorXd{{7.0, 2.0}}, Eigen::VectorXd{{0.9, 0.1}}), std::invalid_argument);
}

TEST(NormalTwoSidedP, HasTheTabulatedQuantiles) {
  EXPECT_NEAR(normal_two_sided_p(1.959963984540054), 0.05, 1e-12);
  EXPECT_NEAR(normal_two_sided_p(-2.5758293035489004), 0.01, 1e-12);
}

TEST(KolmogorovSmirnovP, HasTheTabulatedQuantiles) {
  // n values at the midpoints of n equal cells, moved by a shift: sup |F_n - F| = shift + 1 / (2 n).
  constexpr int n = 100'000;
  const auto p_of = [](double scaled_distance) {
    const double distance = scaled_distance / (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n));
    std::vector<double> values;
    for (int i = 0; i < n; ++i) values.push_back((i + 0.5) / n + distance - 0.5 / n);
    return kolmogorov_smirnov_p(values);
  };

  EXPECT_NEAR(p_of(1.3580986393225505), 0.05, 1e-9);
  EXPECT_NEAR(p_of(1.6276236115189503), 0.01, 1e-9);
}

TEST(KolmogorovSmirnovP, AcceptsUniformsAndRefusesSlightlyWrongOnes) {
  std::vector<double> right, wrong;
  for (std::uint64_t m = 0; m < 200'000; ++m) {
    const double u = categorical_uniform(uniform_u64({.seed = 1, .index = 0, .purpose = Purpose::user}, m),
                                         Precision::f64);
    right.push_back(u);
    wrong.push_back(std::pow(u, 1.03));
  }

  EXPECT_GT(kolmogorov_smirnov_p(right), 1e-3);
  EXPECT_LT(kolmogorov_smirnov_p(wrong), least_p);
}

TEST(FamilyWiseP, CorrectsForTheNumberOfTests) {
  EXPECT_DOUBLE_EQ(family_wise_p({0.5, 0.01, 0.2}), 0.03);
  EXPECT_EQ(family_wise_p({0.5, 0.9}), 1.0);
}

TEST(LargestMomentZ, IsThatOfTheWorstEntry) {
  Points samples(4, 1);
  samples << 1.0, -1.0, 3.0, -3.0;

  // Squares 1, 1, 9, 9: mean 5, variance 64 / 3; against the variance 1: z = 4 / sqrt(64 / 3 / 4).
  EXPECT_NEAR(largest_moment_z(samples, Eigen::VectorXd::Zero(1), Eigen::MatrixXd::Identity(1, 1)),
              4.0 / std::sqrt(16.0 / 3.0), 1e-14);
}

TEST(CountBand, OfABinomialLawHasItsTails) {
  // B ~ Binomial(100, 0.9): P(B < 82) = 0.0046 and P(B < 83) = 0.0100; P(B > 97) = 0.0019 and
  // P(B > 96) = 0.0078.
  const CountBand band = binomial_band(100, 0.9, 0.01);
  EXPECT_EQ(band.low, 82);
  EXPECT_EQ(band.high, 97);
  EXPECT_NEAR(binomial_outside(100, 0.9, band), 0.00458075 + 0.00194488, 1e-8);
  EXPECT_FALSE(band.contains(81));
  EXPECT_TRUE(band.contains(97));
}

TEST(CountBand, OfExceedancesIsThatOfRandomOrders) {
  // One value above the larger of two: the third of three is equally likely to be the largest.
  EXPECT_EQ(exceedance_band(2, 1, 1, 0.6).high, 1);   // P(1) = 1/3 > 0.3
  EXPECT_EQ(exceedance_band(2, 1, 1, 0.68).high, 0);  // 1/3 <= 0.34
  // Far more calibration than values: nearly binomial.
  const CountBand many = exceedance_band(399'999, 20'000, 200, 0.01);
  EXPECT_EQ(many.low, binomial_band(200, 0.05, 0.01).low);
  EXPECT_EQ(many.high, binomial_band(200, 0.05, 0.01).high);
  // The count varies more where the calibration has as few values as the count.
  EXPECT_GT(exceedance_band(399, 20, 400, 0.01).high, binomial_band(400, 0.05, 0.01).high);
}

}  // namespace
}  // namespace gmdiff::test
