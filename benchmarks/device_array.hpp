#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/check.hpp"

namespace gmdiff::bench {

/// An array in the current GPU's memory.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t size) : size_(size) {
    GMDIFF_CUDA_CHECK(cudaMalloc(reinterpret_cast<void**>(&data_), size * sizeof(T)));
  }
  explicit DeviceArray(std::span<const T> values) : DeviceArray(values.size()) {
    GMDIFF_CUDA_CHECK(cudaMemcpy(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { cuda::ignore(cudaFree(data_)); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  /// Waits for all work on the GPU and returns the values.
  std::vector<T> values() const {
    std::vector<T> list(size_);
    GMDIFF_CUDA_CHECK(cudaDeviceSynchronize());
    GMDIFF_CUDA_CHECK(cudaMemcpy(list.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return list;
  }

 private:
  std::size_t size_;
  T* data_ = nullptr;
};

}  // namespace gmdiff::bench
