#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/metrics/distances.hpp>

#include "device/cases.hpp"
#include "device/cuda/distances.hpp"
#include "device/distance_sums.hpp"
#include "device/executor.hpp"
#include "support/expect_invalid.hpp"
#include "support/host_gpu.hpp"
#include "support/point_sets.hpp"

// The distances of the GPU, run on the host block, against those of the host: in every order of threads the
// same bits, and within 1e-12 of the host's (numerics.md §1).

namespace gmdiff {
namespace {

using test::HostGpu;
using test::normal_points;
using test::ThreadOrder;

constexpr double tolerance = 1e-12;
constexpr std::size_t plenty = std::size_t{1} << 30;

std::unique_ptr<DistanceSums> sums_of(ThreadOrder order, std::size_t memory = plenty) {
  return cuda::make_distance_sums(std::make_unique<HostGpu>(order, std::size_t{227} << 10, memory), "cuda:1");
}

/// Returns the result of `compute` with the GPU's sums, which must be the same in all orders of threads.
template <class Compute>
auto on_gpu(Compute compute) {
  return test::in_every_order<decltype(compute(*sums_of(ThreadOrder::ascending)))>(
      [&](ThreadOrder order) { return compute(*sums_of(order)); });
}

struct Sizes {
  Eigen::Index n, m, d;
};

std::vector<double> slices(const DistanceSums& sums, const Sizes& sizes, int num_slices, int p) {
  const Points x = normal_points(sizes.n, sizes.d, 1);
  const Points y = normal_points(sizes.m, sizes.d, 2).array() + 0.25;
  const Eigen::VectorXd values = sums.slices(x, y, random_directions(sizes.d, num_slices, 3), p);
  return {values.data(), values.data() + values.size()};
}

TEST(CudaSlices, OfSetsOfOneSizeHaveTheBitsOfTheHost) {
  for (const Sizes& sizes :
       {Sizes{1, 1, 1}, {63, 63, 2}, {65, 65, 16}, {128, 128, 17}, {129, 129, 80}, {300, 300, 2}}) {
    for (const int p : {1, 2}) {
      const auto compute = [&](const DistanceSums& sums) { return slices(sums, sizes, 3, p); };
      EXPECT_EQ(on_gpu(compute), compute(*make_executor(Device::cpu(1))->sums()))
          << sizes.n << " " << sizes.d << ", p = " << p;
    }
  }
}

TEST(CudaSlices, OfSetsOfOtherSizesAgreeWithTheHost) {
  for (const Sizes& sizes :
       {Sizes{1, 5, 1}, {7, 3, 2}, {129, 128, 3}, {97, 1000, 2}, {600, 400, 80}, {512, 1, 2}}) {
    for (const int p : {1, 2}) {
      const auto compute = [&](const DistanceSums& sums) { return slices(sums, sizes, 5, p); };
      const std::vector<double> result = on_gpu(compute);
      const std::vector<double> expected = compute(*make_executor(Device::cpu(1))->sums());
      ASSERT_EQ(result.size(), expected.size());
      for (std::size_t s = 0; s < expected.size(); ++s) {
        EXPECT_NEAR(result[s], expected[s], tolerance * expected[s])
            << sizes.n << " x " << sizes.m << ", p = " << p;
      }
    }
  }
}

TEST(CudaSlices, OfManyDirectionsFillSeveralTiles) {
  const auto compute = [](const DistanceSums& sums) { return slices(sums, {70, 70, 3}, 130, 1); };

  EXPECT_EQ(compute(*sums_of(ThreadOrder::shuffled)), compute(*make_executor(Device::cpu(1))->sums()));
}

TEST(CudaSlices, GoInRoundsWhereMemoryIsShort) {
  auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, std::size_t{227} << 10, std::size_t{60} << 10);
  const std::shared_ptr<int> launches = gpu->launches();
  const auto compute = [](const DistanceSums& sums) { return slices(sums, {500, 400, 3}, 20, 2); };

  const std::vector<double> result = compute(*cuda::make_distance_sums(std::move(gpu), "cuda"));

