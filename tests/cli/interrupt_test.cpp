// Interrupted runs, and the progress bar.

#include <signal.h>

#include <chrono>
#include <regex>
#include <thread>

#include <gmdiff/io/npy.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class InterruptTest : public CommandTest {
 protected:
  /// A run on the device with the smallest batches, so that even a slow build finishes some.
  static Arguments sample(std::int64_t count) {
    return {"sample", "problem.json", "--sampler", "euler-maruyama",      "--steps",  "100",
            "--out",  "x.npy",        "--count",   std::to_string(count), "--device", "reference"};
  }

  /// Interrupts a run after some of its particles; `count` becomes large enough for that to be possible.
  CommandResult interrupt(int signal, std::int64_t& count) const {
    std::chrono::milliseconds pause(400);
    for (;;) {
      RunningCommand command(folder(), sample(count));
      std::this_thread::sleep_for(pause);
      command.signal(signal);
      CommandResult result = command.wait();
      if (exists("x.npy.partial")) {
        EXPECT_EQ(result.exit_code, 130);
        return result;
      }
      if (result.exit_code == 0) {
        count *= 2;  // the run had already ended
        std::filesystem::remove(folder() / "x.npy");
        std::filesystem::remove(folder() / "x.npy.json");
      } else {
        EXPECT_GE(result.exit_code, 128) << result.err;
        pause *= 2;  // no batch was finished yet
      }
    }
  }

  /// A run that would take hours.
  static Arguments long_run(const std::string& out) {
    return {"sample", "problem.json", "--steps", "20000", "--out", out, "--count", "20000000"};
  }
};

TEST_F(InterruptTest, FinishedParticlesStandAndTheNamedRangeCompletesThem) {
  std::int64_t count = 20000;

  const CommandResult result = interrupt(SIGINT, count);

  EXPECT_EQ(result.out, "");
  EXPECT_EQ(files(),
            (std::vector<std::string>{"prior.json", "problem.json", "x.npy.partial", "x.npy.partial.json"}));
  const Json sidecar = read_json("x.npy.partial.json");
  const std::int64_t done = NpyReader(folder() / "x.npy.partial").shape()[0];
  EXPECT_GT(done, 0);
  EXPECT_LT(done, count);
  EXPECT_EQ(sidecar["complete"], false);
  EXPECT_EQ(sidecar["range"], Json::array({0, done}));
  const std::string range = std::to_string(done) + ":" + std::to_string(count);
  EXPECT_NE(result.err.find("gmdiff: interrupted: " + std::to_string(done) + " of " + std::to_string(count) +
                            " particles are in x.npy.partial; --range " + range + " completes it"),
            std::string::npos)
      << result.err;

  Arguments rest = sample(count);
  rest[7] = "rest.npy";
  rest[8] = "--range";
  rest[9] = range;
  output(rest);
  output({"merge", "x.npy.partial", "rest.npy", "--out", "merged.npy"});
  Arguments whole = sample(count);
  whole.emplace_back("--force");
  output(whole);
  EXPECT_EQ(read("merged.npy"), read("x.npy"));
  Json merged_sidecar = read_json("merged.npy.json");
  Json whole_sidecar = read_json("x.npy.json");
  merged_sidecar.erase("seconds");
  whole_sidecar.erase("seconds");
  EXPECT_EQ(merged_sidecar, whole_sidecar);
}

TEST_F(InterruptTest, TerminationKeepsFinishedParticlesToo) {
  std::int64_t count = 20000;

  const CommandResult result = interrupt(SIGTERM, count);

  EXPECT_EQ(read_json("x.npy.partial.json")["complete"], false);
  EXPECT_NE(result.err.find("completes it"), std::string::npos) << result.err;
}

TEST_F(InterruptTest, ARunThatFinishedNothingLeavesNothing) {
  const std::vector<std::string> before = files();
  RunningCommand command(
      folder(), {"sample", "problem.json", "--steps", "1000000", "--out", "x.npy", "--count", "100000"});
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));

  command.signal(SIGINT);
  const CommandResult result = command.wait();

  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("interrupted"), std::string::npos) << result.err;
  EXPECT_EQ(files(), before);
}

