// Seconds of distances between two sets of points: sliced W1 along 100 directions, and those over all pairs.
//   gmdiff_distances_bench --benchmark_out=FILE --benchmark_out_format=json

#include <benchmark/benchmark.h>

#include <gmdiff/gmdiff.hpp>

#include "commit.hpp"

namespace {

gmdiff::Points normals(Eigen::Index n, Eigen::Index d, std::uint64_t seed) {
  const gmdiff::Mixture unit({1.0}, gmdiff::Points::Zero(1, d), gmdiff::Covariance::spherical({1.0}));
  return unit.draw(n, {.seed = seed, .precision = gmdiff::Precision::f64}).to_double();
}

/// Arguments: points in each set, dimension.
template <class Distance>
void between(benchmark::State& state, Distance distance) {
  const gmdiff::Points x = normals(state.range(0), state.range(1), 1);
  const gmdiff::Points y = normals(state.range(0), state.range(1), 2);
  for (auto _ : state) benchmark::DoNotOptimize(distance(x, y));
}

template <class Distance>
void add(const char* name, Distance distance, std::int64_t points) {
  for (const std::int64_t d : {2, 80}) {
    benchmark::RegisterBenchmark(name, [distance](benchmark::State& state) { between(state, distance); })
        ->Args({points, d})
        ->ArgNames({"points", "d"})
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("gmdiff_version", gmdiff::version());
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("commit", GMDIFF_COMMIT);
  using gmdiff::Points;
  add(
      "sliced-w1/slices:100", [](const Points& x, const Points& y) { return gmdiff::sliced_wasserstein(x, y, {.slices = 100}); }, 100'000);
  add(
      "mmd", [](const Points& x, const Points& y) { return gmdiff::mmd_squared(x, y, 5.0); }, 5'000);
  add(
      "energy", [](const Points& x, const Points& y) { return gmdiff::energy_distance(x, y); }, 5'000);
  add(
      "median", [](const Points& x, const Points& y) { return gmdiff::median_distance(x, y); }, 5'000);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
