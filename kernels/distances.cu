#include "kernels/distances.cuh"

#include "kernels/check.hpp"
#include "kernels/device_block.cuh"
#include "kernels/launch.hpp"

namespace gmdiff::kernels {

namespace {

template <class Kernel, class Job>
__global__ void __launch_bounds__(block_threads) run_distance_kernel(const __grid_constant__ Job job) {
  DeviceBlock<block_threads> block;
  Kernel::run(block, job);
}

template <class Job>
void launch_distance_kernel(const Job& job, cudaStream_t stream) {
  with_kernel(job, [&]<class Kernel>() {
    run_distance_kernel<Kernel>
        <<<static_cast<unsigned>(num_blocks(job)), block_threads, shared_bytes(job), stream>>>(job);
  });
}

}  // namespace

void launch(const ProjectionJob& job, cudaStream_t stream) { launch_distance_kernel(job, stream); }
void launch(const PairSumJob& job, cudaStream_t stream) { launch_distance_kernel(job, stream); }
void launch(const TransportJob& job, cudaStream_t stream) { launch_distance_kernel(job, stream); }
void launch(const LineJob& job, cudaStream_t stream) { launch_distance_kernel(job, stream); }

}  // namespace gmdiff::kernels
