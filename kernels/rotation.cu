#include "kernels/rotation.cuh"

#include "kernels/check.hpp"
#include "kernels/device_block.cuh"
#include "kernels/launch.hpp"

namespace gmdiff::kernels {

namespace {

template <class Kernel, class Job>
__global__ void __launch_bounds__(block_threads) run(const __grid_constant__ Job job) {
  DeviceBlock<block_threads> block;
  Kernel::run(block, job);
}

template <class Kernel, class Job>
void launch_kernel(const Job& job, cudaStream_t stream) {
  run<Kernel><<<static_cast<unsigned>(num_blocks(job)), block_threads, shared_bytes(job), stream>>>(job);
}

}  // namespace

void launch(const RotationJob<float>& job, cudaStream_t stream) {
  launch_kernel<RotationKernel>(job, stream);
}
void launch(const RotationJob<double>& job, cudaStream_t stream) {
  launch_kernel<RotationKernel>(job, stream);
}
void launch(const ChainRowsJob<float>& job, cudaStream_t stream) {
  launch_kernel<ChainRowsKernel>(job, stream);
}
void launch(const ChainRowsJob<double>& job, cudaStream_t stream) {
  launch_kernel<ChainRowsKernel>(job, stream);
}

}  // namespace gmdiff::kernels
