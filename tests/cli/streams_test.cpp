// Standard streams that are closed, full or without reader.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "command.hpp"

namespace gmdiff::test {
namespace {

Surroundings prepared(std::function<void()> prepare) {
  return {.input = {}, .environment = {}, .terminal = false, .columns = 0, .prepare = std::move(prepare)};
}

Surroundings with_closed(std::vector<int> descriptors) {
  return prepared([descriptors = std::move(descriptors)] {
    for (const int descriptor : descriptors) close(descriptor);
  });
}

Surroundings with_full(int descriptor) {
  return prepared([descriptor] { dup2(open("/dev/full", O_WRONLY), descriptor); });
}

/// A pipe that nobody reads.
Surroundings without_reader(int descriptor) {
  return prepared([descriptor] {
    int ends[2];
    if (pipe(ends) != 0) _exit(125);
    dup2(ends[1], descriptor);
    close(ends[0]);
  });
}

class StreamsTest : public CommandTest {
 protected:
  StreamsTest() {
    output({"draw", "prior.json", "--out", "x.npy", "--count", "50", "--quiet"});
    output({"draw", "prior.json", "--out", "y.npy", "--range", "50:100", "--quiet"});
  }

  /// A run of every verb. Verbs that write a file write `o`, and all verbs print to standard error.
  const std::vector<Arguments> verbs_{
      {"sample", "prior.json", "--sampler", "ddim:start=gaussian", "--steps", "5", "--out", "o"},
      {"draw", "prior.json", "--out", "o", "--seed", "3"},
      {"forward", "prior.json", "--out", "o", "--count", "10"},
      {"merge", "y.npy", "x.npy", "--out", "o"},
      {"eval", "prior.json", "--points", "x.npy", "--out", "o"},
      {"posterior", "problem.json", "--out", "o"},
      {"problem", "bench-2d", "--out", "o"},
      {"distance", "x.npy", "prior.json"},
      {"compare", "problem.json", "--count", "20", "--samplers", "draw"},
      {"devices"},
      {"--help"},
      {"--version"},
      {"sample", "--help"},
      {"compare", "--help"}};

  /// Returns the content of the written file, or an empty string, and removes the file.
  std::string take_result() const {
    const std::string bytes = exists("o") ? read("o") : std::string();
    std::filesystem::remove(folder() / "o");
    std::filesystem::remove(folder() / "o.json");
    return bytes;
  }
};

TEST_F(StreamsTest, WhatCannotBeReadOrSaidDoesNotChangeResults) {
  const Surroundings harmless[] = {with_closed({0}), with_closed({2}), with_closed({0, 2}), with_full(2),
                                   without_reader(2)};
  for (const Arguments& verb : verbs_) {
    output(verb);
    const std::string expected = take_result();
    for (const Surroundings& surroundings : harmless) {
      EXPECT_NE(output(verb, surroundings), "");
      EXPECT_TRUE(take_result() == expected) << verb.front();
    }
  }
}

TEST_F(StreamsTest, ResultsThatCannotBePrintedAreAnErrorAndFilesStandWhole) {
  const std::pair<Surroundings, const char*> failing[] = {{with_closed({1}), "Bad file descriptor"},
                                                          {with_closed({0, 1}), "Bad file descriptor"},
                                                          {with_closed({0, 1, 2}), ""},
                                                          {with_full(1), "No space left on device"},
                                                          {without_reader(1), "Broken pipe"}};
  for (const Arguments& verb : verbs_) {
    output(verb);
    const std::string expected = take_result();
    for (const auto& [surroundings, reason] : failing) {
      const CommandResult result = run(verb, surroundings);

      EXPECT_EQ(result.exit_code, 1) << verb.front() << ", " << reason;
      if (*reason != '\0') {
        EXPECT_NE(result.err.find(std::string("gmdiff: writing to standard output failed (") + reason + ")"),
                  std::string::npos)
            << result.err;
      }
      EXPECT_TRUE(take_result() == expected) << verb.front() << ", " << reason;
    }
  }
}

TEST_F(StreamsTest, UsageErrorsKeepTheirExitCode) {
  for (const Surroundings& surroundings : {with_closed({0, 1, 2}), with_full(2), without_reader(2)}) {
    EXPECT_EQ(run({}, surroundings).exit_code, 2);
    EXPECT_EQ(run({"smaple"}, surroundings).exit_code, 2);
    EXPECT_EQ(run({"draw", "none.json", "--out", "o"}, surroundings).exit_code, 2);
  }
}

TEST_F(StreamsTest, StandardInputThatCannotBeReadIsAnErrorThatSaysWhy) {
  const Surroundings folder = prepared([] { dup2(open("/", O_RDONLY), STDIN_FILENO); });
  const Arguments verbs[] = {{"sample", "-", "--out", "o"},
                             {"forward", "-", "--out", "o"},
                             {"draw", "-", "--out", "o"},
                             {"posterior", "-"},
                             {"eval", "-", "--points", "x.npy"},
                             {"distance", "-", "x.npy"},
                             {"compare", "-"}};
  for (const Arguments& verb : verbs) {
    const CommandResult closed = run(verb, with_closed({0}));
    EXPECT_EQ(closed.exit_code, 2);
    EXPECT_EQ(closed.err, "gmdiff: standard input: cannot be read (Bad file descriptor)\n");
    EXPECT_EQ(run(verb, folder).err, "gmdiff: standard input: cannot be read (Is a directory)\n");
    EXPECT_EQ(take_result(), "");
  }
}

}  // namespace
}  // namespace gmdiff::test
