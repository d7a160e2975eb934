#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "device/cuda/gpu.hpp"
#include "device/executor.hpp"
#include "plan/program.hpp"

// Velocities of kinetic Markov chains: rows (count, d) in double on the host, and a vector (d, count) of all
// chains among those in the memory of a GPU.

namespace gmdiff::cuda {

/// The vector of the velocities. @param vectors (num_vectors, d, count)
template <class Real>
Real* velocities_in(Real* vectors, const Task& task) {
  return vectors + *velocity_vector(task.plan) * task.problem.dim() * task.count;
}

/// Replaces the velocities that the prologue has drawn by those of the task, if it has any.
template <class Real>
void upload_velocities(Gpu& gpu, const Task& task, Real* vectors) {
  if (task.start_velocities == nullptr) return;
  const std::int64_t d = task.problem.dim();
  std::vector<Real> columns(static_cast<std::size_t>(task.count * d));
  for (std::int64_t n = 0; n < task.count; ++n) {
    for (std::int64_t i = 0; i < d; ++i)
      columns[static_cast<std::size_t>(i * task.count + n)] =
          static_cast<Real>(task.start_velocities[n * d + i]);
  }
  gpu.upload(velocities_in(vectors, task), columns.data(), columns.size() * sizeof(Real));
}

/// Writes the velocities that the task asks for.
template <class Real>
void download_velocities(Gpu& gpu, const Task& task, Real* vectors) {
  if (task.velocities == nullptr) return;
  const std::int64_t d = task.problem.dim();
  std::vector<Real> columns(static_cast<std::size_t>(task.count * d));
  gpu.download(columns.data(), velocities_in(vectors, task), columns.size() * sizeof(Real));
  for (std::int64_t n = 0; n < task.count; ++n) {
    for (std::int64_t i = 0; i < d; ++i)
      task.velocities[n * d + i] = static_cast<double>(columns[static_cast<std::size_t>(i * task.count + n)]);
  }
}

}  // namespace gmdiff::cuda
