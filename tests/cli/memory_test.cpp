#include <sys/resource.h>

#include "command.hpp"

// The memory of a run does not grow with its particles: at most 64 MiB and the part of the output that waits to be written (32 MiB).

namespace gmdiff::test {
namespace {

using MemoryTest = CommandTest;

constexpr long allowed_kilobytes = (64 + 32) * 1024;

/// The most that a command of this test had in memory.
long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage.ru_maxrss;
}

TEST_F(MemoryTest, OfManySmallParticlesIsBounded) {
  output({"problem", "bench-2d", "--out", "p.json"});
  output({"sample", "p.json", "--steps", "2", "--count", "20000000", "--out", "x.npy"});

  EXPECT_GT(std::filesystem::file_size(folder() / "x.npy"), std::uintmax_t{160'000'000});
  EXPECT_LE(peak_kilobytes(), allowed_kilobytes);
}

TEST_F(MemoryTest, OfWideParticlesWithHistoryInDoubleIsBounded) {
  output({"problem", "mcgdiff", "--dx", "80", "--dy", "4", "--out", "p.json"});
  output({"sample", "p.json", "--prior", "--sampler", "dpmpp-2m", "--precision", "f64", "--steps", "12", "--history", "11", "--count",
          "20000", "--out", "x.npy"});

  EXPECT_GT(std::filesystem::file_size(folder() / "x.npy"), std::uintmax_t{140'000'000});
  EXPECT_LE(peak_kilobytes(), allowed_kilobytes);
}

TEST_F(MemoryTest, OfAllParticlesOfManyChainsIsBounded) {
  output({"problem", "tutorial-2d", "--out", "p.json"});
  output(
      {"sample", "p.json", "--sampler", "mcgdiff:particles=100000:output=particles", "--steps", "1", "--count", "100", "--out", "x.npz"});

  EXPECT_GT(std::filesystem::file_size(folder() / "x.npz"), std::uintmax_t{160'000'000});
  EXPECT_LE(peak_kilobytes(), allowed_kilobytes);
}

}  // namespace
}  // namespace gmdiff::test
