#include "kernels/rotation.cuh"
#include "support/host_kernels.hpp"

namespace gmdiff::test {

namespace {

template <class Real>
void run(const kernels::RotationJob<Real>& job, const Launch& launch) {
  run_on_host_block(launch, [&](HostBlock& block) { kernels::RotationKernel::run(block, job); });
}

template <class Real>
void run(const kernels::ChainRowsJob<Real>& job, const Launch& launch) {
  run_on_host_block(launch, [&](HostBlock& block) { kernels::ChainRowsKernel::run(block, job); });
}

}  // namespace

void run_kernel(const kernels::RotationJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::RotationJob<double>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::ChainRowsJob<float>& job, const Launch& launch) { run(job, launch); }
void run_kernel(const kernels::ChainRowsJob<double>& job, const Launch& launch) { run(job, launch); }

}  // namespace gmdiff::test
