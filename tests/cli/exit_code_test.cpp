#include "cli/exit_code.hpp"

#include <new>
#include <stdexcept>

#include <gtest/gtest.h>
#include <gmdiff/base/error.hpp>

#include "device/cuda/gpu.hpp"
#include "study/interrupted.hpp"

namespace gmdiff::cli {
namespace {

TEST(ExitCode, OfWrongInputAndOfADeviceThatIsNotAvailableIsTwo) {
  EXPECT_EQ(exit_code_of(std::invalid_argument("--count: ...")), 2);
  EXPECT_EQ(exit_code_of(DeviceUnavailable("device cuda: no usable GPU")), 2);
}

TEST(ExitCode, OfAFailureIsOne) {
  EXPECT_EQ(exit_code_of(DeviceError("CUDA: cudaStreamSynchronize(stream_) failed")), 1);
  EXPECT_EQ(exit_code_of(cuda::out_of_memory("device cuda", 8, "", 4)), 1);
  EXPECT_EQ(exit_code_of(MemoryError("a result of 8 bytes")), 1);
  EXPECT_EQ(exit_code_of(std::bad_alloc()), 1);
  EXPECT_EQ(exit_code_of(std::length_error("vector")), 1);
  EXPECT_EQ(exit_code_of(NonFiniteError("1 of 1 particles are not finite")), 1);
  EXPECT_EQ(exit_code_of(WeightError("chain 0")), 1);
  EXPECT_EQ(exit_code_of(std::runtime_error("cannot write x.npy")), 1);
}

TEST(ExitCode, OfAnInterruptionIsThatOfASignal) {
  EXPECT_EQ(exit_code_of(study::WorkInterrupted("interrupted")), 130);
}

}  // namespace
}  // namespace gmdiff::cli
