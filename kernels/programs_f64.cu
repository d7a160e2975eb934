#include "kernels/launch.cuh"

namespace gmdiff::kernels {

void launch(const ProgramJob<double>& job, const Geometry& geometry, cudaStream_t stream) {
  launch_exact(job, geometry, stream);
}

}  // namespace gmdiff::kernels
