#pragma once

#include <new>

#include "kernels/check.hpp"

namespace gmdiff::cuda {

/// Makes a GPU the current one of this thread; the destructor makes the caller's GPU current again. Where
/// both are the same GPU nothing is set, because setting a GPU initialises it.
class DeviceScope {
 public:
  explicit DeviceScope(int index) : index_(index), before_(index) {
    GMDIFF_CUDA_CHECK(cudaGetDevice(&before_));
    if (before_ != index_) GMDIFF_CUDA_CHECK(cudaSetDevice(index_));
  }
  /// The constructor for destructors, which must not throw.
  DeviceScope(int index, std::nothrow_t) noexcept : index_(index), before_(index) {
    ignore(cudaGetDevice(&before_));
    if (before_ != index_) ignore(cudaSetDevice(index_));
  }
  ~DeviceScope() {
    if (before_ != index_) ignore(cudaSetDevice(before_));
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int index_;
  int before_;
};

/// A stream that does not wait for the caller's work on the default stream.
class Stream {
 public:
  explicit Stream(int device) : device_(device) {
    const DeviceScope scope(device_);
    GMDIFF_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~Stream() {
    const DeviceScope scope(device_, std::nothrow);
    ignore(cudaStreamDestroy(stream_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const { return stream_; }

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
};

}  // namespace gmdiff::cuda
