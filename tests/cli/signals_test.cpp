// External signals: those that end a run, those that do not, and the files that they leave behind.

#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <thread>

#include "command.hpp"

namespace gmdiff::test {
namespace {

/// A run that would take hours, on the device with the smallest batches.
class SignalsTest : public CommandTest {
 protected:
  static Arguments long_run() {
    return {"sample", "problem.json", "--sampler", "euler-maruyama", "--steps",   "100",    "--out",
            "x.npy",  "--count",      "20000000",  "--device",       "reference", "--quiet"};
  }

  /// Ends the run by the signals that `signals` sends after some of its particles. Starts it again, with more
  /// time, until it has finished some.
  CommandResult end_with(const std::function<void(const RunningCommand&)>& signals,
                         const std::function<void()>& prepare = {}) const {
    for (std::chrono::milliseconds pause(400);; pause *= 2) {
      RunningCommand command(
          folder(), long_run(),
          {.input = {}, .environment = {}, .terminal = false, .columns = 0, .prepare = prepare});
      std::this_thread::sleep_for(pause);
      signals(command);
      CommandResult result = command.wait();
      if (exists("x.npy.partial") || pause > std::chrono::seconds(20)) return result;
    }
  }

  /// Returns the names of the files that a run left, and removes them.
  std::vector<std::string> take_remains() const {
    std::vector<std::string> names;
    for (const std::string& name : files()) {
      if (!name.starts_with("x.npy")) continue;
      names.push_back(name);
      std::filesystem::remove(folder() / name);
    }
    return names;
  }

  std::vector<std::string> before_ = files();
};

const std::vector<std::string> partial{"x.npy.partial", "x.npy.partial.json"};

TEST_F(SignalsTest, EveryEndingSignalKeepsWhatIsFinished) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGXCPU}) {
    const CommandResult result =
        end_with([signal](const RunningCommand& command) { command.signal(signal); });

    EXPECT_EQ(result.exit_code, 130) << signal;
    EXPECT_NE(result.err.find("completes it"), std::string::npos) << result.err;
    EXPECT_EQ(take_remains(), partial) << signal;
  }
}

TEST_F(SignalsTest, OnesIgnoredAtTheStartStayIgnored) {
  for (const int ignored : {SIGHUP, SIGINT}) {
    const auto send = [&](const RunningCommand& command) {
      command.signal(ignored);
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      EXPECT_FALSE(exists("x.npy.partial")) << "the run ended by signal " << ignored;
      command.signal(SIGTERM);
    };

    const CommandResult result = end_with(send, [ignored] { ::signal(ignored, SIG_IGN); });

    EXPECT_EQ(result.exit_code, 130);
    EXPECT_EQ(take_remains(), partial);
  }
}

TEST_F(SignalsTest, NoOtherSignalMakesARunDeaf) {
  for (const int notice : {SIGUSR1, SIGUSR2}) {
    const auto send = [notice](const RunningCommand& command) {
      command.signal(notice);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      command.signal(SIGINT);
    };

    EXPECT_EQ(end_with(send, [notice] { ::signal(notice, SIG_IGN); }).exit_code, 130) << notice;
    EXPECT_EQ(take_remains(), partial);

    RunningCommand by_default(folder(), long_run());
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    by_default.signal(notice);
    EXPECT_EQ(by_default.wait().exit_code, 128 + notice);
    take_remains();
  }
}

TEST_F(SignalsTest, ASecondOneEndsARunAtOnceWithoutATemporaryFile) {
  // One step of these particles takes longer than the test waits.
  RunningCommand command(
      folder(), {"sample", "problem.json", "--sampler", "mcgdiff:particles=2000000", "--steps", "2000",
                 "--out", "x.npy", "--count", "2", "--quiet", "--device", "reference"});
  for (int i = 0; i < 600 && files().size() == before_.size(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_GT(files().size(), before_.size()) << "no temporary file to be removed";
  command.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  command.signal(SIGINT);

  const CommandResult result = command.wait();

  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(result.err, "\ngmdiff: interrupted\n");
  EXPECT_EQ(files(), before_);
}

/// Limits the size of files to `bytes`.
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
  const Arguments verbs[] = {{"draw", "prior.json", "--out", "o.npy", "--count", "50000"},
                             {"sample", "prior.json", "--out", "o.npy", "--count", "50000"},
                             {"forward", "prior.json", "--out", "o.npy", "--count", "50000"},
                             {"sample", "problem.json", "--sampler", "mcgdiff:particles=500:output=particles",
                              "--out", "o.npz", "--count", "20"},
                             {"merge", "a.npy", "b.npy", "--out", "o.npy"},
                             {"eval", "prior.json", "--points", "a.npy", "--out", "o.npz"},
                             {"posterior", "problem.json", "--out", "o.json"},
                             {"problem", "mcgdiff", "--dx", "80", "--dy", "4", "--out", "o.json"}};
  for (const Arguments& arguments : verbs) {
    const bool is_small = arguments.front() == "posterior";

    const CommandResult result = run(arguments, with_file_limit(is_small ? 100 : 8192));

    EXPECT_EQ(result.exit_code, 1) << arguments.front();
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find("File too large"), std::string::npos)
        << arguments.front() << ": " << result.err;
    EXPECT_EQ(files(), before) << arguments.front();
  }
}

}  // namespace
}  // namespace gmdiff::test
