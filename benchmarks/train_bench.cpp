// Iterations per second of training a denoiser of `bench-2d` (mathematics.md §17.5), with the share of the
// machine's FMA ceiling, measured at the start. Names are parametrisation/precision/batch/hidden.
//   gmdiff_train_bench --benchmark_out=FILE --benchmark_out_format=json

#include <string>

#include "bench.hpp"
#include "ceiling.hpp"

namespace {

using benchmark::Counter;
using gmdiff::DenoiserSettings;

double fma_ceiling = 0.0;  // of this run

/// Multiply-adds of an iteration: forward pass, and twice as much backward, of the state layers for every row
/// and of the time encoder for every level.
double multiply_adds(const DenoiserSettings& settings, double dim) {
  const auto H = static_cast<double>(settings.hidden);
  const double row = 2.0 * dim * H + (settings.layers - 1.0) * H * H;
  const double level = 4.0 * H * H;
  return 3.0 * (static_cast<double>(settings.batch) * row + settings.ladder.count * level);
}

void train(benchmark::State& state, const DenoiserSettings& settings) {
  const gmdiff::Mixture law = gmdiff::bench_2d().prior;
  for (auto _ : state) benchmark::DoNotOptimize(gmdiff::train_denoiser(law, settings));
  const auto iterations = static_cast<double>(settings.iterations);
  state.counters["iterations_per_second"] = Counter(iterations, Counter::kIsIterationInvariantRate);
  const double work = iterations * multiply_adds(settings, static_cast<double>(law.dim()));
  state.counters["share_of_fma_ceiling"] = Counter(work / fma_ceiling, Counter::kIsIterationInvariantRate);
}

void add_all() {
  fma_ceiling = gmdiff::bench::measured_fma_ceiling();
  benchmark::AddCustomContext("fma_per_second", std::to_string(fma_ceiling));
  for (const auto precision : {gmdiff::Precision::f32, gmdiff::Precision::f64}) {
    const DenoiserSettings settings{.iterations = 500, .seed = 1, .precision = precision};
    const std::string name = precision == gmdiff::Precision::f32 ? "f32" : "f64";
    benchmark::RegisterBenchmark(("edm/" + name + "/batch:1024/hidden:128").c_str(), train, settings)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
