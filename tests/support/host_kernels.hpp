#pragma once

#include "kernels/distances.hpp"
#include "kernels/geometry.hpp"
#include "kernels/network.hpp"
#include "kernels/path_gradients.hpp"
#include "kernels/paths.hpp"
#include "kernels/rotation.hpp"
#include "support/host_block.hpp"

namespace gmdiff::kernels {
// defined in smc.hpp, which other users need not include
template <class Real>
struct ChainsJob;
}  // namespace gmdiff::kernels

namespace gmdiff::test {

/// Runs the kernel of a job on the host block. Each kind of job has a unit of its own, because they take long
/// to compile.
void run_kernel(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry, const Launch& launch);
void run_kernel(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry,
                const Launch& launch);
/// The first function calls this for a job that runs in fast mode.
void run_fast_kernel(const kernels::StepsJob<float>& job, const Launch& launch);
void run_kernel(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry,
                const Launch& launch);
void run_kernel(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry,
                const Launch& launch);
void run_kernel(const kernels::ProgramJob<float>& job, const kernels::Geometry& geometry,
                const Launch& launch);
void run_kernel(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry,
                const Launch& launch);
void run_kernel(const kernels::ChainsJob<float>& job, const Launch& launch);
void run_kernel(const kernels::ChainsJob<double>& job, const Launch& launch);
void run_kernel(const kernels::RotationJob<float>& job, const Launch& launch);
void run_kernel(const kernels::RotationJob<double>& job, const Launch& launch);
void run_kernel(const kernels::ChainRowsJob<float>& job, const Launch& launch);
void run_kernel(const kernels::ChainRowsJob<double>& job, const Launch& launch);
void run_kernel(const kernels::NetworkJob<float>& job, const Launch& launch);
void run_kernel(const kernels::NetworkJob<double>& job, const Launch& launch);
void run_kernel(const kernels::PathJob<float>& job, const Launch& launch);
void run_kernel(const kernels::PathJob<double>& job, const Launch& launch);
void run_kernel(const kernels::AdjointJob<float>& job, const Launch& launch);
void run_kernel(const kernels::AdjointJob<double>& job, const Launch& launch);
void run_kernel(const kernels::NetworkSumsJob<float>& job, const Launch& launch);
void run_kernel(const kernels::NetworkSumsJob<double>& job, const Launch& launch);
void run_kernel(const kernels::TreeJob<float>& job, const Launch& launch);
void run_kernel(const kernels::TreeJob<double>& job, const Launch& launch);
void run_kernel(const kernels::ProjectionJob& job, const Launch& launch);
void run_kernel(const kernels::PairSumJob& job, const Launch& launch);
void run_kernel(const kernels::TransportJob& job, const Launch& launch);
void run_kernel(const kernels::LineJob& job, const Launch& launch);

}  // namespace gmdiff::test
