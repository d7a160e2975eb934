// Particle-steps per second of whole runs on the problem `bench-2d` (2-D, three full components, 300 Euler-Maruyama steps),
// on every device that is available.

#include <benchmark/benchmark.h>

#include <gmdiff/gmdiff.hpp>

namespace {

void run_bench_2d(benchmark::State& state, const gmdiff::Device& device, gmdiff::Precision precision) {
  const gmdiff::Problem problem = gmdiff::bench_2d();
  const gmdiff::ForwardProcess process(problem.process);
  const gmdiff::TimeGrid grid(process, problem.grid);
  const gmdiff::Plan plan = gmdiff::sampling_plan({&problem.prior, 1}, process, grid, problem.sampler);
  const std::int64_t count = state.range(0);

  for (auto _ : state) {
    benchmark::DoNotOptimize(gmdiff::run(plan, {.count = count, .seed = 1, .device = device, .precision = precision}));
  }
  state.counters["particle_steps_per_second"] =
      benchmark::Counter(static_cast<double>(count) * grid.num_steps(), benchmark::Counter::kIsIterationInvariantRate);
}

const bool registered = [] {
  for (const gmdiff::DeviceInfo& info : gmdiff::devices()) {
    if (!info.available) continue;
    const gmdiff::Device device = gmdiff::Device::parse(info.name);
    for (const auto& [name, precision] : {std::pair("f32", gmdiff::Precision::f32), std::pair("f64", gmdiff::Precision::f64)}) {
      benchmark::RegisterBenchmark(("bench-2d/" + info.name + "/" + name).c_str(), run_bench_2d, device, precision)
          ->Arg(1000)
          ->Arg(10000)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
  return true;
}();

}  // namespace
