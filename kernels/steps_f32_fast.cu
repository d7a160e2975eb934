#include "kernels/launch.cuh"

// Entry points in fast arithmetic (particle/fast.hpp), compiled with flags of its own.

namespace gmdiff::kernels {

void launch_fast(const StepsJob<float>& job, const Geometry& geometry, cudaStream_t stream) {
  with_fast_kernel(job, [&]<class Kernel>() { launch_kernel<Kernel>(job, geometry, stream); });
}

}  // namespace gmdiff::kernels
