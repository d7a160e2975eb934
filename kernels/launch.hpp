#pragma once

#include <cuda_runtime_api.h>

#include <span>

#include "kernels/distances.hpp"
#include "kernels/geometry.hpp"
#include "kernels/network.hpp"
#include "kernels/path_gradients.hpp"
#include "kernels/paths.hpp"
#include "kernels/rotation.hpp"
#include "kernels/smc.hpp"

// Entry points of the kernels for the host side of the device `cuda`. They only put work on the stream of the
// current device; the caller checks for errors (kernels/check.hpp).

namespace gmdiff::kernels {

void launch(const StepsJob<float>& job, const Geometry& geometry, cudaStream_t stream);
void launch(const StepsJob<double>& job, const Geometry& geometry, cudaStream_t stream);
/// `launch` calls this for a job that `runs_fast`.
void launch_fast(const StepsJob<float>& job, const Geometry& geometry, cudaStream_t stream);
void launch(const PointsJob<float>& job, const Geometry& geometry, cudaStream_t stream);
void launch(const PointsJob<double>& job, const Geometry& geometry, cudaStream_t stream);
void launch(const ProgramJob<float>& job, const Geometry& geometry, cudaStream_t stream);
void launch(const ProgramJob<double>& job, const Geometry& geometry, cudaStream_t stream);
void launch(const ChainsJob<float>& job, cudaStream_t stream);
void launch(const ChainsJob<double>& job, cudaStream_t stream);
void launch(const RotationJob<float>& job, cudaStream_t stream);
void launch(const RotationJob<double>& job, cudaStream_t stream);
void launch(const ChainRowsJob<float>& job, cudaStream_t stream);
void launch(const ChainRowsJob<double>& job, cudaStream_t stream);
void launch(const NetworkJob<float>& job, cudaStream_t stream);
void launch(const NetworkJob<double>& job, cudaStream_t stream);
void launch(const PathJob<float>& job, cudaStream_t stream);
void launch(const PathJob<double>& job, cudaStream_t stream);
void launch(const AdjointJob<float>& job, cudaStream_t stream);
void launch(const AdjointJob<double>& job, cudaStream_t stream);
void launch(const NetworkSumsJob<float>& job, cudaStream_t stream);
void launch(const NetworkSumsJob<double>& job, cudaStream_t stream);
void launch(const TreeJob<float>& job, cudaStream_t stream);
void launch(const TreeJob<double>& job, cudaStream_t stream);

void launch(const ProjectionJob& job, cudaStream_t stream);
void launch(const PairSumJob& job, cudaStream_t stream);
void launch(const TransportJob& job, cudaStream_t stream);
void launch(const LineJob& job, cudaStream_t stream);
/// Sorts with `bytes` bytes of temporary memory, as returned by sort_bytes.
void launch(const SortJob& job, void* temporary, std::size_t bytes, cudaStream_t stream);
std::size_t sort_bytes(const SortJob& job);

/// Virtual architectures that the kernels were compiled for, ascending, as 90 for compute capability 9.0.
std::span<const int> architectures();
/// Whether the kernels have PTX in addition to machine code.
bool has_ptx();
/// Loads an empty kernel on the current device. Returns cudaErrorNoKernelImageForDevice if this build has no
/// code for the device.
cudaError_t load_nothing();

}  // namespace gmdiff::kernels
