#include "kernels/launch.cuh"

namespace gmdiff::kernels {

void launch(const ProgramJob<float>& job, const Geometry& geometry, cudaStream_t stream) {
  launch_exact(job, geometry, stream);
}

}  // namespace gmdiff::kernels
