#include <array>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "device/cuda/pieces.hpp"
#include "device/cuda/usable.hpp"

// The parts of the host side of the device `cuda` that need neither a GPU nor CUDA.

namespace gmdiff::cuda {
namespace {

TEST(UsableGpu, IsOneOfThoseThatAreThere) {
  EXPECT_EQ(why_no_gpu(0, 1), "");
  EXPECT_EQ(why_no_gpu(3, 4), "");
  EXPECT_EQ(why_no_gpu(1, 1), "there is no GPU 1; this machine has 1 GPU, numbered from 0");
  EXPECT_EQ(why_no_gpu(4, 4), "there is no GPU 4; this machine has 4 GPUs, numbered from 0");
  EXPECT_EQ(why_no_gpu(-1, 4), "there is no GPU -1; this machine has 4 GPUs, numbered from 0");
}

TEST(UsableGpu, RunsMachineCodeOfItsMajorVersion) {
  constexpr std::array built = {80, 90};
  const Code code{.architectures = built, .has_ptx = false};

  for (const Capability capability : {Capability{8, 0}, Capability{8, 9}, Capability{9, 0}})
    EXPECT_EQ(why_no_code(0, capability, code), "");
  EXPECT_EQ(why_no_code(2, {7, 5}, code),
            "this build has no code for GPU 2 of compute capability 7.5, only machine code for 8.0, 9.0 "
            "(CMAKE_CUDA_ARCHITECTURES)");
  EXPECT_EQ(why_no_code(0, {10, 0}, code),
            "this build has no code for GPU 0 of compute capability 10.0, only machine code for 8.0, 9.0 "
            "(CMAKE_CUDA_ARCHITECTURES)");
}

TEST(UsableGpu, RunsPtxOfEveryEarlierVersion) {
  constexpr std::array built = {86};
  const Code code{.architectures = built, .has_ptx = true};

  for (const Capability capability : {Capability{8, 6}, Capability{9, 0}, Capability{12, 1}})
    EXPECT_EQ(why_no_code(0, capability, code), "");
  EXPECT_EQ(
      why_no_code(0, {8, 0}, code),
      "this build has no code for GPU 0 of compute capability 8.0, only for 8.6 (CMAKE_CUDA_ARCHITECTURES)");
}

/// The result of a copy through two buffers. Each buffer must be empty when it is filled and full when it is
/// emptied.
std::vector<char> copied(const std::vector<char>& from, std::size_t most) {
  std::vector<char> to(from.size(), 'x');
  std::array<std::vector<char>, 2> buffers;
  int full = 0;
  in_two_buffers(
      from.size(), most,
      [&](const Piece& piece) {
        std::vector<char>& buffer = buffers.at(static_cast<std::size_t>(piece.buffer));
        EXPECT_TRUE(buffer.empty());
        EXPECT_LE(piece.size, most);
        buffer.assign(from.data() + piece.begin, from.data() + piece.begin + piece.size);
        ++full;
      },
      [&](const Piece& piece) {
        std::vector<char>& buffer = buffers.at(static_cast<std::size_t>(piece.buffer));
        EXPECT_EQ(buffer.size(), piece.size);
        // Except for the last piece, the next piece has already begun.
        EXPECT_EQ(full, piece.begin + piece.size == from.size() ? 1 : 2);
        std::memcpy(to.data() + piece.begin, buffer.data(), piece.size);
        buffer.clear();
        --full;
      });
  EXPECT_EQ(full, 0);
  return to;
}

TEST(CopyInPieces, ArrivesWhole) {
  for (const std::size_t bytes : {0, 1, 7, 8, 9, 16, 17, 63, 64}) {
    std::vector<char> from;
    for (std::size_t i = 0; i < bytes; ++i) from.push_back(static_cast<char>(i));
    EXPECT_EQ(copied(from, 8), from) << bytes << " bytes";
  }
}

}  // namespace
}  // namespace gmdiff::cuda
