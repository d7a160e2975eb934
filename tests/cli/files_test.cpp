// Files that the command reads and writes: sidecars match their data, inputs are not overwritten, two runs
// with one output name.

#include <gmdiff/io/npy.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "command.hpp"

namespace gmdiff::test {
namespace {

namespace fs = std::filesystem;

class FilesTest : public CommandTest {
 protected:
  void draw(const std::string& out, const Arguments& more = {}) const {
    Arguments arguments{"draw", "problem.json", "--quiet", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    output(arguments);
  }

  void expect_refused(const Arguments& arguments, const std::string& message) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }

  /// Waits until a file has appeared whose name begins with `start`.
  std::string wait_for(const std::string& start) const {
    for (int i = 0; i < 20'000; ++i) {
      for (const std::string& name : files()) {
        if (name.starts_with(start)) return name;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << start << " has not appeared";
    return {};
  }

  mode_t mode_of(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat((folder() / name).c_str(), &status), 0) << name;
    return status.st_mode & 0777;
  }

  /// A run that would take hours.
  const Arguments long_run{"sample", "problem.json", "--steps", "20000",
                           "--out",  "x.npy",        "--count", "20000000"};
};

// ----- provenance

using ProvenanceTest = FilesTest;

TEST_F(ProvenanceTest, MergeRefusesASidecarOfOtherData) {
  draw("a.npy", {"--range", "0:5"});
  draw("b.npy", {"--range", "5:9"});
  draw("c.npy", {"--range", "5:9", "--seed", "1"});
  fs::copy_file(folder() / "c.npy", folder() / "b.npy", fs::copy_options::overwrite_existing);

  expect_refused({"merge", "a.npy", "b.npy", "--out", "x.npy"},
                 "b.npy.json does not belong to b.npy: the values have the checksum ");
  EXPECT_FALSE(exists("x.npy"));
  Json sidecar = read_json("b.npy.json");
  sidecar["checksums"] = read_json("c.npy.json")["checksums"];
  write("b.npy.json", sidecar.dump());
  output({"merge", "a.npy", "b.npy", "--out", "x.npy"});

  for (const auto& [value, message] : std::vector<std::pair<Json, std::string>>{
           {nullptr, "b.npy.json: checksums: expected an array of checksums"},
           {{"12"}, "b.npy.json: checksums: expected checksums of 16 hexadecimal digits"},
           {{3}, "b.npy.json: checksums: expected checksums of 16 hexadecimal digits"},
           {Json::array(), "b.npy: it holds 1 arrays, its sidecar names 0 checksums"}}) {
    sidecar["checksums"] = value;
    write("b.npy.json", sidecar.dump());
    expect_refused({"merge", "a.npy", "b.npy", "--out", "y.npy"}, message);
  }
}

TEST_F(ProvenanceTest, MergeRefusesAnArchiveOfOtherData) {
  const auto sample = [&](const std::string& name, const std::string& range, const std::string& seed) {
    output({"sample", "problem.json", "--sampler", "mcgdiff:particles=8:output=particles", "--out", name,
            "--range", range, "--seed", seed});
  };
  sample("a.npz", "0:2", "0");
  sample("b.npz", "2:4", "0");
  sample("c.npz", "2:4", "1");
  EXPECT_EQ(read_json("a.npz.json")["checksums"].size(), 3U);
  EXPECT_EQ(match_sidecar(folder() / "a.npz"), SidecarMatch::matches);
  output({"merge", "a.npz", "b.npz", "--out", "x.npz"});
  EXPECT_EQ(match_sidecar(folder() / "x.npz"), SidecarMatch::matches);

  fs::rename(folder() / "c.npz", folder() / "b.npz");

  EXPECT_EQ(match_sidecar(folder() / "b.npz"), SidecarMatch::differs);
  expect_refused({"merge", "a.npz", "b.npz", "--out", "y.npz"}, "b.npz.json does not belong to b.npz");
}

TEST_F(ProvenanceTest, OtherReadersWarnOfASidecarOfOtherData) {
  draw("a.npy");
  draw("b.npy", {"--seed", "1"});
  const Arguments readers[] = {{"distance", "a.npy", "prior.json"},
                               {"distance", "prior.json", "a.npy"},
                               {"eval", "prior.json", "--points", "a.npy"},
                               {"sample", "problem.json", "--start", "a.npy", "--out", "x.npy", "--force"}};
  for (const Arguments& reader : readers) EXPECT_EQ(json(reader)["warnings"], Json::array()) << reader[0];

  fs::rename(folder() / "b.npy", folder() / "a.npy");

  const std::string warning = "a.npy.json is the provenance of other data than a.npy holds now";
  for (const Arguments& reader : readers) {
    EXPECT_EQ(json(reader)["warnings"], Json::array({warning})) << reader[0];
    EXPECT_NE(run(reader).err.find("gmdiff: warning: " + warning + "\n"), std::string::npos) << reader[0];
  }
  EXPECT_EQ(read_json("x.npy.json")["warnings"], Json::array({warning}));
  fs::remove(folder() / "a.npy.json");
  for (const Arguments& reader : readers) EXPECT_EQ(json(reader)["warnings"], Json::array()) << reader[0];
}

TEST_F(ProvenanceTest, VerbsWithoutASidecarRemoveThatOfFormerData) {
  const Arguments writers[] = {{"eval", "prior.json", "--points", "points.npy", "--out", "x.npy"},
                               {"posterior", "problem.json", "--out", "x.npy"},
                               {"problem", "bench-2d", "--out", "x.npy"}};
  draw("points.npy");
  for (Arguments writer : writers) {
    SCOPED_TRACE(writer[0]);
    draw("x.npy", {"--force"});
    fs::remove(folder() / "x.npy");
    expect_refused(writer, "x.npy.json exists, the provenance of other data; --force removes it");
    EXPECT_TRUE(exists("x.npy.json"));

    writer.emplace_back("--force");
    output(writer);
    EXPECT_TRUE(exists("x.npy"));
    EXPECT_FALSE(exists("x.npy.json"));

    write("x.npy.json", "mine");
    output(writer);
    EXPECT_EQ(read("x.npy.json"), "mine");
    fs::remove(folder() / "x.npy.json");
  }
}

TEST_F(ProvenanceTest, LinksAreFollowedForDataAndSidecar) {
  fs::create_directory(folder() / "store");
  draw("store/real.npy", {"--range", "0:5"});
  draw("rest.npy", {"--range", "5:9", "--seed", "7"});
  fs::create_symlink("store/real.npy", folder() / "link.npy");
  fs::create_symlink("link.npy", folder() / "link2.npy");
  fs::copy_file(folder() / "store/real.npy.json", folder() / "link2.npy.json");

  const Json result =
      json({"draw", "problem.json", "--range", "0:5", "--seed", "7", "--out", "link2.npy", "--force"});

  EXPECT_EQ(result["file"], "link2.npy");
  EXPECT_EQ(read_json("store/real.npy.json")["seed"], 7);
  EXPECT_FALSE(exists("link2.npy.json"));
  EXPECT_TRUE(fs::is_symlink(folder() / "link.npy"));
  for (const char* name : {"store/real.npy", "link.npy", "link2.npy"}) {
    EXPECT_EQ(match_sidecar(folder() / name), SidecarMatch::matches);
    output({"merge", name, "rest.npy", "--out", "merged.npy", "--force"});
  }
  expect_refused({"draw", "problem.json", "--out", "link.npy"}, "link.npy exists; --force overwrites it");
}

TEST_F(ProvenanceTest, LinksToNothingAreRefused) {
  fs::create_symlink("gone.npy", folder() / "link.npy");
  fs::create_symlink("gone.json", folder() / "y.npy.json");
  for (const Arguments& verb : {Arguments{"draw", "problem.json"}, Arguments{"posterior", "problem.json"},
                                Arguments{"problem", "bench-2d"}}) {
    Arguments arguments = verb;
    arguments.insert(arguments.end(), {"--out", "link.npy", "--force"});
    expect_refused(arguments,
                   "link.npy: is a link to gone.npy, which cannot be followed (No such file or directory)");
  }
  expect_refused({"draw", "problem.json", "--out", "y.npy", "--force"},
                 "y.npy.json: is a link to gone.json, which cannot be followed");
  EXPECT_FALSE(exists("y.npy"));
}

TEST_F(ProvenanceTest, DataAndSidecarAreTwoFiles) {
  draw("x.npy");
  const std::string before = read("x.npy");
  fs::remove(folder() / "x.npy.json");
  fs::create_symlink("x.npy", folder() / "x.npy.json");

  expect_refused({"draw", "problem.json", "--out", "x.npy", "--force"},
                 "cannot write x.npy: x.npy.json is the same file");

  EXPECT_EQ(read("x.npy"), before);
}

// ----- inputs

struct Overwriting {
  const char* name;
  Arguments arguments;  ///< arguments in which --out is an input
  std::string message;
};

void PrintTo(const Overwriting& given, std::ostream* out) { *out << given.name; }

class InputTest : public FilesTest, public ::testing::WithParamInterface<Overwriting> {
 protected:
  InputTest() {
    draw("a.npy", {"--range", "0:5"});
    draw("b.npy", {"--range", "5:9"});
    write_points(folder() / "means.npy", Points{{0.0, 0.0}, {2.0, 2.0}});
    const std::string prior =
        R"({"prior": {"weights": [0.6, 0.4], "means": "means.npy", "covariance": {"type": "spherical", "values": [1, 1]}},
                                  "observation": {"A": [[1, 0]], "y": [1.5], "noise_std": 0.1}})";
    for (const char* name : {"named.json", "x.npy.json", "y.npy.partial", "z.npy.partial.json"})
      write(name, prior);
    fs::create_symlink("named.json", folder() / "link.json");
    fs::create_hard_link(folder() / "named.json", folder() / "hard.json");
    fs::create_symlink(folder(), folder() / "here");
  }

