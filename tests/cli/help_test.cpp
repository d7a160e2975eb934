// --help of every verb has an example, and every example runs.

#include <algorithm>
#include <map>
#include <sstream>

#include "command.hpp"

namespace gmdiff::test {
namespace {

using HelpTest = CommandTest;

// The verbs in an order in which each example finds the files that it needs.
const std::vector<std::string> verbs{"problem",       "sample", "forward",  "diagnose", "posterior",
                                     "draw",          "eval",   "distance", "compare",  "merge",
                                     "fokker-planck", "train",  "plot",     "devices"};

/// The command lines after "Example:", without the program's name.
std::vector<Arguments> examples(const std::string& help) {
  std::vector<Arguments> found;
  std::istringstream text(help.substr(std::min(help.find("Example:"), help.size())));
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    Arguments arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    if (arguments.empty() || arguments.front() != "gmdiff") continue;
    arguments.erase(arguments.begin());
    found.push_back(arguments);
  }
  return found;
}

TEST_F(HelpTest, EveryExampleOfEveryVerbRuns) {
  std::filesystem::remove(folder() / "problem.json");
  for (const std::string& verb : verbs) {
    const std::string help = output({verb, "--help"});
    EXPECT_NE(help.find("--json"), std::string::npos) << help;
    EXPECT_FALSE(examples(help).empty()) << help;
    for (const Arguments& example : examples(help)) {
      EXPECT_EQ(example.front(), verb);
      const CommandResult result = run(example);
      EXPECT_EQ(result.exit_code, 0) << verb << ": " << result.err;
      EXPECT_NE(result.out, "");
    }
  }
}

TEST_F(HelpTest, TheCommandListsEveryVerbAndItsExampleRuns) {
  const std::string help = output({"--help"});

  for (const std::string& verb : verbs)
    EXPECT_NE(help.find("\n  " + verb + " "), std::string::npos) << verb << "\n" << help;
  ASSERT_EQ(examples(help).size(), 1U);
  EXPECT_NE(output(examples(help)[0]), "");
}

TEST_F(HelpTest, WithoutArgumentsTheUsageIsOnStandardError) {
  const CommandResult result = run({});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(result.err.starts_with("usage: gmdiff VERB")) << result.err;
  for (const std::string& verb : verbs) EXPECT_NE(result.err.find(verb), std::string::npos) << verb;
}

TEST_F(HelpTest, DevicesListsThoseThatAreNotThereWithTheReason) {
  const Json result = json({"devices"});

  ASSERT_GE(result["devices"].size(), 3U);
  std::map<std::string, Json> by_name;
  for (const Json& device : result["devices"]) {
    EXPECT_EQ(keys(device), (std::vector<std::string>{"name", "description", "available", "reason"}));
    EXPECT_EQ(device["available"].get<bool>(), device["reason"].get<std::string>().empty()) << device;
    by_name[device["name"]] = device;
  }
  EXPECT_EQ(by_name.at("reference")["available"], true);
  const std::string best = result["best"];
  EXPECT_EQ(by_name.at(best)["available"], true);
  EXPECT_NE(output({"devices"}).find("reference"), std::string::npos);
}

}  // namespace
}  // namespace gmdiff::test
