#pragma once

#include <map>
#include <memory>

#include "device/cuda/gpu.hpp"
#include "support/host_block.hpp"

namespace gmdiff::test {

/// A GPU whose memory is host memory and whose kernels run on the host block. Only launches, intrinsics and
/// speed need a real GPU.
class HostGpu final : public cuda::Gpu {
 public:
  /// @param shared_bytes shared memory of a thread block, which decides the layout
  HostGpu(ThreadOrder order, std::size_t shared_bytes, std::size_t memory = std::size_t{1} << 30)
      : HostGpu(order, {.shared_bytes = shared_bytes, .blocks = 2}, memory) {}
  HostGpu(ThreadOrder order, const kernels::Limits& limits, std::size_t memory = std::size_t{1} << 30)
      : order_(order), limits_(limits), memory_(memory) {}

  /// The number of launches so far; the counter outlives the GPU.
  std::shared_ptr<int> launches() const { return launches_; }
  /// From now on overstates the free memory by `bytes`.
  void overstate_memory(std::size_t bytes) { overstated_ = bytes; }

  int index() const override { return 5; }
  /// Not a stream, but a unique pointer value.
  void* stream() const override { return launches_.get(); }
  std::size_t free_memory() const override { return memory_ - used_ + overstated_; }
  /// Allocates memory filled with a pattern that is NaN as a number.
  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* to, const void* from, std::size_t bytes) override;
  void download(void* to, const void* from, std::size_t bytes) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void wait() override {}  // all work is done at once
  std::shared_ptr<void> make_current() const override { return current_; }
  /// Its other owners are the calls during which this GPU is the current one.
  std::shared_ptr<const void> current() const { return current_; }

  kernels::Limits limits() const override { return limits_; }
  void launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) override;
  void launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) override;
  void launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) override;
  void launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) override;
  void launch(const kernels::ProgramJob<float>& job, const kernels::Geometry& geometry) override;
  void launch(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry) override;
  void launch(const kernels::ChainsJob<float>& job) override;
  void launch(const kernels::ChainsJob<double>& job) override;
  void launch(const kernels::RotationJob<float>& job) override;
  void launch(const kernels::RotationJob<double>& job) override;
  void launch(const kernels::ChainRowsJob<float>& job) override;
  void launch(const kernels::ChainRowsJob<double>& job) override;
  void launch(const kernels::NetworkJob<float>& job) override;
  void launch(const kernels::NetworkJob<double>& job) override;
  void launch(const kernels::PathJob<float>& job) override;
  void launch(const kernels::PathJob<double>& job) override;
  void launch(const kernels::AdjointJob<float>& job) override;
  void launch(const kernels::AdjointJob<double>& job) override;
  void launch(const kernels::NetworkSumsJob<float>& job) override;
  void launch(const kernels::NetworkSumsJob<double>& job) override;
  void launch(const kernels::TreeJob<float>& job) override;
  void launch(const kernels::TreeJob<double>& job) override;
  void launch(const kernels::ProjectionJob& job) override;
  void launch(const kernels::PairSumJob& job) override;
  void launch(const kernels::TransportJob& job) override;
  void launch(const kernels::LineJob& job) override;
  void launch(const kernels::SortJob& job) override;

 private:
  template <class Job>
  void run(const Job& job, const kernels::Geometry& geometry);
  template <class Job>
  void run(const Job& job);
  template <class Job>
  void run_in_geometry(const Job& job);
  template <class Job, class Geometry>
  void run_in_geometry(const Job& job, const Geometry& geometry);

  ThreadOrder order_;
  kernels::Limits limits_;
  std::size_t memory_;
  std::size_t used_ = 0;
  std::size_t overstated_ = 0;
  std::map<void*, std::size_t> sizes_;
  std::shared_ptr<int> launches_ = std::make_shared<int>(0);
  std::shared_ptr<int> current_ = std::make_shared<int>(0);
};

}  // namespace gmdiff::test
