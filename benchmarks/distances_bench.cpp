// Seconds of distances between two sets of points: sliced W1 along 100 directions, and the distances over all
// pairs; of sliced distances to a law of 25 components; and of the floor.
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

/// 25 components with means on a grid in two coordinates, as in the problem of MCGdiff, with d / 2 copies.
gmdiff::Mixture grid_law(Eigen::Index d) {
  gmdiff::Points means(25, d);
  for (Eigen::Index k = 0; k < 25; ++k) {
    for (Eigen::Index i = 0; i < d; ++i)
      means(k, i) = 8.0 * static_cast<double>((i % 2 == 0 ? k / 5 : k % 5) - 2);
  }
  return {std::vector<double>(25, 0.04), means, gmdiff::Covariance::spherical(std::vector<double>(25, 1.0))};
}

/// Arguments: points, order p. The points are exact draws in dimension 80.
void to_law(benchmark::State& state) {
  const gmdiff::Mixture law = grid_law(80);
  const gmdiff::Points x =
      draw(law, {.count = state.range(0), .seed = 1, .precision = gmdiff::Precision::f64}).to_double();
  const int p = static_cast<int>(state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(gmdiff::sliced_wasserstein(x, law, {.p = p, .slices = 100}));
}

void of_floor(benchmark::State& state) {
  const gmdiff::Mixture law = grid_law(80);
  const gmdiff::Points directions = gmdiff::random_directions(80, 100, 0);
  for (auto _ : state)
    benchmark::DoNotOptimize(gmdiff::slice_wasserstein_floor(law, state.range(0), directions).mean());
}

void add_all() {
  using gmdiff::Points;
  benchmark::RegisterBenchmark("sliced-to-law/K:25/d:80/slices:100", to_law)
      ->ArgsProduct({{100'000, 1'000'000}, {1, 2}})
      ->ArgNames({"points", "p"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RegisterBenchmark("sliced-w1-floor/K:25/d:80/slices:100", of_floor)
      ->Arg(1'000)
      ->Arg(100'000)
      ->ArgName("draws")
      ->Unit(benchmark::kMillisecond);
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
