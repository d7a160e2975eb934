#pragma once

#include <cuda_pipeline_primitives.h>

#include <cstddef>
#include <cstdint>

// The thread block that kernel bodies get on a GPU. A body uses no members other than those below, so that
// the host block of the tests can replace it. Only integers are reduced across threads, because their sums do
// not depend on the order.

namespace gmdiff::kernels {

/// 32 consecutive threads. All of them must take part in every call except rank().
class DeviceTile32 {
 public:
  static constexpr int size = 32;

  __device__ int rank() const { return static_cast<int>(threadIdx.x) % size; }

  template <class T>
  __device__ T shfl_xor(T value, int mask) const {
    return __shfl_xor_sync(all, value, mask);
  }
  /// Returns the value of thread `source`.
  template <class T>
  __device__ T broadcast(T value, int source) const {
    return __shfl_sync(all, value, source);
  }
  __device__ bool any(bool value) const { return __any_sync(all, value) != 0; }

  /// Returns the result in every thread; T is std::uint32_t or std::uint64_t.
  template <class T>
  __device__ T reduce_sum(T value) const {
    for (int mask = size / 2; mask > 0; mask /= 2) value += shfl_xor(value, mask);
    return value;
  }
  template <class T>
  __device__ T reduce_max(T value) const {
    for (int mask = size / 2; mask > 0; mask /= 2) {
      const T other = shfl_xor(value, mask);
      value = value < other ? other : value;
    }
    return value;
  }
  template <class T>
  __device__ T inclusive_scan(T value) const {
    for (int distance = 1; distance < size; distance *= 2) {
      const T below = __shfl_up_sync(all, value, static_cast<unsigned>(distance));
      if (rank() >= distance) value += below;
    }
    return value;
  }

 private:
  static constexpr unsigned all = 0xffffffffU;
};

/// A thread block of `threads` threads; the launch must have this size. Every thread constructs one and
/// requests the same shared memory in the same order.
template <int threads>
class DeviceBlock {
  static_assert(threads > 0 && threads <= 1024 && threads % DeviceTile32::size == 0,
                "whole tiles of 32 threads, at most 1024 threads");

 public:
  __device__ int thread_rank() const { return static_cast<int>(threadIdx.x); }
  __device__ static constexpr int size() { return threads; }
  /// Index of this thread block in the launch.
  __device__ std::int64_t index() const { return static_cast<std::int64_t>(blockIdx.x); }
  __device__ std::int64_t num_blocks() const { return static_cast<std::int64_t>(gridDim.x); }
  __device__ void sync() const { __syncthreads(); }
  __device__ DeviceTile32 tile32() const { return {}; }

  /// The next n elements of the launch's dynamic shared memory, 16-byte aligned. Each call takes its bytes
  /// rounded up to a multiple of 16.
  template <class T>
  __device__ T* shared(std::size_t n) {
    static_assert(alignof(T) <= alignment);
    unsigned char* const place = arena() + used_;
    used_ += (n * sizeof(T) + alignment - 1) / alignment * alignment;
    return reinterpret_cast<T*>(place);
  }

  /// Copies global to shared memory asynchronously. The copy is complete after commit() and wait(); other
  /// threads see it after sync().
  template <class T>
  __device__ void copy_async(T* to, const T* from) const {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16, "sizes that the hardware copies");
    __pipeline_memcpy_async(to, from, sizeof(T));
  }
  __device__ void commit() const { __pipeline_commit(); }
  /// Waits for all copies that this thread has committed.
  __device__ void wait() const { __pipeline_wait_prior(0); }

  /// Reduces over all threads and returns the result in each; all threads must take part.
  __device__ std::uint64_t reduce_sum(std::uint64_t value) const {
    const std::uint64_t* const sums = of_tiles(tile32().reduce_sum(value));
    std::uint64_t sum = 0;
    for (int tile = 0; tile < tiles; ++tile) sum += sums[tile];
    sync();
    return sum;
  }
  __device__ std::uint64_t reduce_max(std::uint64_t value) const {
    const std::uint64_t* const maxima = of_tiles(tile32().reduce_max(value));
    std::uint64_t largest = 0;
    for (int tile = 0; tile < tiles; ++tile) largest = largest < maxima[tile] ? maxima[tile] : largest;
    sync();
    return largest;
  }
  /// The sum of the values of all threads up to and including this one.
  __device__ std::uint64_t inclusive_scan(std::uint64_t value) const {
    std::uint64_t sum = tile32().inclusive_scan(value);
    const std::uint64_t* const sums = of_tiles(sum);
    for (int tile = 0; tile < thread_rank() / DeviceTile32::size; ++tile) sum += sums[tile];
    sync();
    return sum;
  }

  __device__ static void atomic_add(std::uint64_t* to, std::uint64_t value) {
    static_assert(sizeof(unsigned long long) == sizeof(std::uint64_t));
    atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(value));
  }
  __device__ static void atomic_min(int* to, int value) { atomicMin(to, value); }

 private:
  static constexpr std::size_t alignment = 16;
  static constexpr int tiles = threads / DeviceTile32::size;

  __device__ static unsigned char* arena() {
    extern __shared__ __align__(alignment) unsigned char gmdiff_arena[];
    return gmdiff_arena;
  }

  /// The values of the last threads of the tiles, in memory that may be overwritten after the next sync().
  __device__ const std::uint64_t* of_tiles(std::uint64_t value) const {
    __shared__ std::uint64_t values[tiles];
    if (tile32().rank() == DeviceTile32::size - 1) values[thread_rank() / DeviceTile32::size] = value;
    sync();
    return values;
  }

  std::size_t used_ = 0;
};

}  // namespace gmdiff::kernels
