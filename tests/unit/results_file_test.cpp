// The file of a comparison's records: round trip, torn and damaged lines, several writers.

#include "study/results_file.hpp"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>

#include <gtest/gtest.h>

#include "unit/io_support.hpp"

namespace gmdiff::study {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::read_file;
using test::TemporaryFolder;
using test::write_file;

ComparisonRecord some_record(std::uint64_t seed) {
  ComparisonRecord record;
  record.problem = "p.json";
  record.sampler = "mcgdiff:particles=8";
  record.seed = seed;
  record.count = 100;
  record.device = "cpu";
  record.judging = "sw:p=1:slices=100:repeats=5";
  record.plan_hash = "0123456789abcdef";
  record.version = "0.1.0";
  record.judgements = {{.quantity = "sw_1", .value = 0.1 + 1e-17, .floor = 1.0 / 3.0, .ratio = 0.3}};
  record.seconds = 0.25;
  record.evaluations = 800.0;
  return record;
}

std::vector<std::uint64_t> seeds_of(const std::vector<ComparisonRecord>& records) {
  std::vector<std::uint64_t> seeds;
  for (const ComparisonRecord& record : records) seeds.push_back(record.seed);
  return seeds;
}

TEST(ResultsFile, ReturnsWhatWasAppended) {
  const TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl";
  ComparisonRecord odd = some_record(18446744073709551615U);
  odd.problem = "a \"quoted\"\nname";
  odd.precision = Precision::f64;
  odd.error = "run: 3 states are not finite";
  odd.diverged = true;
  odd.judgements.front().value = std::numeric_limits<double>::quiet_NaN();
  odd.judgements.front().ratio = -std::numeric_limits<double>::infinity();
  odd.judgements.front().bandwidth = std::nextafter(1.0, 2.0);
  odd.log_evidence_error = std::numeric_limits<double>::infinity();
  odd.log_evidence_sd = 0.1;
  odd.ess = 0.2;
  odd.smallest_ess = 5e-324;
  odd.coverage = {.level = 0.9, .observed = true, .null_space = {}};
  odd.warnings = {"one", "two"};
  const ResultsFile results(file);
  results.append(some_record(7));
  results.append(odd);

  const std::vector<ComparisonRecord> read = read_results(file);

  EXPECT_TRUE(results.records().empty());
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(key_of(read[0]), key_of(some_record(7)));
  EXPECT_EQ(read[0].judgements.front().value, 0.1 + 1e-17);
  EXPECT_EQ(read[0].judgements.front().floor, 1.0 / 3.0);
  EXPECT_EQ(read[0].seconds, 0.25);
  EXPECT_EQ(read[0].evaluations, 800.0);
  EXPECT_FALSE(read[0].error || read[0].diverged || read[0].ess);
  EXPECT_EQ(key_of(read[1]), key_of(odd));
  EXPECT_EQ(read[1].problem, odd.problem);
  EXPECT_EQ(read[1].error, odd.error);
  EXPECT_TRUE(read[1].diverged);
  EXPECT_TRUE(std::isnan(read[1].judgements.front().value));
  EXPECT_EQ(read[1].judgements.front().ratio, odd.judgements.front().ratio);
  EXPECT_EQ(read[1].judgements.front().bandwidth, odd.judgements.front().bandwidth);
  EXPECT_EQ(read[1].log_evidence_error, odd.log_evidence_error);
  EXPECT_EQ(read[1].log_evidence_sd, odd.log_evidence_sd);
  EXPECT_EQ(read[1].ess, odd.ess);
  EXPECT_EQ(read[1].smallest_ess, odd.smallest_ess);
  EXPECT_FALSE(read[0].coverage);
  ASSERT_TRUE(read[1].coverage);
  EXPECT_EQ(read[1].coverage->level, 0.9);
  EXPECT_EQ(read[1].coverage->observed, std::optional(true));
  EXPECT_FALSE(read[1].coverage->null_space);
  EXPECT_EQ(read[1].warnings, odd.warnings);
}

TEST(ResultsFile, TheKeyHasWhatDecidesTheFiguresAndNoNames) {
  const ComparisonRecord record = some_record(7);
  const auto changed = [&](auto change) {
    ComparisonRecord other = record;
    change(other);
    return key_of(other) != key_of(record);
  };

  EXPECT_TRUE(changed([](auto& r) { r.plan_hash = "1123456789abcdef"; }));
  EXPECT_TRUE(changed([](auto& r) { r.seed = 8; }));
  EXPECT_TRUE(changed([](auto& r) { r.version = "0.2.0"; }));
  EXPECT_TRUE(changed([](auto& r) { r.count = 101; }));
  EXPECT_TRUE(changed([](auto& r) { r.precision = Precision::f64; }));
  EXPECT_TRUE(changed([](auto& r) { r.judging = "sw:p=2:slices=100:repeats=5"; }));
  EXPECT_TRUE(changed([](auto& r) { r.device = "reference"; }));
  EXPECT_FALSE(changed([](auto& r) { r.device = "cuda:1"; })) << "the same bits as cpu";
  EXPECT_FALSE(changed([](auto& r) { r.problem = "copy.json"; }));
  EXPECT_FALSE(changed([](auto& r) { r.seconds = 1.0; }));
}

TEST(ResultsFile, OfEachKeyTheFirstRecordCounts) {
  const TemporaryFolder folder;
  const ResultsFile results(folder / "r.jsonl");
  ComparisonRecord again = some_record(7);
  again.seconds = 9.0;
  for (const ComparisonRecord& record : {some_record(7), again, some_record(8)}) results.append(record);

  const std::vector<ComparisonRecord> read = read_results(folder / "r.jsonl");

  EXPECT_EQ(seeds_of(read), (std::vector<std::uint64_t>{7, 8}));
  EXPECT_EQ(read.front().seconds, 0.25);
}

TEST(ResultsFile, ALineTornAnywhereIsLeftOutAndTheNextAppendRepairsTheFile) {
  const TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl";
  const ResultsFile first(file);
  first.append(some_record(1));
  const std::size_t one = read_file(file).size();
  first.append(some_record(2));
  const std::string two = read_file(file);
  for (std::size_t size = two.size() % 13; size <= two.size(); size += 13) {
    write_file(file, two.substr(0, size));
    const std::size_t complete = size < one ? 0 : size < two.size() ? 1 : 2;

    const ResultsFile torn(file);
    ASSERT_EQ(torn.records().size(), complete) << size;
    torn.append(some_record(3));
    ASSERT_EQ(read_results(file).size(), complete + 1) << size;
  }
}

TEST(ResultsFile, AForeignFileIsNamedAndLeftAsItIs) {
  const TemporaryFolder folder;
  const fs::path file = folder / "p.json";
  for (const char* text : {"{\n  \"prior\": 1\n}\n", "x", "{\"format\":\"gmdiff comparison 2\",\n", "\n"}) {
    write_file(file, text);

    EXPECT_EQ(error_of([&] { ResultsFile results(file); }),
              file.string() + R"(: line 1 does not begin with {"format":"gmdiff comparison 1",)" +
                  ", so the file is of another kind; it is left as it is");
    EXPECT_EQ(read_file(file), text);
  }
}

TEST(ResultsFile, AppendsToNothingThatAnotherProgramWroteAtTheEnd) {
  const TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl";
  const ResultsFile results(file);
  results.append(some_record(1));
  write_file(file, read_file(file) + "note to myself");
  const std::string before = read_file(file);

  EXPECT_TRUE(error_of([&] {
                results.append(some_record(2));
              }).starts_with(file.string() + ": the last line does not begin with"));
  EXPECT_EQ(read_file(file), before);
}

TEST(ResultsFile, ADamagedLineIsNamed) {
  const TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl";
  const ResultsFile results(file);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) results.append(some_record(seed));
  const std::string text = read_file(file);
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    write_file(file, changed);
    return error_of([&] { read_results(file); });
  };
  const std::string damaged = ": damaged: its text does not have the checksum at its end";

  EXPECT_EQ(error_with(R"("seed":2)", R"("seed":4)"), file.string() + ": line 2" + damaged);
  EXPECT_TRUE(error_with("\n{", "\nx{").starts_with(file.string() + ": line 2 does not begin with"));
  EXPECT_EQ(error_with("checksum", std::string("check\0um", 8)), file.string() + ": line 1" + damaged);
}

