#include "kernels/kernels.cuh"
#include "support/host_kernels.hpp"

namespace gmdiff::test {

void run_fast_kernel(const kernels::StepsJob<float>& job, const Launch& launch) {
  kernels::with_fast_kernel(job, [&]<class Kernel>() {
    run_on_host_block(launch, [&](HostBlock& block) { Kernel::run(block, job); });
  });
}

}  // namespace gmdiff::test
