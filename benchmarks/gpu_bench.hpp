#pragma once

#include <memory>

#include "cases.hpp"
#include "device/executor.hpp"
#include "gpu_ceiling.hpp"

// What the benchmarks of a GPU share. Times are those of the launches, by events on the GPU: no transfer, no table that the host builds.

namespace gmdiff::bench {

struct GpuUse;

/// GPU 0 and its ceilings of this run, or why there is none: then every benchmark ends with that reason, and its name is known all the
/// same.
struct GpuUnderTest {
  std::shared_ptr<GpuUse> use;
  std::unique_ptr<Executor> executor;
  GpuCeiling ceiling{};
  std::string reason;
};

/// The GPU, started and measured at the first call, which writes what it is to the record.
const GpuUnderTest& gpu_under_test();

/// Runs the body of a benchmark, which is given the GPU; the benchmark ends with the reason where there is none, or with the body's error.
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

/// What a measurement says: the rate, and the share of a ceiling that `slots` of arithmetic a particle-step make.
void count(benchmark::State& state, const char* rate, double particle_steps, double slots, double ceiling);

/// d = 64, K = 200, full covariances: the law that matrix products are compared on, 100 000 particles.
Case full_64();

}  // namespace gmdiff::bench
