// Signals from outside: which end a run, which do not, and what they leave behind.

#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "command.hpp"

namespace gmdiff::test {
namespace {

/// A run that takes hours, on the device that hands over what is done in the smallest pieces.
class SignalsTest : public CommandTest {
 protected:
  static Arguments long_run() {
    return {"sample", "problem.json", "--sampler", "euler-maruyama", "--steps",   "100",    "--out",
            "x.npy",  "--count",      "20000000",  "--device",       "reference", "--quiet"};
  }

  /// Waits until the run has put its first particles into the temporary file.
  void wait_for_particles() const {
    for (int i = 0; i < 600; ++i) {
      for (const std::string& name : files()) {
        std::error_code gone;
        if (name.starts_with("x.npy.tmp-") && std::filesystem::file_size(folder() / name, gone) > 0 && !gone) return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    FAIL() << "nothing was written";
  }

  /// After the start, with time for some particles.
  static void wait_for_work() { std::this_thread::sleep_for(std::chrono::milliseconds(800)); }

  std::vector<std::string> before_ = files();
};

TEST_F(SignalsTest, EveryEndingSignalKeepsWhatIsFinished) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGXCPU}) {
    RunningCommand command(folder(), long_run());
    wait_for_work();
    command.signal(signal);

    const CommandResult result = command.wait();

    EXPECT_EQ(result.exit_code, 130) << signal;
    EXPECT_NE(result.err.find("completes it"), std::string::npos) << result.err;
    EXPECT_EQ(files(), (std::vector<std::string>{"prior.json", "problem.json", "x.npy.partial", "x.npy.partial.json"})) << signal;
    std::filesystem::remove(folder() / "x.npy.partial");
    std::filesystem::remove(folder() / "x.npy.partial.json");
  }
}

TEST_F(SignalsTest, OnesIgnoredAtTheStartStayIgnored) {
  for (const int ignored : {SIGHUP, SIGINT}) {
    RunningCommand command(folder(), long_run(), {.input = {}, .environment = {}, .terminal = false, .columns = 0, .prepare = [ignored] {
                                                    ::signal(ignored, SIG_IGN);
                                                  }});
    wait_for_work();
    command.signal(ignored);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_FALSE(exists("x.npy.partial")) << "the run ended by signal " << ignored;
    command.signal(SIGTERM);

    EXPECT_EQ(command.wait().exit_code, 130);
    EXPECT_TRUE(exists("x.npy.partial"));
    std::filesystem::remove(folder() / "x.npy.partial");
    std::filesystem::remove(folder() / "x.npy.partial.json");
  }
}

TEST_F(SignalsTest, NoOtherSignalMakesARunDeaf) {
  for (const int notice : {SIGUSR1, SIGUSR2}) {
    RunningCommand asked(folder(), long_run(), {.input = {}, .environment = {}, .terminal = false, .columns = 0, .prepare = [notice] {
                                                  ::signal(notice, SIG_IGN);
                                                }});
    wait_for_work();
    asked.signal(notice);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    asked.signal(SIGINT);
    EXPECT_EQ(asked.wait().exit_code, 130) << notice;
    std::filesystem::remove(folder() / "x.npy.partial");
    std::filesystem::remove(folder() / "x.npy.partial.json");

    RunningCommand by_default(folder(), long_run());
    wait_for_work();
    by_default.signal(notice);
    EXPECT_EQ(by_default.wait().exit_code, 128 + notice);
    for (const std::string& name : files()) {
      if (name.starts_with("x.npy")) std::filesystem::remove(folder() / name);
    }
  }
}

TEST_F(SignalsTest, ASecondOneEndsARunAtOnceWithoutATemporaryFile) {
  // One step of these particles takes longer than this test has patience.
  RunningCommand command(folder(), {"sample", "problem.json", "--sampler", "mcgdiff:particles=20000000", "--steps", "2000", "--out",
                                    "x.npy", "--count", "2", "--quiet", "--device", "reference"});
  for (int i = 0; i < 600 && files().size() == before_.size(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_GT(files().size(), before_.size()) << "no temporary file to be removed";
  command.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  command.signal(SIGINT);

  const CommandResult result = command.wait();

  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(result.err, "\ngmdiff: interrupted\n");
  EXPECT_EQ(files(), before_);
}

/// A limit on the size of files, of so many bytes.
Surroundings with_file_limit(rlim_t bytes) {
  return {.input = {}, .environment = {}, .terminal = false, .columns = 0, .prepare = [bytes] {
            const rlimit limit{bytes, bytes};
            setrlimit(RLIMIT_FSIZE, &limit);
          }};
}

TEST_F(SignalsTest, ALimitOnFileSizesIsAFailedWriteOfEveryVerb) {
  output({"draw", "prior.json", "--out", "a.npy", "--range", "0:4000"});
  output({"draw", "prior.json", "--out", "b.npy", "--range", "4000:8000"});
  const std::vector<std::string> before = files();
  const Arguments verbs[] = {
      {"draw", "prior.json", "--out", "o.npy", "--count", "50000"},
      {"sample", "prior.json", "--out", "o.npy", "--count", "50000"},
      {"forward", "prior.json", "--out", "o.npy", "--count", "50000"},
      {"sample", "problem.json", "--sampler", "mcgdiff:particles=500:output=particles", "--out", "o.npz", "--count", "20"},
      {"merge", "a.npy", "b.npy", "--out", "o.npy"},
      {"eval", "prior.json", "--points", "a.npy", "--out", "o.npz"},
      {"posterior", "problem.json", "--out", "o.json"},
      {"problem", "mcgdiff", "--dx", "80", "--dy", "4", "--out", "o.json"}};
  for (const Arguments& arguments : verbs) {
    const bool is_small = arguments.front() == "posterior";

    const CommandResult result = run(arguments, with_file_limit(is_small ? 100 : 8192));

    EXPECT_EQ(result.exit_code, 1) << arguments.front();
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find("File too large"), std::string::npos) << arguments.front() << ": " << result.err;
    EXPECT_EQ(files(), before) << arguments.front();
  }
}

}  // namespace
}  // namespace gmdiff::test
