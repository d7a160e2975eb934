#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "kernels/distances.hpp"
#include "kernels/geometry.hpp"
#include "kernels/network.hpp"
#include "kernels/path_gradients.hpp"
#include "kernels/paths.hpp"
#include "kernels/rotation.hpp"
#include "kernels/smc.hpp"

namespace gmdiff::cuda {

/// The exception for a GPU whose memory does not suffice. @param purpose "" or " for 1024 particles"
inline DeviceError out_of_memory(const std::string& device, std::size_t wanted, const std::string& purpose,
                                 std::size_t free) {
  return DeviceError(
      concat(device, ": out of memory: ", wanted, " bytes wanted", purpose, ", ", free, " free"));
}

/// Operations of a task at most, before it reports: some tenths of a second.
inline constexpr double operations_per_task = 2e12;

/// The interface of a GPU that the executor and the distances use: memory, copies and launches, all in one
/// order (a stream). The tests implement it with the host block (tests/support/host_gpu.hpp), so that
/// executor and distances also run on machines without a GPU.
class Gpu {
 public:
  virtual ~Gpu() = default;
  /// The index, as in `Device::cuda`.
  virtual int index() const = 0;
  /// The cudaStream_t that orders all its work; null for a GPU without CUDA.
  virtual void* stream() const = 0;
  /// Bytes of device memory that can be allocated.
  virtual std::size_t free_memory() const = 0;
  /// @throws DeviceError when the memory does not suffice (`out_of_memory`).
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  /// Gives released memory back to the system, except for a small amount that many small runs in a row need.
  virtual void rest() noexcept {}
  virtual void upload(void* to, const void* from, std::size_t bytes) = 0;
  /// Returns when the bytes are in host memory.
  virtual void download(void* to, const void* from, std::size_t bytes) = 0;
  /// Copies inside the GPU's memory.
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  /// Returns when all work so far is done.
  virtual void wait() = 0;
  /// Makes it the current GPU of the thread, until the result is destroyed.
  virtual std::shared_ptr<void> make_current() const = 0;

  virtual kernels::Limits limits() const = 0;
  virtual void launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::ProgramJob<float>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::ChainsJob<float>& job) = 0;
  virtual void launch(const kernels::ChainsJob<double>& job) = 0;
  virtual void launch(const kernels::RotationJob<float>& job) = 0;
  virtual void launch(const kernels::RotationJob<double>& job) = 0;
  virtual void launch(const kernels::ChainRowsJob<float>& job) = 0;
  virtual void launch(const kernels::ChainRowsJob<double>& job) = 0;
  virtual void launch(const kernels::NetworkJob<float>& job) = 0;
  virtual void launch(const kernels::NetworkJob<double>& job) = 0;
  virtual void launch(const kernels::PathJob<float>& job) = 0;
  virtual void launch(const kernels::PathJob<double>& job) = 0;
  virtual void launch(const kernels::AdjointJob<float>& job) = 0;
  virtual void launch(const kernels::AdjointJob<double>& job) = 0;
  virtual void launch(const kernels::NetworkSumsJob<float>& job) = 0;
  virtual void launch(const kernels::NetworkSumsJob<double>& job) = 0;
  virtual void launch(const kernels::TreeJob<float>& job) = 0;
  virtual void launch(const kernels::TreeJob<double>& job) = 0;
  virtual void launch(const kernels::ProjectionJob& job) = 0;
  virtual void launch(const kernels::PairSumJob& job) = 0;
  virtual void launch(const kernels::TransportJob& job) = 0;
  virtual void launch(const kernels::LineJob& job) = 0;
  virtual void launch(const kernels::SortJob& job) = 0;
};

/// An array in a GPU's memory; the destructor releases it.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Gpu& gpu, std::size_t size)
      : gpu_(&gpu), size_(size), data_(static_cast<T*>(gpu.allocate(size * sizeof(T)))) {}
  Buffer(Buffer&& other) noexcept
      : gpu_(other.gpu_), size_(std::exchange(other.size_, 0)), data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(gpu_, other.gpu_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) gpu_->release(data_);
  }

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  void upload(const T* from) { upload(from, size_); }
  /// Uploads the first `count` elements.
  void upload(const T* from, std::size_t count) { gpu_->upload(data_, from, count * sizeof(T)); }
  void download(T* to) const { gpu_->download(to, data_, size_ * sizeof(T)); }

 private:
  Gpu* gpu_ = nullptr;
  std::size_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace gmdiff::cuda
