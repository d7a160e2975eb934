#include "kernels/rotation.cuh"

#include "kernels/check.hpp"
#include "kernels/device_block.cuh"
#include "kernels/launch.hpp"

namespace gmdiff::kernels {

namespace {

template <class Real>
__global__ void __launch_bounds__(block_threads) run_rotation(const __grid_constant__ RotationJob<Real> job) {
  DeviceBlock<block_threads> block;
  RotationKernel::run(block, job);
}

template <class Real>
void launch_rotation(const RotationJob<Real>& job, cudaStream_t stream) {
  run_rotation<<<static_cast<unsigned>(num_blocks(job)), block_threads, shared_bytes(job), stream>>>(job);
}

template <class Real>
__global__ void __launch_bounds__(block_threads) run_rows(const __grid_constant__ ChainRowsJob<Real> job) {
  DeviceBlock<block_threads> block;
  ChainRowsKernel::run(block, job);
}

template <class Real>
void launch_rows(const ChainRowsJob<Real>& job, cudaStream_t stream) {
  run_rows<<<static_cast<unsigned>(num_blocks(job)), block_threads, shared_bytes(job), stream>>>(job);
}

}  // namespace

void launch(const RotationJob<float>& job, cudaStream_t stream) { launch_rotation(job, stream); }
void launch(const RotationJob<double>& job, cudaStream_t stream) { launch_rotation(job, stream); }
void launch(const ChainRowsJob<float>& job, cudaStream_t stream) { launch_rows(job, stream); }
void launch(const ChainRowsJob<double>& job, cudaStream_t stream) { launch_rows(job, stream); }

}  // namespace gmdiff::kernels