  std::vector<std::string> contents() const {
    std::vector<std::string> result;
    for (const std::string& name : files()) {
      if (name != "here") result.push_back(name + "\n" + read(name));
    }
    return result;
  }
};

TEST_P(InputTest, IsNotOverwrittenEvenByForce) {
  const std::vector<std::string> before = contents();
  Arguments arguments = GetParam().arguments;
  arguments.emplace_back("--force");

  expect_refused(arguments, GetParam().message);

  EXPECT_EQ(contents(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Each, InputTest,
    ::testing::Values(Overwriting{"Problem",
                                  {"draw", "named.json", "--out", "named.json"},
                                  "cannot write named.json: it is read here, and no --force"},
                      Overwriting{"ProblemByLink",
                                  {"sample", "named.json", "--out", "link.json"},
                                  "cannot write link.json: it is named.json, which is read"},
                      Overwriting{"ProblemBehindLink",
                                  {"forward", "link.json", "--out", "named.json"},
                                  "cannot write named.json: it is link.json, which is"},
                      Overwriting{"ProblemByHardLink",
                                  {"draw", "named.json", "--out", "hard.json"},
                                  "cannot write hard.json: it is named.json, which is"},
                      Overwriting{"ProblemByFolder",
                                  {"draw", "named.json", "--out", "here/named.json"},
                                  "cannot write here/named.json: it is named.json"},
                      Overwriting{"ProblemAsSidecar",
                                  {"draw", "x.npy.json", "--out", "x.npy"},
                                  "cannot write x.npy.json: it is read here"},
                      Overwriting{"ProblemAsPartial",
                                  {"draw", "y.npy.partial", "--out", "y.npy"},
                                  "cannot write y.npy.partial: it is read here"},
                      Overwriting{"ProblemAsSidecarOfPartial",
                                  {"draw", "z.npy.partial.json", "--out", "z.npy"},
                                  "cannot write z.npy.partial.json: it is"},
                      Overwriting{"ArrayOfTheProblem",
                                  {"draw", "named.json", "--out", "means.npy"},
                                  "cannot write means.npy: it is read here"},
                      Overwriting{"ArrayByFolder",
                                  {"draw", "here/named.json", "--out", "means.npy"},
                                  "cannot write means.npy: it is here/means.npy"},
                      Overwriting{"Start",
                                  {"sample", "named.json", "--start", "a.npy", "--out", "a.npy"},
                                  "cannot write a.npy: it is read here"},
                      Overwriting{"SidecarOfStart",
                                  {"sample", "named.json", "--start", "a.npy", "--out", "a.npy.json"},
                                  "cannot write a.npy.json: it is"},
                      Overwriting{"StartOfForward",
                                  {"forward", "named.json", "--start", "a.npy", "--out", "here/a.npy"},
                                  "it is a.npy, which is read here"},
                      Overwriting{"Points",
                                  {"eval", "named.json", "--points", "a.npy", "--out", "a.npy"},
                                  "cannot write a.npy: it is read here"},
                      Overwriting{"SidecarOfPoints",
                                  {"eval", "named.json", "--points", "a.npy", "--out", "a.npy.json"},
                                  "cannot write a.npy.json: it is"},
                      Overwriting{"ProblemOfEval",
                                  {"eval", "named.json", "--points", "a.npy", "--out", "named.json"},
                                  "cannot write named.json: it is"},
                      Overwriting{"ArrayOfEval",
                                  {"eval", "named.json", "--points", "a.npy", "--out", "means.npy"},
                                  "cannot write means.npy: it is"},
                      Overwriting{"ProblemOfPosterior",
                                  {"posterior", "named.json", "--out", "hard.json"},
                                  "cannot write hard.json: it is named.json"},
                      Overwriting{"ArrayOfPosterior",
                                  {"posterior", "named.json", "--out", "means.npy"},
                                  "cannot write means.npy: it is read here"},
                      Overwriting{"Part",
                                  {"merge", "a.npy", "b.npy", "--out", "b.npy"},
                                  "cannot write b.npy: it is read here"},
                      Overwriting{"SidecarOfPart",
                                  {"merge", "a.npy", "b.npy", "--out", "a.npy.json"},
                                  "cannot write a.npy.json: it is read here"}),
    [](const auto& info) { return info.param.name; });

TEST_F(FilesTest, StandardInputFromAFileIsNotOverwritten) {
  fs::copy_file(folder() / "problem.json", folder() / "x.npy.json");
  const std::string shell =
      "cd " + folder().string() + " && " + GMDIFF_COMMAND + " draw - --out x.npy --force < x.npy.json 2> err";

  const int status = std::system(shell.c_str());

  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_EQ(read("err"),
            "gmdiff: cannot write x.npy.json: it is standard input, which is read here, and no --force "
            "overwrites an input\n");
  EXPECT_EQ(read("x.npy.json"), read("problem.json"));
}

TEST_F(FilesTest, StandardInputBehindANulByteIsNotIgnored) {
  const std::string problem = read("problem.json");
  const CommandResult result =
      run({"posterior", "-"}, {.input = problem + std::string(1, '\0') + problem, .environment = {}});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err.find("gmdiff: standard input: not valid JSON: a NUL byte at line "), 0U) << result.err;
}

TEST_F(FilesTest, TheSidecarOfAPartialFileIsNotOverwrittenUnasked) {
  write("x.npy.partial.json", "mine");

  expect_refused({"draw", "problem.json", "--out", "x.npy"},
                 "x.npy.partial.json exists; --force overwrites it");
}

// ----- permissions

TEST_F(FilesTest, ForceKeepsThePermissionsOfWhatItReplaces) {
  draw("points.npy");
  const Arguments writers[] = {
      {"sample", "problem.json", "--sampler", "mcgdiff:particles=8:output=particles", "--count", "2"},
      {"eval", "prior.json", "--points", "points.npy"},
      {"posterior", "problem.json"},
      {"problem", "bench-2d"}};
  for (const mode_t mode : {0600U, 0640U, 0444U}) {
    for (Arguments writer : writers) {
      SCOPED_TRACE(writer[0]);
      write("x.npz", "old");
      ::chmod((folder() / "x.npz").c_str(), mode);
      writer.insert(writer.end(), {"--out", "x.npz", "--force", "--quiet"});
      output(writer);

      EXPECT_NE(read("x.npz"), "old");
      EXPECT_EQ(mode_of("x.npz"), mode);
      const bool is_run = writer[0] == "draw" || writer[0] == "sample";
      EXPECT_EQ(exists("x.npz.json"), is_run);
      EXPECT_EQ(is_run ? mode_of("x.npz.json") : mode, mode);
      fs::remove(folder() / "x.npz");
      fs::remove(folder() / "x.npz.json");
    }
  }
}

// ----- two runs of one name

TEST_F(FilesTest, OfTwoRunsOfOneNameTheSecondIsRefused) {
  fs::create_symlink(folder(), folder() / "here");
  const std::vector<std::string> before = files();
  RunningCommand first(folder(), long_run);
  wait_for("x.npy.tmp-");

  for (const char* name : {"x.npy", "here/x.npy"}) {
    expect_refused({"draw", "problem.json", "--out", name},
                   "x.npy: another run is writing it, into x.npy.tmp-");
    expect_refused({"posterior", "problem.json", "--out", name},
                   "x.npy: another run is writing it, into x.npy.tmp-");
  }
  draw("other.npy");
  draw("x.npy", {"--force"});
  EXPECT_EQ(match_sidecar(folder() / "x.npy"), SidecarMatch::matches);
  for (const char* name : {"x.npy", "x.npy.json", "other.npy", "other.npy.json"}) fs::remove(folder() / name);
  first.signal(SIGINT);

  EXPECT_EQ(first.wait().exit_code, 130);
  EXPECT_EQ(files(), before);
}

TEST_F(FilesTest, ARunWhoseNameWasTakenMeanwhileKeepsItsWork) {
  RunningCommand command(folder(), {"sample", "problem.json", "--steps", "3000", "--device", "reference",
                                    "--count", "500", "--out", "x.npy"});
  const std::string kept = wait_for("x.npy.tmp-");
  write("x.npy", "mine");

  const CommandResult result = command.wait();

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("x.npy: exists already; what was written is kept as "), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find(kept + "\n"), std::string::npos) << result.err;
  EXPECT_EQ(read("x.npy"), "mine");
  EXPECT_FALSE(exists("x.npy.json"));
  EXPECT_EQ(NpyReader(folder() / kept).shape(), (std::vector<std::int64_t>{500, 2}));
  EXPECT_EQ(match_sidecar(folder() / kept), SidecarMatch::matches);
}

TEST_F(FilesTest, RunsThatReplaceEachOtherLeaveDataAndSidecarOfOne) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::unique_ptr<RunningCommand>> commands;
    for (const char* seed : {"1", "2", "3"}) {
      commands.push_back(std::make_unique<RunningCommand>(
          folder(),
          Arguments{"draw", "problem.json", "--seed", seed, "--count", "50", "--out", "x.npy", "--force"}));
    }
    for (const auto& command : commands) {
      const CommandResult result = command->wait();
      EXPECT_EQ(result.exit_code, 0) << result.err;
    }
    EXPECT_EQ(match_sidecar(folder() / "x.npy"), SidecarMatch::matches);
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"prior.json", "problem.json", "x.npy", "x.npy.json"}));
}

}  // namespace
}  // namespace gmdiff::test
