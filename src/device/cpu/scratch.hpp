#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace gmdiff::cpu {

/// Memory of one thread, aligned as registers are.
class ScratchMemory {
 public:
  ScratchMemory(int threads, std::size_t bytes) : stride_((bytes + alignment - 1) / alignment * alignment) {
    memory_.resize(stride_ * static_cast<std::size_t>(threads) + alignment);
    void* begin = memory_.data();
    std::size_t space = memory_.size();
    begin_ = static_cast<std::byte*>(std::align(alignment, space - alignment, begin, space));
  }
  void* of(int thread) const { return begin_ + static_cast<std::size_t>(thread) * stride_; }

 private:
  static constexpr std::size_t alignment = 64;
  std::size_t stride_;
  std::vector<std::byte> memory_;
  std::byte* begin_;
};

}  // namespace gmdiff::cpu
