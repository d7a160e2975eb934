#include "support/host_gpu.hpp"

#include <cstdlib>
#include <cstring>

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

template <class Job>
void HostGpu::run(const Job& job, const kernels::Geometry& geometry) {
  ++*launches_;
  run_kernel(job, geometry,
             {.blocks = geometry.blocks, .threads = kernels::block_threads, .shared_bytes = geometry.shared_bytes, .order = order_});
}

void HostGpu::launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) { run(job, geometry); }
void HostGpu::launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) { run(job, geometry); }
void HostGpu::launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) { run(job, geometry); }
void HostGpu::launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) { run(job, geometry); }

}  // namespace gmdiff::test
