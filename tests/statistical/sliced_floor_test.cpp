#include <cmath>
#include <vector>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "support/mixtures.hpp"

// The expected W_1 of exact draws against the mean distance of draws.

namespace gmdiff {
namespace {

std::vector<Mixture> floor_laws() {
  std::vector<Mixture> laws;
  for (auto& [name, law] : test::mixtures_of_every_structure()) laws.push_back(law);
  // A point mass, and modes far from each other.
  laws.push_back({{0.3, 0.7}, Points{{-20.0, 0.0}, {15.0, 3.0}}, Covariance::spherical({0.0, 1e-4})});
  return laws;
}

/// Checks the floor against the mean over sets of exact draws, within four standard errors.
void expect_mean_of_draws(const Mixture& law, std::int64_t n, int sets, double bias = 0.0) {
  const Points directions = random_directions(law.dim(), 3, 4);
  const double floor = slice_wasserstein_floor(law, n, directions).mean() * (1.0 + bias);
  const Points draws = draw(law, {.count = n * sets, .seed = 21, .precision = Precision::f64}).to_double();
  double sum = 0.0;
  double squares = 0.0;
  for (int i = 0; i < sets; ++i) {
    const double distance = sliced_wasserstein(Points(draws.middleRows(i * n, n)), law, directions, 1);
    sum += distance;
    squares += distance * distance;
  }
  const double mean = sum / sets;
  const double error = std::sqrt((squares / sets - mean * mean) / (sets - 1));
  EXPECT_LT(std::abs(mean - floor), 4.0 * error)
      << "n = " << n << ": " << mean << " +- " << error << ", " << floor;
}

// The bound is four standard errors of the mean over the sets: a false alarm in 1.6e4 comparisons.
TEST(SlicedFloorOfDraws, AgreesWithTheMeanOverSetsOfDraws) {
  for (const Mixture& law : floor_laws()) {
    for (const std::int64_t n : {50, 1000, 20000}) expect_mean_of_draws(law, n, 200);
  }
}

TEST(SlicedFloorOfDraws, ABiasOfTenPercentWouldBeFound) {
  EXPECT_NONFATAL_FAILURE(expect_mean_of_draws(floor_laws().front(), 1000, 200, 0.1), "n = 1000");
}

}  // namespace
}  // namespace gmdiff
