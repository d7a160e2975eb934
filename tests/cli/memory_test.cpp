#include <sys/resource.h>

#include <fstream>

#include "command.hpp"

// Memory that is not available is an error that states the bytes. The memory of a run does not grow with its
// particles: at most 64 MiB plus the part of the output that waits to be written (32 MiB).

namespace gmdiff::test {
namespace {

using MemoryTest = CommandTest;

constexpr long allowed_kilobytes = (64 + 32) * 1024;

/// Peak memory of the commands of this test.
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
  output({"sample", "p.json", "--prior", "--sampler", "dpmpp-2m", "--precision", "f64", "--steps", "12",
          "--history", "11", "--count", "20000", "--out", "x.npy"});

  EXPECT_GT(std::filesystem::file_size(folder() / "x.npy"), std::uintmax_t{140'000'000});
  EXPECT_LE(peak_kilobytes(), allowed_kilobytes);
}

TEST_F(MemoryTest, OfAllParticlesOfManyChainsIsBounded) {
  output({"problem", "tutorial-2d", "--out", "p.json"});
  output({"sample", "p.json", "--sampler", "mcgdiff:particles=100000:output=particles", "--steps", "1",
          "--count", "100", "--out", "x.npz"});

  EXPECT_GT(std::filesystem::file_size(folder() / "x.npz"), std::uintmax_t{160'000'000});
  EXPECT_LE(peak_kilobytes(), allowed_kilobytes);
}

TEST_F(MemoryTest, OfATrainingDoesNotGrowWithItsPaths) {
  write("well.json", R"({"target": {"type": "many-well", "wells": 5, "dim": 50}})");
  output({"train", "well.json", "--sampler", "dis:components=10:steps=128:means_std=1", "--batch", "2000",
          "--iterations", "1", "--count", "2", "--device", "cpu:2", "--out", "s.npz"});

  EXPECT_LE(peak_kilobytes(), allowed_kilobytes);
}

/// Limits the memory of the process.
Surroundings with_memory(rlim_t bytes) {
  return {.input = {}, .environment = {}, .terminal = false, .columns = 0, .prepare = [bytes] {
            const rlimit limit{bytes, bytes};
            setrlimit(RLIMIT_AS, &limit);
          }};
}

/// Writes a .npy file of zeros that take no space on the disk.
void write_zeros(const std::filesystem::path& file, const std::string& shape, std::uintmax_t count) {
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  std::ofstream(file, std::ios::binary) << std::string("\x93NUMPY\x01\x00\x76\x00", 10) << header << '\n';
  std::filesystem::resize_file(file, 128 + 8 * count);
}

TEST_F(MemoryTest, ThatIsNotThereIsAnErrorWithTheBytesAndLeavesNothing) {
  write_zeros(folder() / "many.npy", "(100000000, 2)", 200'000'000);
  write_zeros(folder() / "points.npy", "(4000000, 2)", 8'000'000);
  write_zeros(folder() / "square.npy", "(1, 8000, 8000)", 64'000'000);
  write_zeros(folder() / "long.npy", "(1, 8000)", 8'000);
  const std::string prior = R"({"prior": {"weights": [1], "means": "long.npy", "covariance": )";
  write("full.json", prior + R"({"type": "full", "values": "square.npy"}}})");
  write(
      "wide.json",
      prior +
          R"({"type": "spherical", "values": [1]}}, "observation": {"A": "long.npy", "y": [1], "noise_std": 1}})");
  const std::vector<std::string> before = files();
  const std::pair<Arguments, const char*> runs[] = {
      {{"sample", "problem.json", "--sampler", "mcgdiff:particles=1000000000", "--device", "cpu:2", "--count",
        "1", "--out", "o.npy"},
       " bytes wanted for one chain of 1000000000 particles, "},
      {{"sample", "problem.json", "--sampler", "mcgdiff:particles=100000000", "--device", "reference",
        "--count", "1", "--out", "o.npy"},
       " bytes wanted for one chain of 100000000 particles, "},
      {{"sample", "problem.json", "--sampler", "bootstrap:particles=1000000000:output=particles", "--device",
        "cpu:2", "--count", "1", "--out", "o.npz"},
       "out of memory: 16000000024 bytes wanted for the results of 1 chains of 1000000000 particles, "},
      {{"sample", "wide.json", "--prior", "--steps", "20000", "--history", "20001", "--precision", "f64",
        "--device", "cpu:2", "--count", "1", "--out", "o.npy"},
       "out of memory: 1280064000 bytes wanted for the result of 1 particles"},
      {{"distance", "prior.json", "prior.json", "--count", "1000000000"},
       " bytes wanted for the comparison of 1000000000 exact draws"},
      {{"distance", "prior.json", "prior.json", "--metric", "moments", "--count", "1000000000000"},
       " bytes wanted for the comparison of "},
      {{"eval", "prior.json", "--points", "many.npy"},
       "out of memory: 1600000000 bytes wanted for the array of many.npy in double, "},
      {{"eval", "prior.json", "--points", "points.npy", "--json"},
       "out of memory: 2464000000 bytes wanted for the results at 4000000 points, "},
      {{"draw", "full.json", "--out", "o.npy"},
       "out of memory: 2048000000 bytes wanted for the array \"square.npy\" of full.json: "},
      {{"posterior", "wide.json"},
       "out of memory: 1536000024 bytes wanted for the singular value decomposition of a matrix 1 x 8000, "},
  };
  for (const auto& [arguments, message] : runs) {
    const CommandResult result = run(arguments, with_memory(1 << 30));

    EXPECT_EQ(result.exit_code, 1) << arguments.front();
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos)
        << arguments.front() << ": " << result.err << "expected: " << message;
    EXPECT_TRUE(result.err.ends_with(" available\n")) << result.err;
    EXPECT_EQ(files(), before) << arguments.front();
  }
}

TEST_F(MemoryTest, ThatASamplerOfCompareDoesNotHaveIsInItsRow) {
  const CommandResult result =
      run({"compare", "problem.json", "--count", "2000000000", "--samplers", "draw", "--device", "cpu:2"},
          with_memory(1 << 30));

  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.out.find("failed on problem.json: out of memory: 16000000000 bytes wanted for the result "
                            "of 2000000000 particles"),
            std::string::npos)
      << result.out;
}

TEST_F(MemoryTest, OfChainsIsSharedByThreadsWhereItIsScarce) {
  // 800 MB per chain: one fits, two do not.
  const Arguments sample{"sample",    "problem.json",
                         "--sampler", "mcgdiff:particles=20000000",
                         "--steps",   "1",
                         "--count",   "2",
                         "--device",  "cpu:2",
                         "--out",     "o.npy"};

  EXPECT_EQ(run(sample, with_memory(1 << 30)).exit_code, 0);
}

TEST_F(MemoryTest, ThatNobodyForesawIsAnErrorWithTheBytesToo) {
  std::string text(10'000'000, '1');
  for (std::size_t i = 1; i < text.size(); i += 2) text[i] = ',';
  write("big.json", R"({"prior": {"weights": [)" + text + "1]}}");

  const CommandResult result = run({"posterior", "big.json"}, with_memory(200 << 20));

  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find(" bytes wanted for an allocation, "), std::string::npos) << result.err;
}

}  // namespace
}  // namespace gmdiff::test