TEST(ResultsFile, OtherPlacesHaveTheirOwnMessages) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "d");
  const std::string gone = (folder / "no" / "r.jsonl").string();

  EXPECT_EQ(error_of([&] { read_results(gone); }), gone + ": cannot be read (No such file or directory)");
  EXPECT_EQ(error_of([&] { ResultsFile results(gone); }),
            gone + ": cannot be written (No such file or directory)");
  EXPECT_EQ(error_of([&] { read_results(folder / "d"); }),
            (folder / "d").string() + ": is not a regular file");
  EXPECT_EQ(error_of([&] { ResultsFile results("/dev/null"); }), "/dev/null: is not a regular file");
}

/// Runs `work` in a child process and returns its process number.
template <class Work>
pid_t start(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  return child;
}

TEST(ResultsFile, WritersInSeveralProcessesLoseNothing) {
  constexpr std::uint64_t writers = 4, lines = 100;
  const TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl";
  std::vector<pid_t> children;
  for (std::uint64_t writer = 0; writer < writers; ++writer) {
    children.push_back(start([&] {
      const ResultsFile results(file);
      for (std::uint64_t i = 0; i < lines; ++i) results.append(some_record(writer * lines + i));
    }));
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);

  std::vector<std::uint64_t> seeds = seeds_of(read_results(file));
  std::ranges::sort(seeds);
  ASSERT_EQ(seeds.size(), writers * lines);
  for (std::uint64_t i = 0; i < seeds.size(); ++i) ASSERT_EQ(seeds[i], i);
}

TEST(ResultsFile, AFullDiskLeavesTheLinesBefore) {
  const TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl";
  const ResultsFile results(file);
  results.append(some_record(1));
  const std::string before = read_file(file);
  const pid_t child = start([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{before.size() + 10, before.size() + 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      results.append(some_record(2));
    } catch (const std::runtime_error& error) {
      ::_exit(std::string(error.what()) == file.string() + ": writing failed (the disk is full)" ? 3 : 4);
    }
  });
  int status = 0;
  ::waitpid(child, &status, 0);

  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(read_file(file), before);
}

}  // namespace
}  // namespace gmdiff::study
