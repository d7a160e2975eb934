#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/device.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "device/distance_sums.hpp"
#include "device/executor.hpp"
#include "gpu/on_gpu.hpp"
#include "support/point_sets.hpp"

// Distances on a GPU against those of the host (numerics.md §1). The kernels' arithmetic is tested on the
// host block; these tests cover the launches, the library's sort, and sizes for which the host block is too
// slow.

namespace gmdiff {
namespace {

using test::normal_points;

constexpr double tolerance = 1e-12;

class GpuDistances : public test::OnGpu {
 protected:
  static Device gpu() { return Device::cuda(); }
};

void expect_near(double actual, double expected) {
  EXPECT_NEAR(actual, expected, tolerance * std::abs(expected));
}

struct Sizes {
  Eigen::Index n, m, d;
};

class GpuSliced : public GpuDistances, public testing::WithParamInterface<Sizes> {
 protected:
  GpuSliced()
      : x(normal_points(GetParam().n, GetParam().d, 1)),
        y(normal_points(GetParam().m, GetParam().d, 2).array() + 0.25),
        directions(random_directions(GetParam().d, 70, 3)) {}

  Points x, y, directions;
};

TEST_P(GpuSliced, SlicesAgreeWithTheHost) {
  for (const int p : {1, 2}) {
    const Eigen::VectorXd result = slice_wasserstein(x, y, directions, p, gpu());
    const Eigen::VectorXd expected = slice_wasserstein(x, y, directions, p);
    for (Eigen::Index s = 0; s < expected.size(); ++s) expect_near(result(s), expected(s));
    // Sorted sets of one size are compared pair by pair, in the host's order.
    if (x.rows() == y.rows()) {
      EXPECT_EQ(result, expected) << "p = " << p;
    }
  }
}

TEST_P(GpuSliced, DistancesToALawAgreeWithTheHost) {
  Points means = Points::Zero(2, x.cols());
  means.row(1).setConstant(1.5);
  const Mixture law({0.7, 0.3}, means, Covariance::spherical({1.0, 0.04}));
  for (const int p : {1, 2})
    EXPECT_EQ(slice_wasserstein(x, law, directions, p, gpu()), slice_wasserstein(x, law, directions, p));
}

TEST_P(GpuSliced, DistancesAgreeWithTheHost) {
  for (const int p : {1, 2}) {
    const SlicedOptions host{.p = p, .seed = 4}, device{.p = p, .seed = 4, .device = gpu()};
    expect_near(sliced_wasserstein(x, y, device), sliced_wasserstein(x, y, host));
    expect_near(max_sliced_wasserstein(x, y, device), max_sliced_wasserstein(x, y, host));
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, GpuSliced,
                         testing::Values(Sizes{1, 1, 1}, Sizes{20000, 20000, 1}, Sizes{20000, 20000, 2},
                                         Sizes{5000, 5000, 80}, Sizes{20011, 7919, 1}, Sizes{7919, 20011, 2},
                                         Sizes{5000, 3000, 80}),
                         [](const testing::TestParamInfo<Sizes>& info) {
                           return concat("n", info.param.n, "m", info.param.m, "d", info.param.d);
                         });

TEST_F(GpuDistances, SlicesOfLongSetsAgreeWithTheHost) {
  // The whole GPU sorts each projection (kernels/sort.cu), and the points are uploaded in several pieces.
  const Eigen::Index n = (Eigen::Index{1} << 20) + 77;
  const Points x = normal_points(n, 9, 1);
  const Points y = normal_points(n, 9, 2);
  const Points directions = random_directions(9, 3, 3);

  EXPECT_EQ(slice_wasserstein(x, y, directions, 1, gpu()), slice_wasserstein(x, y, directions, 1));
}

/// Sums of a term over pairs, for sets with one point more than a tile and than a strip.
class GpuPairs : public GpuDistances, public testing::WithParamInterface<Sizes> {};

TEST_P(GpuPairs, SumsAgreeWithTheHost) {
  const Points x = normal_points(GetParam().n, GetParam().d, 1);
  const Points y = normal_points(GetParam().m, GetParam().d, 2).array() + 0.25;
  const auto device = make_executor(gpu())->sums();
  const auto host = make_executor(Device::cpu())->sums();

  for (const PairTerm& term :
       {PairTerm::distance(), PairTerm::kernel(-0.5 / static_cast<double>(GetParam().d))}) {
    expect_near(static_cast<double>(device->sum_cross(x, y, term)),
                static_cast<double>(host->sum_cross(x, y, term)));
    expect_near(static_cast<double>(device->sum_pairs(x, term)),
                static_cast<double>(host->sum_pairs(x, term)));
  }
}

TEST_P(GpuPairs, MmdAndEnergyAgreeWithTheHost) {
  const Points x = normal_points(GetParam().n, GetParam().d, 1);
  const Points y = normal_points(GetParam().m, GetParam().d, 2).array() + 1.0;
  const double bandwidth = std::sqrt(static_cast<double>(GetParam().d));

  // Differences of means: relative to the largest of them, at most 1, and E|X - Y| of such points.
  EXPECT_NEAR(mmd_squared(x, y, bandwidth, gpu()), mmd_squared(x, y, bandwidth), tolerance);
  for (const EnergyForm form : {EnergyForm::u, EnergyForm::v}) {
    const double largest = 2.0 * bandwidth;
    EXPECT_NEAR(energy_distance(x, y, form, gpu()), energy_distance(x, y, form), tolerance * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, GpuPairs,
                         testing::Values(Sizes{2, 3, 1}, Sizes{65, 2049, 2}, Sizes{5000, 7000, 2},
                                         Sizes{3000, 2000, 80}),
                         [](const testing::TestParamInfo<Sizes>& info) {
                           return concat("n", info.param.n, "m", info.param.m, "d", info.param.d);
                         });

}  // namespace
}  // namespace gmdiff
