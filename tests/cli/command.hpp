#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <gmdiff/io/problem_file.hpp>

// Runs the gmdiff command in a folder of its own.

namespace gmdiff::test {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

struct CommandResult {
  int exit_code;    ///< 128 + signal when a signal ended it
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

/// The environment in which a command starts, besides its arguments.
struct Surroundings {
  std::string input;                     ///< standard input
  std::vector<std::string> environment;  ///< NAME=VALUE added to this process's
  bool terminal = false;                 ///< standard error is a pseudo-terminal
  unsigned short columns = 0;            ///< width of the terminal; 0: not reported
  std::function<void()> prepare = {};    ///< called in the new process, before the command takes its place
};

/// A running command.
class RunningCommand {
 public:
  RunningCommand(const std::filesystem::path& folder, const Arguments& arguments,
                 const Surroundings& surroundings = {});
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;
  /// Kills the command unless it has been waited for.
  ~RunningCommand();

  void signal(int number) const;
  /// Reads the pseudo-terminal until `text` has appeared; false after `seconds`.
  bool see(const std::string& text, double seconds);
  CommandResult wait();

 private:
  void read_terminal(int timeout_ms);
  pid_t pid_ = -1;
  int terminal_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string seen_;
};

/// Every sampler of the catalogue that runs on a mixture of two components, with the numbers that it cannot
/// do without, and few steps.
inline std::vector<std::string> runnable_samplers() {
  std::vector<std::string> samplers = sampler_names();
  std::erase(samplers, "ou");
  std::erase(samplers, "myula");
  std::erase(samplers, "learned");
  for (std::string& sampler : samplers) {
    if (sampler == "annealed") sampler += ":inner=4";
    if (sampler == "ula" || sampler == "baoab" || sampler == "obabo") sampler += ":step=0.1:steps=20";
  }
  return samplers;
}

/// A temporary folder with small problem files:
///   prior.json    2-D, two components, no observation, 10 steps
///   problem.json  the same with an observation
class CommandTest : public ::testing::Test {
 protected:
  CommandTest();
  ~CommandTest() override;

  /// Runs the command in the folder.
  CommandResult run(const Arguments& arguments, const Surroundings& surroundings = {}) const;
  /// Standard output of a command that succeeds.
  std::string output(const Arguments& arguments, const Surroundings& surroundings = {}) const;
  /// Runs the command with the additional flag `--json` and returns the object that it prints.
  Json json(Arguments arguments, const Surroundings& surroundings = {}) const;

  const std::filesystem::path& folder() const { return folder_; }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  /// Reads a JSON file of the folder.
  Json read_json(const std::string& name) const { return Json::parse(read(name)); }
  /// Names of all files, sorted.
  std::vector<std::string> files() const;

 private:
  std::filesystem::path folder_;
};

/// The prior of the small problems, as JSON.
extern const char* const small_prior;

/// Keys of a JSON object, in order.
std::vector<std::string> keys(const Json& object);

}  // namespace gmdiff::test
