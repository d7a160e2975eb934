#include "support/host_gpu.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "support/host_kernels.hpp"

namespace gmdiff::test {

void* HostGpu::allocate(std::size_t bytes) {
  if (bytes > memory_ - used_) throw cuda::out_of_memory("the host's GPU", bytes, "", memory_ - used_);
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(memory, 0xff, bytes);
  sizes_[memory] = bytes;
  used_ += bytes;
  return memory;
}
void HostGpu::release(void* memory) noexcept {
  used_ -= sizes_[memory];
  sizes_.erase(memory);
  std::free(memory);
}
void HostGpu::upload(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void HostGpu::download(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void HostGpu::copy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

template <class Job>
void HostGpu::run(const Job& job, const kernels::Geometry& geometry) {
  ++*launches_;
  run_kernel(job, geometry,
             {.blocks = geometry.blocks,
              .threads = kernels::block_threads,
              .shared_bytes = geometry.shared_bytes,
              .order = order_});
}

void HostGpu::launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) {
  run(job, geometry);
}
void HostGpu::launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) {
  run(job, geometry);
}
void HostGpu::launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) {
  run(job, geometry);
}
void HostGpu::launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) {
  run(job, geometry);
}
void HostGpu::launch(const kernels::ProgramJob<float>& job, const kernels::Geometry& geometry) {
  run(job, geometry);
}
void HostGpu::launch(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry) {
  run(job, geometry);
}

template <class Job>
void HostGpu::run(const Job& job) {
  ++*launches_;
  run_kernel(job, {.blocks = kernels::num_blocks(job),
                   .threads = kernels::block_threads,
                   .shared_bytes = kernels::shared_bytes(job),
                   .order = order_});
}

template <class Job, class Geometry>
void HostGpu::run_in_geometry(const Job& job, const Geometry& geometry) {
  ++*launches_;
  run_kernel(job, {.blocks = geometry.blocks,
                   .threads = kernels::block_threads,
                   .shared_bytes = geometry.shared_bytes,
                   .order = order_});
}
template <class Job>
void HostGpu::run_in_geometry(const Job& job) {
  run_in_geometry(job, job.geometry);
}
void HostGpu::launch(const kernels::ChainsJob<float>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::ChainsJob<double>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::NetworkJob<float>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::NetworkJob<double>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::PathJob<float>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::PathJob<double>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::AdjointJob<float>& job) { run_in_geometry(job, job.path.geometry); }
void HostGpu::launch(const kernels::AdjointJob<double>& job) { run_in_geometry(job, job.path.geometry); }
void HostGpu::launch(const kernels::NetworkSumsJob<float>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::NetworkSumsJob<double>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::TreeJob<float>& job) { run_in_geometry(job); }
void HostGpu::launch(const kernels::TreeJob<double>& job) { run_in_geometry(job); }

void HostGpu::launch(const kernels::RotationJob<float>& job) { run(job); }
void HostGpu::launch(const kernels::RotationJob<double>& job) { run(job); }
void HostGpu::launch(const kernels::ChainRowsJob<float>& job) { run(job); }
void HostGpu::launch(const kernels::ChainRowsJob<double>& job) { run(job); }
void HostGpu::launch(const kernels::ProjectionJob& job) { run(job); }
void HostGpu::launch(const kernels::PairSumJob& job) { run(job); }
void HostGpu::launch(const kernels::TransportJob& job) { run(job); }
void HostGpu::launch(const kernels::LineJob& job) { run(job); }

/// Replaces the library's sort.
void HostGpu::launch(const kernels::SortJob& job) {
  ++*launches_;
  for (std::int64_t segment = 0; segment < job.segments; ++segment) {
    double* const begin = job.numbers + segment * job.length;
    double* const sorted = job.sorted + segment * job.length;
    std::partial_sort_copy(begin, begin + job.length, sorted, sorted + job.length);
    std::fill(begin, begin + job.length, std::numeric_limits<double>::quiet_NaN());
  }
}

}  // namespace gmdiff::test
