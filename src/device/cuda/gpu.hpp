#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "kernels/distances.hpp"
#include "kernels/geometry.hpp"
#include "kernels/rotation.hpp"
#include "kernels/smc.hpp"

namespace gmdiff::cuda {

/// What to throw when a GPU's memory does not suffice. @param purpose "" or " for 1024 particles"
inline DeviceError out_of_memory(const std::string& device, std::size_t wanted, const std::string& purpose,
                                 std::size_t free) {
  return DeviceError(
      concat(device, ": out of memory: ", wanted, " bytes wanted", purpose, ", ", free, " free"));
}

/// What a task does before it reports, at most: some tenths of a second.
inline constexpr double operations_per_task = 2e12;

/// What the executor and the distances ask of a GPU: memory, copies, launches, all in one order (a stream). The tests' GPU is the host
/// block (tests/support/host_gpu.hpp), so that all of them runs where there is none.
class Gpu {
 public:
  virtual ~Gpu() = default;
  /// As in `Device::cuda`.
  virtual int index() const = 0;
  /// The order of all its work, a cudaStream_t; null where there is none.
  virtual void* stream() const = 0;
  /// Bytes of device memory that can be asked for.
  virtual std::size_t free_memory() const = 0;
  /// @throws DeviceError when they are not there (`out_of_memory`).
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  /// Gives released memory back to the system, but for what many small runs in a row need.
  virtual void rest() noexcept {}
  virtual void upload(void* to, const void* from, std::size_t bytes) = 0;
  /// Waits until the bytes are here.
  virtual void download(void* to, const void* from, std::size_t bytes) = 0;

  virtual kernels::Limits limits() const = 0;
  virtual void launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) = 0;
  virtual void launch(const kernels::ChainsJob<float>& job) = 0;
  virtual void launch(const kernels::ChainsJob<double>& job) = 0;
  virtual void launch(const kernels::RotationJob<float>& job) = 0;
  virtual void launch(const kernels::RotationJob<double>& job) = 0;
  virtual void launch(const kernels::ProjectionJob& job) = 0;
  virtual void launch(const kernels::PairSumJob& job) = 0;
  virtual void launch(const kernels::TransportJob& job) = 0;
  virtual void launch(const kernels::SortJob& job) = 0;
};

/// An array in a GPU's memory, given back when it goes.
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
  /// The first `count` of them.
  void upload(const T* from, std::size_t count) { gpu_->upload(data_, from, count * sizeof(T)); }
  void download(T* to) const { gpu_->download(to, data_, size_ * sizeof(T)); }

 private:
  Gpu* gpu_ = nullptr;
  std::size_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace gmdiff::cuda
