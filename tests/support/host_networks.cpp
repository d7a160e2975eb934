#include "kernels/network.cuh"
#include "kernels/path_gradients.cuh"
#include "kernels/path_sums.cuh"
#include "kernels/paths.cuh"
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

void run_kernel(const kernels::NetworkJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::NetworkJob<double>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::PathJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::PathJob<double>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::AdjointJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::AdjointJob<double>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::NetworkSumsJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::NetworkSumsJob<double>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::TreeJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::TreeJob<double>& job, const Launch& launch) { run(job, launch); }

}  // namespace gmdiff::test
