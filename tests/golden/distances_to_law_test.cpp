#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/metrics/distances.hpp>

#include "support/golden.hpp"

namespace gmdiff::test {
namespace {

TEST(GoldenDistancesToALaw, WithoutDraws) {
  for (const json& golden_case : load_golden("distances_to_law")["cases"]) {
    const Eigen::VectorXd means = vector(golden_case["means"]);
    const Eigen::VectorXd points = vector(golden_case["points"]);
    std::vector<double> variances;
    for (const json& deviation : golden_case["standard_deviations"])
      variances.push_back(std::pow(number(deviation), 2));
    const Mixture law(golden_case["weights"].get<std::vector<double>>(), means,
                      Covariance::spherical(variances));
    const Points along = Points::Ones(1, 1);
    const auto expect_close = [&](double actual, const char* field, double tolerance) {
      const double expected = number(golden_case[field]);
      EXPECT_NEAR(actual, expected, tolerance * expected) << golden_case["name"] << ", " << field;
    };

    for (const Device& device : {Device::cpu(1), Device::reference()}) {
      expect_close(slice_wasserstein(Points(points), law, along, 1, device)(0), "w1", 1e-12);
      expect_close(slice_wasserstein(Points(points), law, along, 2, device)(0), "w2_squared", 1e-12);
    }
    expect_close(slice_wasserstein_floor(law, points.size(), along)(0), "expected_w1_of_n_draws", 1e-8);
  }
}

}  // namespace
}  // namespace gmdiff::test
