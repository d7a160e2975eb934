#pragma once

#include "kernels/check.hpp"
#include "kernels/device_block.cuh"
#include "kernels/kernels.cuh"
#include "kernels/launch.hpp"

// Turns a job into a launch. Every unit of entry points instantiates these templates for its precision.

namespace gmdiff::kernels {

/// Minimum number of thread blocks for which a multiprocessor has registers; 0 leaves it to the compiler.
/// Thread blocks of chains wait at barriers, so more resident blocks are worth some registers.
template <class Job>
inline constexpr int min_blocks = 0;
template <>
inline constexpr int min_blocks<ChainsJob<float>> = 4;

template <class Kernel, class Job>
__global__ void __launch_bounds__(block_threads, min_blocks<Job>)
    run_kernel(const __grid_constant__ Job job) {
  DeviceBlock<block_threads> block;
  Kernel::run(block, job);
}

/// @param geometry with blocks and shared_bytes
template <class Kernel, class Job, class Shape>
void launch_kernel(const Job& job, const Shape& geometry, cudaStream_t stream) {
  // More than 48 KiB must be requested.
  GMDIFF_CUDA_CHECK(cudaFuncSetAttribute(run_kernel<Kernel, Job>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(geometry.shared_bytes)));
  run_kernel<Kernel, Job>
      <<<static_cast<unsigned>(geometry.blocks), block_threads, geometry.shared_bytes, stream>>>(job);
}

/// Launches a job in exact arithmetic.
template <class Job>
void launch_exact(const Job& job, const Geometry& geometry, cudaStream_t stream) {
  with_kernel(job, geometry, [&]<class Kernel>() { launch_kernel<Kernel>(job, geometry, stream); });
}

}  // namespace gmdiff::kernels
