#include "kernels/check.hpp"
#include "kernels/device_block.cuh"
#include "kernels/launch.hpp"
#include "kernels/network.cuh"
#include "kernels/path_gradients.cuh"
#include "kernels/path_sums.cuh"
#include "kernels/paths.cuh"

namespace gmdiff::kernels {

namespace {

template <class Kernel, class Job>
__global__ void __launch_bounds__(block_threads) run_network(const __grid_constant__ Job job) {
  DeviceBlock<block_threads> block;
  Kernel::run(block, job);
}

template <class Job>
void launch_network(const Job& job, const NetworkGeometry& geometry, cudaStream_t stream) {
  with_kernel(job, [&]<class Kernel>() {
    // More than 48 KiB must be requested.
    GMDIFF_CUDA_CHECK(cudaFuncSetAttribute(run_network<Kernel, Job>,
                                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(geometry.shared_bytes)));
    run_network<Kernel, Job>
        <<<static_cast<unsigned>(geometry.blocks), block_threads, geometry.shared_bytes, stream>>>(job);
  });
}

}  // namespace

void launch(const NetworkJob<float>& job, cudaStream_t stream) { launch_network(job, job.geometry, stream); }
void launch(const NetworkJob<double>& job, cudaStream_t stream) { launch_network(job, job.geometry, stream); }
void launch(const PathJob<float>& job, cudaStream_t stream) { launch_network(job, job.geometry, stream); }
void launch(const PathJob<double>& job, cudaStream_t stream) { launch_network(job, job.geometry, stream); }
void launch(const AdjointJob<float>& job, cudaStream_t stream) {
  launch_network(job, job.path.geometry, stream);
}
void launch(const AdjointJob<double>& job, cudaStream_t stream) {
  launch_network(job, job.path.geometry, stream);
}
void launch(const NetworkSumsJob<float>& job, cudaStream_t stream) {
  launch_network(job, job.geometry, stream);
}
void launch(const NetworkSumsJob<double>& job, cudaStream_t stream) {
  launch_network(job, job.geometry, stream);
}
void launch(const TreeJob<float>& job, cudaStream_t stream) { launch_network(job, job.geometry, stream); }
void launch(const TreeJob<double>& job, cudaStream_t stream) { launch_network(job, job.geometry, stream); }

}  // namespace gmdiff::kernels
