#include "kernels/kernels.cuh"
#include "support/host_kernels.hpp"

namespace gmdiff::test {

void run_kernel(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry,
                const Launch& launch) {
  if (kernels::runs_fast(job)) return run_fast_kernel(job, launch);
  kernels::with_kernel(job, geometry, [&]<class Kernel>() {
    run_on_host_block(launch, [&](HostBlock& block) { Kernel::run(block, job); });
  });
}

}  // namespace gmdiff::test
