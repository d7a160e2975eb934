#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

#include "device/cuda/gpu.hpp"
#include "events.hpp"

namespace gmdiff::bench {

/// The use of a GPU since the last reset. It outlives the executor that has the GPU.
struct GpuUse {
  struct Launch {
    Event begin, end;
  };
  std::deque<Launch> launches;
  std::size_t bytes = 0;       ///< bytes in use now
  std::size_t peak_bytes = 0;  ///< largest number of bytes in use at once

  void reset() {
    launches.clear();
    peak_bytes = bytes;
  }
  /// Seconds of all launches, each measured by events around it. Waits for them.
  double seconds() const {
    double sum = 0.0;
    for (const Launch& launch : launches) sum += launch.end.seconds_since(launch.begin);
    return sum;
  }
  /// Seconds from the beginning of the first launch to the end of the last.
  double elapsed_seconds() const {
    return launches.empty() ? 0.0 : launches.back().end.seconds_since(launches.front().begin);
  }
};

/// A GPU that times launches and counts memory, and delegates all work to another GPU.
class TimedGpu final : public cuda::Gpu {
 public:
  TimedGpu(std::unique_ptr<cuda::Gpu> gpu, std::shared_ptr<GpuUse> use)
      : gpu_(std::move(gpu)), use_(std::move(use)) {}

  int index() const override { return gpu_->index(); }
  void* stream() const override { return gpu_->stream(); }
  std::size_t free_memory() const override { return gpu_->free_memory(); }
  void* allocate(std::size_t bytes) override {
    void* const memory = gpu_->allocate(bytes);
    sizes_[memory] = bytes;
    use_->bytes += bytes;
    use_->peak_bytes = std::max(use_->peak_bytes, use_->bytes);
    return memory;
  }
  void release(void* memory) noexcept override {
    const auto size = sizes_.find(memory);
    use_->bytes -= size->second;
    sizes_.erase(size);
    gpu_->release(memory);
  }
  void upload(void* to, const void* from, std::size_t bytes) override { gpu_->upload(to, from, bytes); }
  void download(void* to, const void* from, std::size_t bytes) override { gpu_->download(to, from, bytes); }
  void copy(void* to, const void* from, std::size_t bytes) override { gpu_->copy(to, from, bytes); }
  void wait() override { gpu_->wait(); }
  std::shared_ptr<void> make_current() const override { return gpu_->make_current(); }

  kernels::Limits limits() const override { return gpu_->limits(); }
  void launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) override {
    timed(job, geometry);
  }
  void launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) override {
    timed(job, geometry);
  }
  void launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) override {
    timed(job, geometry);
  }
  void launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) override {
    timed(job, geometry);
  }
  void launch(const kernels::ProgramJob<float>& job, const kernels::Geometry& geometry) override {
    timed(job, geometry);
  }
  void launch(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry) override {
    timed(job, geometry);
  }
  void launch(const kernels::ChainsJob<float>& job) override { timed(job); }
  void launch(const kernels::ChainsJob<double>& job) override { timed(job); }
  void launch(const kernels::RotationJob<float>& job) override { timed(job); }
  void launch(const kernels::RotationJob<double>& job) override { timed(job); }
  void launch(const kernels::ChainRowsJob<float>& job) override { timed(job); }
  void launch(const kernels::ChainRowsJob<double>& job) override { timed(job); }
  void launch(const kernels::NetworkJob<float>& job) override { timed(job); }
  void launch(const kernels::NetworkJob<double>& job) override { timed(job); }
  void launch(const kernels::PathJob<float>& job) override { timed(job); }
  void launch(const kernels::PathJob<double>& job) override { timed(job); }
  void launch(const kernels::AdjointJob<float>& job) override { timed(job); }
  void launch(const kernels::AdjointJob<double>& job) override { timed(job); }
  void launch(const kernels::NetworkSumsJob<float>& job) override { timed(job); }
  void launch(const kernels::NetworkSumsJob<double>& job) override { timed(job); }
  void launch(const kernels::TreeJob<float>& job) override { timed(job); }
  void launch(const kernels::TreeJob<double>& job) override { timed(job); }
  void launch(const kernels::ProjectionJob& job) override { timed(job); }
  void launch(const kernels::PairSumJob& job) override { timed(job); }
  void launch(const kernels::TransportJob& job) override { timed(job); }
  void launch(const kernels::LineJob& job) override { timed(job); }
  void launch(const kernels::SortJob& job) override { timed(job); }

 private:
  template <class... Job>
  void timed(const Job&... job) {
    const auto stream = static_cast<cudaStream_t>(gpu_->stream());
    GpuUse::Launch& launch = use_->launches.emplace_back();
    launch.begin.record(stream);
    gpu_->launch(job...);
    launch.end.record(stream);
  }

  std::unique_ptr<cuda::Gpu> gpu_;
  std::shared_ptr<GpuUse> use_;
  std::unordered_map<void*, std::size_t> sizes_;
};

}  // namespace gmdiff::bench
