#include "kernels/distances.cuh"
#include "support/host_kernels.hpp"

namespace gmdiff::test {

namespace {

template <class Job>
void run(const Job& job, const Launch& launch) {
  kernels::with_kernel(job, [&]<class Kernel>() {
    run_on_host_block(launch, [&](HostBlock& block) { Kernel::run(block, job); });
  });
}

}  // namespace

void run_kernel(const kernels::ProjectionJob& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::PairSumJob& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::TransportJob& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::LineJob& job, const Launch& launch) { run(job, launch); }

}  // namespace gmdiff::test