  EXPECT_EQ(result, compute(*sums_of(ThreadOrder::ascending)));
  // A round with all points at once takes two projections, two sorts and a transport.
  EXPECT_GT(*launches, 3 * 5);
}

/// The message of a DeviceError.
template <class Action>
std::string device_error(Action action) {
  try {
    action();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CudaSlices, SayHowManyBytesAreMissing) {
  const std::string message = device_error([] {
    slices(*sums_of(ThreadOrder::ascending, 10000), {500, 400, 3}, 20, 2);
  });

  // 64 points that are uploaded; twice 900 projections, four sums, a direction.
  EXPECT_EQ(message,
            "cuda:1: out of memory: 15992 bytes wanted for a slice of 500 and 400 points, 9000 free");
}

TEST(CudaSlices, AreOfFewerThanFourBillionPoints) {
  const std::int64_t many = std::int64_t{1} << 32;
  const auto at_once = [](std::int64_t n, std::int64_t m) {
    return cuda::slices_at_once("cuda", n, m, 100, {.fixed = 1000, .slice = 300}, 4000);
  };

  EXPECT_EQ(at_once(many - 1, 5), 10);
  test::expect_invalid([&] { at_once(5, many); },
                       "cuda: slices are of sets of fewer than 4294967296 points, given 4294967296");
}

// One point more than a tile and than a strip; coordinates that do and do not fill the last pass.
const Sizes pair_sizes[] = {{1, 1, 1},     {2, 3, 2},     {64, 65, 16}, {65, 64, 17},
                            {130, 63, 33}, {40, 2049, 2}, {2100, 70, 1}};
const PairTerm terms[] = {PairTerm::distance(), PairTerm::kernel(-0.3)};

/// Expects a value within the tolerance of the host's.
void expect_near(long double actual, long double expected, const Sizes& sizes) {
  const auto value = static_cast<double>(expected);
  EXPECT_NEAR(static_cast<double>(actual), value, tolerance * value)
      << sizes.n << " x " << sizes.m << ", d = " << sizes.d;
}

TEST(CudaPairSums, OverTwoSetsAgreeWithTheHost) {
  for (const Sizes& sizes : pair_sizes) {
    const Points x = normal_points(sizes.n, sizes.d, 1);
    const Points y = normal_points(sizes.m, sizes.d, 2).array() + 0.25;
    for (const PairTerm& term : terms) {
      const auto compute = [&](const DistanceSums& sums) { return sums.sum_cross(x, y, term); };
      expect_near(on_gpu(compute), compute(*make_executor(Device::cpu(1))->sums()), sizes);
    }
  }
}

TEST(CudaPairSums, OverOneSetAgreeWithTheHost) {
  test::Turns turns(3);
  for (const Sizes& sizes : pair_sizes) {
    for (const Eigen::Index n : {sizes.n, sizes.m}) {
      const Points x = normal_points(n, sizes.d, 1);
      for (const PairTerm& term : terms) {
        if (!turns.next()) continue;
        const auto compute = [&](const DistanceSums& sums) { return sums.sum_pairs(x, term); };
        expect_near(on_gpu(compute), compute(*make_executor(Device::cpu(1))->sums()), sizes);
      }
    }
  }
}

TEST(CudaPairSums, OfFarPointsUnderflowToZero) {
  const Points x = test::column({0.0, 1e200, -1e200});
  const auto sum =
      on_gpu([&](const DistanceSums& sums) { return sums.sum_pairs(x, PairTerm::kernel(-0.5)); });

  EXPECT_EQ(sum, 0.0L);
}

TEST(CudaPairSums, GoInPiecesWhereMemoryIsShort) {
  const Points x = normal_points(300, 3, 1);
  const Points y = normal_points(500, 3, 2);
  const auto gpu = sums_of(ThreadOrder::ascending, 8000);  // pieces of 112 points
  const auto host = make_executor(Device::cpu(1))->sums();

  for (const PairTerm& term : terms) {
    expect_near(gpu->sum_cross(x, y, term), host->sum_cross(x, y, term), {300, 500, 3});
    expect_near(gpu->sum_pairs(y, term), host->sum_pairs(y, term), {500, 500, 3});
  }
}

TEST(CudaPairSums, SayHowManyBytesAreMissing) {
  const Points x = normal_points(300, 3, 1);

  EXPECT_EQ(device_error([&] { sums_of(ThreadOrder::ascending, 2000)->sum_pairs(x, PairTerm::distance()); }),
            "cuda:1: out of memory: 4096 bytes wanted for pairs of 64 points, 1800 free");
}

}  // namespace
}  // namespace gmdiff
