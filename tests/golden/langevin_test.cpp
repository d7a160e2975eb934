#include <cmath>

#include <gtest/gtest.h>

#include "support/golden.hpp"

// Ornstein-Uhlenbeck relaxation of a Gaussian, dX = -X/2 dt + dW (mathematics.md §8): the cases
// "ou_from_gaussian" of tests/golden/langevin.json. A mixture under this process is the mixture diffused to
// alpha = exp(-t/2), sigma^2 = 1 - exp(-t).

namespace gmdiff::test {
namespace {

// Integral of f over +-14 standard deviations of a Gaussian law by the trapezoidal rule, whose error for such
// f is below rounding.
template <class Function>
double expectation(const Mixture& law, const Function& f) {
  constexpr Eigen::Index points = 2801;
  const double mean = law.mean()(0);
  const double reach = 14.0 * std::sqrt(law.covariance()(0, 0));
  const Points x = Eigen::VectorXd::LinSpaced(points, mean - reach, mean + reach);
  return f(x).cwiseProduct(law.pdf(x)).sum() * (2.0 * reach / static_cast<double>(points - 1));
}

TEST(GoldenLangevin, OrnsteinUhlenbeckRelaxesAGaussianAtTheRateOfItsFisherInformation) {
  const json file = load_golden("langevin");
  const Mixture stationary({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));
  int checked = 0;
  for (const json& one : file["cases"]) {
    if (one["name"] != "ou_from_gaussian") continue;
    const double t = number(one["t"]);
    SCOPED_TRACE("t = " + std::to_string(t));
    const Mixture start({1.0}, Points::Constant(1, 1, number(one["m0"])),
                        Covariance::spherical({number(one["v0"])}));

    const Mixture law = start.diffuse({.alpha = std::exp(-t / 2.0), .sigma = std::sqrt(-std::expm1(-t))});
    const double divergence =
        expectation(law, [&](const Points& x) { return (law.log_pdf(x) - stationary.log_pdf(x)).eval(); });
    const double fisher_information = expectation(
        law, [&](const Points& x) { return (law.score(x) - stationary.score(x)).cwiseAbs2().eval(); });

    EXPECT_NEAR(law.mean()(0), number(one["mean"]), 1e-12 * std::abs(number(one["mean"])));
    EXPECT_NEAR(law.covariance()(0, 0), number(one["variance"]), 1e-12 * number(one["variance"]));
    EXPECT_NEAR(divergence, number(one["kl_to_standard_normal"]),
                1e-12 * number(one["kl_to_standard_normal"]));
    EXPECT_NEAR(-0.5 * fisher_information, number(one["dkl_dt"]), 1e-12 * std::abs(number(one["dkl_dt"])));
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

}  // namespace
}  // namespace gmdiff::test