TEST_F(InterruptTest, AnEarlierPartialFileIsNotOverwrittenUnasked) {
  write("x.npy.partial", "kept");

  const CommandResult result = run(sample(5));

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("x.npy.partial exists and holds a part of an interrupted run"), std::string::npos)
      << result.err;
  EXPECT_EQ(read("x.npy.partial"), "kept");
}

TEST_F(InterruptTest, WorkThatLeavesNothingEndsAtOnce) {
  RunningCommand command(
      folder(), {"distance", "prior.json", "problem.json", "--metric", "energy", "--count", "1000000"});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));

  command.signal(SIGINT);
  const CommandResult result = command.wait();

  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(result.out, "");
}

TEST_F(InterruptTest, ATerminalSeesAProgressBarThatGoesAway) {
  RunningCommand command(folder(), long_run("x.npy"), {.input = {}, .environment = {}, .terminal = true});

  EXPECT_TRUE(command.see("sample [", 20.0));
  EXPECT_TRUE(command.see(" %  ", 20.0));
  command.signal(SIGINT);
  const CommandResult result = command.wait();

  EXPECT_EQ(result.exit_code, 130);
  EXPECT_NE(result.err.rfind("\r\033[K"), std::string::npos);
  EXPECT_LT(result.err.rfind("sample ["), result.err.rfind("\r\033[K")) << "the bar is removed in the end";
}

TEST_F(InterruptTest, WorkOfUnknownLengthShowsTheTimePassed) {
  RunningCommand command(
      folder(), {"distance", "prior.json", "problem.json", "--metric", "energy", "--count", "1000000"},
      {.input = {}, .environment = {}, .terminal = true});

  EXPECT_TRUE(command.see("distance  1 s", 20.0));
}

/// The lines that were drawn and removed again on a terminal.
std::vector<std::string> drawn_lines(const std::string& text) {
  std::vector<std::string> lines;
  const std::string begin = "\r\033[K";
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    lines.push_back(text.substr(at, std::min(text.find('\r', at), text.size()) - at));
  }
  return lines;
}

TEST_F(InterruptTest, TheProgressLineFitsTheTerminal) {
  // The length of the remaining time's text depends on the machine.
  const std::pair<unsigned short, const char*> terminals[] = {{1, ""},
                                                              {4, "([0-9]+ %)?"},
                                                              {12, "[0-9]+ %(  .+)?"},
                                                              {22, "(sample  )?[0-9]+ %(  .+)?"},
                                                              {36, "sample \\[[#.]+\\] [0-9]+ %  .+"},
                                                              {200, "sample \\[[#.]+\\] [0-9]+ %  .+"}};
  for (const auto& [columns, form] : terminals) {
    RunningCommand command(folder(), long_run(std::to_string(columns) + ".npy"),
                           {.input = {}, .environment = {}, .terminal = true, .columns = columns});
    EXPECT_TRUE(command.see(columns > 4 ? " %" : "\r\033[K", 20.0)) << columns;
    command.signal(SIGINT);

    const std::vector<std::string> lines = drawn_lines(command.wait().err);

    ASSERT_GE(lines.size(), 2U) << columns;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      EXPECT_LT(lines[i].size(), columns) << lines[i];
      EXPECT_TRUE(std::regex_match(lines[i], std::regex(form))) << columns << ": " << lines[i];
    }
  }
}

TEST_F(InterruptTest, NoProgressBarWithoutATerminalOrWithQuiet) {
  RunningCommand piped(folder(), long_run("x.npy"));
  Arguments arguments = long_run("y.npy");
  arguments.emplace_back("--quiet");
  RunningCommand quiet(folder(), arguments, {.input = {}, .environment = {}, .terminal = true});

  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  piped.signal(SIGINT);
  quiet.signal(SIGINT);

  EXPECT_TRUE(piped.wait().err.starts_with("gmdiff: interrupted"));
  EXPECT_TRUE(quiet.wait().err.starts_with("gmdiff: interrupted"));
}

}  // namespace
}  // namespace gmdiff::test
