#include "device/cpu/dispatch.hpp"

#include "command.hpp"

// Files of one run are equal byte for byte for all instruction sets and numbers of threads.

namespace gmdiff::test {
namespace {

using SameBytesTest = CommandTest;
using cpu::InstructionSet;

TEST_F(SameBytesTest, OnEveryInstructionSetAndAnyNumberOfThreads) {
  for (const char* precision : {"f32", "f64"}) {
    for (const char* sampler : {"ddim:eta=1", "exact-transition", "heun", "sde-dpmpp-2m"}) {
      const auto sample = [&](const std::string& device, const Surroundings& surroundings) {
        output({"sample", "problem.json", "--sampler", sampler, "--precision", precision, "--count", "3001",
                "--seed", "9", "--device", device, "--out", "x.npy", "--force"},
               surroundings);
        return read("x.npy");
      };
      const std::string expected = sample("cpu", {});
      for (const InstructionSet set :
           {InstructionSet::scalar, InstructionSet::fma128, InstructionSet::avx2, InstructionSet::avx512}) {
        if (!cpu::is_available(set)) continue;
        const std::string forced = std::string("GMDIFF_SIMD=") + cpu::to_string(set);
        EXPECT_TRUE(sample("cpu:2", {.input = "", .environment = {forced}}) == expected)
            << forced << ' ' << sampler << ' ' << precision;
      }
      EXPECT_TRUE(sample("cpu:1", {}) == expected) << sampler << ' ' << precision;
    }
  }
}

}  // namespace
}  // namespace gmdiff::test
