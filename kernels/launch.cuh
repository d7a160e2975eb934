#pragma once

#include "kernels/check.hpp"
#include "kernels/device_block.cuh"
#include "kernels/kernels.cuh"
#include "kernels/launch.hpp"

// How a job becomes a launch: what every unit of entry points instantiates for its precision.

namespace gmdiff::kernels {

/// Blocks that a multiprocessor has registers for, at least; 0: the compiler's choice. Chains wait for each other's weights: more of them
/// at once are worth some registers.
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
  // More than 48 KiB must be asked for.
  GMDIFF_CUDA_CHECK(cudaFuncSetAttribute(run_kernel<Kernel, Job>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(geometry.shared_bytes)));
  run_kernel<Kernel, Job>
      <<<static_cast<unsigned>(geometry.blocks), block_threads, geometry.shared_bytes, stream>>>(job);
}

/// In exact arithmetic.
template <class Job>
void launch_exact(const Job& job, const Geometry& geometry, cudaStream_t stream) {
  with_kernel(job, geometry, [&]<class Kernel>() { launch_kernel<Kernel>(job, geometry, stream); });
}

}  // namespace gmdiff::kernels
