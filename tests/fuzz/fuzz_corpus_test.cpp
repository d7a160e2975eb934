#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fuzz/fuzz_entries.hpp"
#include "unit/io_support.hpp"

// Runs the corpus of the fuzz targets as a regression test with every compiler, so that former findings stay
// fixed.

namespace gmdiff {
namespace {

std::vector<std::filesystem::path> corpus(const std::string& target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(GMDIFF_TEST_DIR) /
                                                               "fuzz" / "corpus" / target)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(FuzzCorpus, ProblemsNeverCrashTheReader) {
  const auto files = corpus("problem");

  EXPECT_GE(files.size(), 10U);
  for (const auto& file : files) EXPECT_NO_THROW(fuzz::run_problem(test::read_file(file))) << file;
}

TEST(FuzzCorpus, NpyFilesNeverCrashTheReader) {
  const auto files = corpus("npy");

  EXPECT_GE(files.size(), 10U);
  for (const auto& file : files) EXPECT_NO_THROW(fuzz::run_npy(test::read_file(file))) << file;
}

TEST(FuzzCorpus, NpzArchivesNeverCrashTheReader) {
  const auto files = corpus("npz");

  EXPECT_GE(files.size(), 8U);
  for (const auto& file : files) EXPECT_NO_THROW(fuzz::run_npz(test::read_file(file))) << file;
}

}  // namespace
}  // namespace gmdiff
