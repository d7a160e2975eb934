#pragma once

#include "device/cuda/gpu.hpp"

namespace gmdiff::cuda {

/// Gives memory to a job whose tiles do not fit shared memory. @returns its geometry
template <class Real, class Job>
kernels::Geometry give_room(Gpu& gpu, Job& job, Buffer<Real>& room) {
  const kernels::Geometry geometry = kernels::geometry(job, gpu.limits());
  if (geometry.room_bytes > room.size() * sizeof(Real)) {
    room = Buffer<Real>(gpu, geometry.room_bytes / sizeof(Real));
  }
  job.room = room.data();
  return geometry;
}

}  // namespace gmdiff::cuda
