#include "kernels/kernels.cuh"
#include "support/host_kernels.hpp"

namespace gmdiff::test {

void run_kernel(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry,
                const Launch& launch) {
  kernels::with_kernel(job, geometry, [&]<class Kernel>() {
    run_on_host_block(launch, [&](HostBlock& block) { Kernel::run(block, job); });
  });
}

}  // namespace gmdiff::test
