#include "kernels/launch.cuh"

namespace gmdiff::kernels {

void launch(const StepsJob<float>& job, const Geometry& geometry, cudaStream_t stream) {
  if (runs_fast(job)) return launch_fast(job, geometry, stream);
  launch_exact(job, geometry, stream);
}

}  // namespace gmdiff::kernels
