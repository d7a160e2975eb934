#pragma once

#include <memory>

#include "cases.hpp"
#include "device/executor.hpp"
#include "gpu_ceiling.hpp"

// Common parts of the benchmarks on a GPU. Times are those of launches, measured by events on the GPU,
// without transfers and tables that the host builds.

namespace gmdiff::bench {

struct GpuUse;

/// GPU 0 and its ceilings in this run, or the reason why it is not available. In the latter case every
/// benchmark is registered and ends with the reason.
struct GpuUnderTest {
  std::shared_ptr<GpuUse> use;
  std::unique_ptr<Executor> executor;
  GpuCeiling ceiling{};
  std::string reason;
};

/// The GPU. The first call starts it, measures it and writes its description to the record.
const GpuUnderTest& gpu_under_test();

/// Runs the body of a benchmark with the GPU. Without a GPU the benchmark ends with the reason; otherwise it
/// may end with the body's error.
template <class Body>
void on_gpu(benchmark::State& state, Body body) {
  const GpuUnderTest& gpu = gpu_under_test();
  if (!gpu.reason.empty()) return state.SkipWithError(gpu.reason.c_str());
  try {
    body(gpu);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

/// Registers a run of a plan, three times within one measurement. Names end with "/iterations:3/manual_time".
void register_on_gpu(const Case& one);

/// Reports the rate of a measurement, and the share of a ceiling for `slots` of arithmetic per particle-step.
void count(benchmark::State& state, const char* rate, double particle_steps, double slots, double ceiling);

/// d = 64, K = 200, full covariances, 100 000 particles: the case on which matrix products are compared.
Case full_64();

}  // namespace gmdiff::bench
