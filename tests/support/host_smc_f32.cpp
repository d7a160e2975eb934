#include "kernels/smc.cuh"
#include "support/host_kernels.hpp"

namespace gmdiff::test {

void run_kernel(const kernels::ChainsJob<float>& job, const Launch& launch) {
  kernels::with_kernel(job, [&]<class Kernel>() {
    run_on_host_block(launch, [&](HostBlock& block) { Kernel::run(block, job); });
  });
}

}  // namespace gmdiff::test
