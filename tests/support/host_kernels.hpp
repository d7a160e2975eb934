#pragma once

#include "kernels/distances.hpp"
#include "kernels/geometry.hpp"
#include "kernels/rotation.hpp"
#include "support/host_block.hpp"

namespace gmdiff::kernels {
template <class Real>
struct ChainsJob;  // smc.hpp, which others need not see
}  // namespace gmdiff::kernels

namespace gmdiff::test {

/// The kernel of a job on the host block. A unit for each kind of job, for they take long to compile.
void run_kernel(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry, const Launch& launch);
void run_kernel(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry,
                const Launch& launch);
/// What the first does with a job that runs fast.
void run_fast_kernel(const kernels::StepsJob<float>& job, const Launch& launch);
void run_kernel(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry,
                const Launch& launch);
void run_kernel(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry,
                const Launch& launch);
void run_kernel(const kernels::ChainsJob<float>& job, const Launch& launch);
void run_kernel(const kernels::ChainsJob<double>& job, const Launch& launch);
void run_kernel(const kernels::RotationJob<float>& job, const Launch& launch);
void run_kernel(const kernels::RotationJob<double>& job, const Launch& launch);
void run_kernel(const kernels::ProjectionJob& job, const Launch& launch);
void run_kernel(const kernels::PairSumJob& job, const Launch& launch);
void run_kernel(const kernels::TransportJob& job, const Launch& launch);

}  // namespace gmdiff::test
