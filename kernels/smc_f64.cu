#include "kernels/smc.cuh"

#include "kernels/launch.cuh"

namespace gmdiff::kernels {

void launch(const ChainsJob<double>& job, cudaStream_t stream) {
  with_kernel(job, [&]<class Kernel>() { launch_kernel<Kernel>(job, job.geometry, stream); });
}

}  // namespace gmdiff::kernels
