#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "command.hpp"

namespace gmdiff::test {

/// Trainings by the command.
class TrainVerb : public CommandTest {
 protected:
  /// The command line of a small training, with more flags.
  static Arguments small(Arguments more) {
    Arguments all{"train", "prior.json", "--iterations", "120", "--batch", "64", "--hidden", "8"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// The lines of the log.
  std::vector<Json> log_lines() const {
    std::istringstream log(read("log.jsonl"));
    std::vector<Json> lines;
    for (std::string line; std::getline(log, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  /// Without printing the bytes.
  void expect_same_files(const std::string& a, const std::string& b) const {
    EXPECT_TRUE(exists(a) && read(a) == read(b)) << a << " and " << b;
  }
  void expect_refused(const Arguments& arguments, const std::string& message) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
};

}  // namespace gmdiff::test
