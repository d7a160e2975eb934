// Seconds of distances between two sets of points: sliced W1 along 100 directions, and the distances over all
// pairs.
//   gmdiff_distances_bench --benchmark_out=FILE --benchmark_out_format=json

#include "bench.hpp"

namespace {

/// Arguments: points in each set, dimension.
template <class Distance>
void between(benchmark::State& state, Distance distance) {
  const gmdiff::Points x = gmdiff::bench::normals(state.range(0), state.range(1), 1);
  const gmdiff::Points y = gmdiff::bench::normals(state.range(0), state.range(1), 2);
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

void add_all() {
  using gmdiff::Points;
  add(
      "sliced-w1/slices:100",
      [](const Points& x, const Points& y) { return gmdiff::sliced_wasserstein(x, y, {.slices = 100}); },
      100'000);
  add(
      "mmd", [](const Points& x, const Points& y) { return gmdiff::mmd_squared(x, y, 5.0); }, 5'000);
  add(
      "energy", [](const Points& x, const Points& y) { return gmdiff::energy_distance(x, y); }, 5'000);
  add(
      "median", [](const Points& x, const Points& y) { return gmdiff::median_distance(x, y); }, 5'000);
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
