#pragma once

#include <cstddef>
#include <cstring>
#include <mutex>
#include <new>

#include "device/cuda/device_scope.hpp"
#include "device/cuda/pieces.hpp"
#include "kernels/check.hpp"

namespace gmdiff::cuda {

/// Copies to the host through two page-locked buffers that take turns: one is filled while the other is
/// emptied. A direct copy to pageable memory would wait for each of its pieces.
class Staging {
 public:
  static constexpr std::size_t buffer_bytes = std::size_t{16} << 20;

  explicit Staging(int device) : device_(device) {}
  ~Staging() {
    const DeviceScope scope(device_, std::nothrow);
    for (const Turn& turn : turns_) {
      if (turn.buffer != nullptr) ignore(cudaFreeHost(turn.buffer));
      if (turn.filled != nullptr) ignore(cudaEventDestroy(turn.filled));
    }
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  void download(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    make_buffers();
    in_two_buffers(
        bytes, buffer_bytes,
        [&](const Piece& piece) {
          const Turn& turn = turns_[piece.buffer];
          GMDIFF_CUDA_CHECK(cudaMemcpyAsync(turn.buffer, static_cast<const std::byte*>(from) + piece.begin,
                                            piece.size, cudaMemcpyDeviceToHost, stream));
          GMDIFF_CUDA_CHECK(cudaEventRecord(turn.filled, stream));
        },
        [&](const Piece& piece) {
          const Turn& turn = turns_[piece.buffer];
          GMDIFF_CUDA_CHECK(cudaEventSynchronize(turn.filled));
          std::memcpy(static_cast<std::byte*>(to) + piece.begin, turn.buffer, piece.size);
        });
  }

 private:
  struct Turn {
    void* buffer = nullptr;
    cudaEvent_t filled = nullptr;
  };

  void make_buffers() {
    for (Turn& turn : turns_) {
      if (turn.buffer == nullptr) GMDIFF_CUDA_CHECK(cudaMallocHost(&turn.buffer, buffer_bytes));
      if (turn.filled == nullptr)
        GMDIFF_CUDA_CHECK(cudaEventCreateWithFlags(&turn.filled, cudaEventDisableTiming));
    }
  }

  int device_;
  std::mutex mutex_;
  Turn turns_[2];
};

}  // namespace gmdiff::cuda
