#include "gpu_bench.hpp"

#include <algorithm>

#include "device/cuda/executor.hpp"
#include "device/cuda/nvidia_gpu.hpp"
#include "timed_gpu.hpp"

namespace gmdiff::bench {

namespace {

/// The description of GPU 0, or the reason why it is not available.
DeviceInfo first_gpu() {
  for (const DeviceInfo& info : devices()) {
    if (info.name.starts_with("cuda")) return info;
  }
  return {.name = "cuda", .description = "", .available = false, .reason = "this build has no device cuda"};
}

GpuUnderTest start() {
  const DeviceInfo info = first_gpu();
  GpuUnderTest gpu;
  gpu.reason = info.reason;
  if (!info.available) return gpu;
  gpu.use = std::make_shared<GpuUse>();
  gpu.executor = cuda::make_executor(std::make_unique<TimedGpu>(cuda::make_gpu(0), gpu.use), info.name);
  gpu.ceiling = measured_gpu_ceiling();
  benchmark::AddCustomContext("gpu", info.description);
  benchmark::AddCustomContext("gpu_fma_per_second_f32", std::to_string(gpu.ceiling.fma32));
  benchmark::AddCustomContext("gpu_fma_per_second_f64", std::to_string(gpu.ceiling.fma64));
  benchmark::AddCustomContext("gpu_copied_bytes_per_second", std::to_string(gpu.ceiling.bytes));
  return gpu;
}

void run_case(benchmark::State& state, const Case& one) {
  on_gpu(state, [&](const GpuUnderTest& gpu) {
    const auto run_once = [&] {
      gpu.use->reset();
      benchmark::DoNotOptimize(
          run(one.plan, {.count = one.count, .seed = 1, .precision = one.precision}, 0, *gpu.executor));
      return gpu.use->seconds();
    };
    run_once();  // loads the kernel and raises the clocks
    for (auto _ : state) state.SetIterationTime(run_once());
    const double steps =
        std::max<double>(1.0, static_cast<double>(one.plan.steps.size())) * static_cast<double>(one.count);
    count(state, "particle_steps_per_second", steps, one.slots,
          one.precision == Precision::f32 ? gpu.ceiling.fma32 : gpu.ceiling.fma64);
    state.counters["launches"] = static_cast<double>(gpu.use->launches.size());
    state.counters["peak_bytes"] = static_cast<double>(gpu.use->peak_bytes);
  });
}

}  // namespace

const GpuUnderTest& gpu_under_test() {
  static const GpuUnderTest gpu = start();
  return gpu;
}

void register_on_gpu(const Case& one) {
  benchmark::RegisterBenchmark(("cuda/" + one.name).c_str(), run_case, one)
      ->Unit(benchmark::kMillisecond)
      ->Iterations(3)
      ->UseManualTime();
}

void count(benchmark::State& state, const char* rate, double particle_steps, double slots, double ceiling) {
  using benchmark::Counter;
  state.counters[rate] = Counter(particle_steps, Counter::kIsIterationInvariantRate);
  if (slots > 0.0)
    state.counters["share_of_fma_ceiling"] =
        Counter(particle_steps * slots / ceiling, Counter::kIsIterationInvariantRate);
}

Case full_64() {
  const Mixture law = mixture(CovarianceType::full, 64, 200);
  return {"full/d:64/K:200/ddim/f32", plan_of(law, Ddim{}), 100'000, Precision::f32, 2.0 * 200 * 64 * 64};
}

}  // namespace gmdiff::bench
