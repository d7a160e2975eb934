#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

#include "device/cuda/device_scope.hpp"
#include "kernels/check.hpp"

namespace gmdiff::cuda {

/// Allocates and releases a GPU's memory in the order of its stream. It uses a pool of its own, which keeps
/// released memory for the next task until `rest` or until the pool is destroyed; a threshold on the
/// process's default pool would change it for the whole process. Where the GPU or its driver has no pools, it
/// uses cudaMalloc and cudaFree, which wait for all work that still uses the memory.
class MemoryPool {
 public:
  MemoryPool(int device, cudaStream_t stream) : device_(device), stream_(stream) {
    const DeviceScope scope(device_);
    int has_pools = 0;
    GMDIFF_CUDA_CHECK(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, device_));
    if (has_pools == 0) return;
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device_;
    GMDIFF_CUDA_CHECK(cudaMemPoolCreate(&pool_, &properties));
    std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();
    if (const cudaError_t error =
            cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &everything);
        error != cudaSuccess) {
      ignore(cudaMemPoolDestroy(pool_));
      check(error, "cudaMemPoolSetAttribute", __FILE__, __LINE__);
    }
  }
  ~MemoryPool() {
    const DeviceScope scope(device_, std::nothrow);
    if (pool_ != nullptr) ignore(cudaMemPoolDestroy(pool_));
  }
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// Bytes that can be allocated: free memory of the GPU and unused memory of the pool. Waits for releases
  /// that are still queued.
  std::size_t free() const {
    const DeviceScope scope(device_);
    GMDIFF_CUDA_CHECK(cudaStreamSynchronize(stream_));
    std::size_t free = 0, total = 0;
    GMDIFF_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return free + (pool_ == nullptr ? 0
                                    : attribute(cudaMemPoolAttrReservedMemCurrent) -
                                          attribute(cudaMemPoolAttrUsedMemCurrent));
  }

  /// Returns null when the memory does not suffice.
  void* allocate(std::size_t bytes) {
    const DeviceScope scope(device_);
    if (void* const memory = try_to_allocate(bytes); memory != nullptr || pool_ == nullptr) return memory;
    // The pool's unused memory may be in pieces that are all too small: return them to the GPU and try again.
    GMDIFF_CUDA_CHECK(cudaStreamSynchronize(stream_));
    GMDIFF_CUDA_CHECK(cudaMemPoolTrimTo(pool_, 0));
    return try_to_allocate(bytes);
  }

  void release(void* memory) noexcept {
    const DeviceScope scope(device_, std::nothrow);
    ignore(pool_ == nullptr ? cudaFree(memory) : cudaFreeAsync(memory, stream_));
  }

  /// Returns unused memory to the GPU for other users. Keeps an amount that suffices for small tasks.
  void rest() noexcept {
    constexpr std::size_t kept = std::size_t{64} << 20;
    if (pool_ == nullptr) return;
    const DeviceScope scope(device_, std::nothrow);
    ignore(cudaStreamSynchronize(stream_));
    ignore(cudaMemPoolTrimTo(pool_, kept));
  }

 private:
  std::size_t attribute(cudaMemPoolAttr attribute) const {
    std::uint64_t value = 0;
    GMDIFF_CUDA_CHECK(cudaMemPoolGetAttribute(pool_, attribute, &value));
    return value;
  }

  void* try_to_allocate(std::size_t bytes) {
    void* memory = nullptr;
    const cudaError_t error = pool_ == nullptr ? cudaMalloc(&memory, bytes)
                                               : cudaMallocFromPoolAsync(&memory, bytes, pool_, stream_);
    if (error == cudaErrorMemoryAllocation) {
      ignore(error);
      return nullptr;
    }
    check(error, pool_ == nullptr ? "cudaMalloc" : "cudaMallocFromPoolAsync", __FILE__, __LINE__);
    return memory;
  }

  int device_;
  cudaStream_t stream_;
  cudaMemPool_t pool_ = nullptr;
};

}  // namespace gmdiff::cuda
