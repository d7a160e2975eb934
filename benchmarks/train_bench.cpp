// Iterations per second of trainings, with the share of the machine's FMA ceiling, measured at the start: of
// a denoiser of `bench-2d` (mathematics.md §17.5), names are parametrisation/precision/batch/hidden, and of
// samplers of targets (§17.11), names are target/method/precision/batch/steps. The script
// peers/jax_samplers.py measures the same samplers in JAX.
//   gmdiff_train_bench --benchmark_out=FILE --benchmark_out_format=json

#include <string>
#include <vector>

#include "bench.hpp"
#include "ceiling.hpp"

namespace {

using benchmark::Counter;
using gmdiff::DenoiserSettings;
using gmdiff::PathMethod;
using gmdiff::SamplerSettings;

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

/// Multiply-adds of an iteration: each network forward, and twice as much backward, for each path and step.
/// The start law and the target are left out, which are 3 % on the funnel.
double multiply_adds(const SamplerSettings& settings, double dim) {
  const auto H = static_cast<double>(settings.hidden);
  const double row = 2.0 * dim * H + (settings.layers - 1.0) * H * H;
  const double networks = settings.method == PathMethod::dbs ? 2.0 : 1.0;
  return 3.0 * networks * static_cast<double>(settings.batch) * settings.steps * row;
}

struct SamplerCase {
  std::string name;
  gmdiff::Target target;
  SamplerSettings settings;
};

void train_sampler(benchmark::State& state, const SamplerCase& one) {
  for (auto _ : state) benchmark::DoNotOptimize(gmdiff::train_sampler(one.target, one.settings));
  const auto iterations = static_cast<double>(one.settings.iterations);
  state.counters["iterations_per_second"] = Counter(iterations, Counter::kIsIterationInvariantRate);
  const double work = iterations * multiply_adds(one.settings, static_cast<double>(one.target.dim()));
  state.counters["share_of_fma_ceiling"] = Counter(work / fma_ceiling, Counter::kIsIterationInvariantRate);
}

std::vector<SamplerCase> sampler_cases() {
  const auto settings = [](PathMethod method, double step) {
    return SamplerSettings{.method = method, .means_std = 1.0, .step = step, .iterations = 8, .seed = 1};
  };
  const auto dis = settings(PathMethod::dis, 0.01), dbs = settings(PathMethod::dbs, 0.01);
  const gmdiff::ManyWell wells{.wells = 5, .dim = 50};
  return {{"funnel/dis/f32/batch:2000/steps:128", gmdiff::Funnel{}, dis},
          {"funnel/dbs/f32/batch:2000/steps:128", gmdiff::Funnel{}, dbs},
          {"many-well/dis/f32/batch:2000/steps:128", wells, settings(PathMethod::dis, 0.1)}};
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
  for (const SamplerCase& one : sampler_cases()) {
    benchmark::RegisterBenchmark(one.name.c_str(), train_sampler, one)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
