// gmdiff plot: every kind, its bad inputs, and large files.

#include <cstdlib>
#include <fstream>

#include "command.hpp"
#include "study/results_file.hpp"

namespace gmdiff::test {
namespace {

class PlotTest : public CommandTest {
 protected:
  PlotTest() {
    const std::string line = R"({"prior": {"weights": [0.5, 0.5], "means": [[-1], [1]],
      "covariance": {"type": "spherical", "values": [0.1, 0.2]}}, "grid": {"type": "uniform", "steps": 10}})";
    write("line.json", line);
    write("target.json", R"({"target": {"type": "sin-gaussian"}, "sampler": {"type": "mala", "step": 1}})");
    write("range.json", R"({"prior": {"weights": [1], "means": [[0, 0]],
      "covariance": {"type": "spherical", "values": [1]}}, "observation": {"map": {"type": "range",
      "anchors": [[-1, 0]]}, "y": [1.5], "noise_std": 0.25}, "sampler": {"type": "mala", "step": 0.1}})");
    write("well.json", R"({"target": {"type": "many-well", "wells": 2, "dim": 2}})");
    write("walk.json", R"({"dynamics": {"drift": ["-x"], "noise": 1, "t_end": 1, "steps": 4}})");
  }

  /// Writes the results that the kinds need.
  void make_results() const {
    output({"sample", "problem.json", "--out", "x.npy", "--count", "200", "--quiet"});
    output({"sample", "line.json", "--out", "x1.npy", "--count", "200", "--quiet"});
    output({"sample", "problem.json", "--out", "paths.npy", "--count", "60", "--history", "11", "--quiet"});
    output({"forward", "line.json", "--out", "paths1.npy", "--count", "60", "--quiet"});
    output({"sample", "problem.json", "--out", "chains.npz", "--count", "5", "--sampler",
            "mcgdiff:particles=16:output=particles", "--quiet"});
    output({"sample", "problem.json", "--out", "draws.npy", "--count", "5", "--sampler",
            "bootstrap:particles=16", "--quiet"});
    output({"fokker-planck", "line.json", "--cells", "50", "--out", "density1.npz", "--quiet"});
    output({"fokker-planck", "problem.json", "--prior", "--cells", "30,30", "--times", "0,1", "--out",
            "density.npz", "--quiet"});
    output({"sample", "range.json", "--out", "xr.npy", "--count", "50", "--quiet"});
    output({"sample", "target.json", "--out", "xt.npy", "--count", "50", "--quiet"});
    output({"sample", "target.json", "--sampler", "mala:step=1:steps=40:output=trace", "--out", "trace.npy",
            "--count", "12", "--quiet"});
    output({"sample", "line.json", "--sampler", "mala:step=0.1:steps=40:output=trace", "--out", "trace1.npy",
            "--count", "3", "--quiet"});
    output({"forward", "walk.json", "--history", "5", "--out", "walk.npy", "--count", "6", "--quiet"});
    output({"train",
            "well.json",
            "--sampler",
            "dis:steps=4:components=3:refine_every=60:chains=8:moves=2",
            "--iterations",
            "200",
            "--batch",
            "16",
            "--hidden",
            "4",
            "--count",
            "2",
            "--out",
            "s.npz",
            "--log",
            "s.jsonl",
            "--checkpoint-every",
            "100",
            "--keep-checkpoints",
            "--quiet"});
    output({"train", "line.json", "--iterations", "200", "--batch", "16", "--hidden", "4", "--out", "d.npz",
            "--log", "d.jsonl", "--quiet"});
    write_records();
  }

  void write_records() const {
    const study::ResultsFile file(folder() / "results.jsonl");
    for (const char* const sampler : {"ddim", "draw"}) {
      ComparisonRecord record;
      record.problem = "problem.json";
      record.sampler = sampler;
      record.count = 100;
      record.plan_hash = "0123456789abcdef";
      record.version = "0.1.0";
      record.judgements = {{.quantity = "sw_1", .value = 0.1, .floor = 0.05, .ratio = 2.0}};
      record.evaluations = 10.0;
      file.append(record);
    }
  }

  void expect_refused(const Arguments& arguments, const std::string& message) const {
    Arguments all{"plot"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const CommandResult result = run(all);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos)
        << "message: " << result.err << "expected: " << message;
  }
};

/// One command line for every kind of picture and form of input.
const std::vector<Arguments> all_kinds{
    {"density", "problem.json"},
    {"density", "line.json", "--times", "0,0.5,1"},
    {"samples", "x.npy", "problem.json"},
    {"samples", "x.npy", "problem.json", "--prior", "--projection", "principal"},
    {"samples", "x.npy", "problem.json", "--projection", "random", "--seed", "3"},
    {"samples", "x.npy", "problem.json", "--coordinates", "1"},
    {"samples", "x1.npy", "line.json"},
    {"paths", "paths.npy", "problem.json", "--paths", "7"},
    {"paths", "paths1.npy", "line.json"},
    {"field", "problem.json", "--time", "0.3"},
    {"chain", "chains.npz"},
    {"chain", "chains.npz", "problem.json"},
    {"chain", "draws.npy", "problem.json", "--width", "400"},
    {"samples", "xt.npy", "target.json"},
    {"samples", "xr.npy", "range.json"},
    {"samples", "xr.npy", "range.json", "--prior", "--coordinates", "0"},
    {"paths", "walk.npy"},
    {"paths", "walk.npy", "walk.json", "--coordinates", "0"},
    {"paths", "walk.npy", "paths1.npy"},
    {"trace", "trace.npy"},
    {"trace", "trace.npy", "target.json"},
    {"trace", "trace1.npy", "line.json", "--coordinates", "0", "--prior"},
    {"evolution", "density1.npz", "--bound", "0.5"},
    {"evolution", "density1.npz"},
    {"evolution", "density.npz"},
    {"training", "s.jsonl"},
    {"training", "d.jsonl", "s.jsonl", "--width", "300"},
    {"sampler", "s-100.npz", "s.npz", "well.json"},
    {"compare", "results.jsonl"},
    {"compare", "results.jsonl", "--cost", "seconds", "--quantity", "sw_1"},
};

TEST_F(PlotTest, EveryKindIsAPictureWithTheSameBytesOnBothWays) {
  make_results();
  const bool can_lint = std::system("command -v xmllint >/dev/null 2>&1") == 0;
  for (const Arguments& kind : all_kinds) {
    Arguments arguments{"plot"};
    arguments.insert(arguments.end(), kind.begin(), kind.end());
    const std::string printed = output(arguments);
    EXPECT_TRUE(printed.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ")) << kind[0];
    EXPECT_TRUE(printed.ends_with("</svg>\n")) << kind[0];
    arguments.insert(arguments.end(), {"--out", "picture.svg", "--force"});
    EXPECT_EQ(output(arguments), "picture written to picture.svg\n");
    EXPECT_EQ(read("picture.svg"), printed);
    if (!can_lint) continue;
    const std::string lint = "xmllint --noout " + (folder() / "picture.svg").string();
    EXPECT_EQ(std::system(lint.c_str()), 0) << kind[0];
  }
}

TEST_F(PlotTest, JsonDescribesThePicture) {
  make_results();
  const Json printed = json({"plot", "paths", "paths.npy", "problem.json"});
  EXPECT_EQ(keys(printed), (std::vector<std::string>{"kind", "title", "width", "height", "notes", "warnings",
                                                     "file", "svg"}));
  EXPECT_EQ(printed["width"], 720.0);
  EXPECT_EQ(printed["file"], nullptr);
  EXPECT_EQ(printed["notes"], (Json{"40 of 60 paths, evenly spaced."}));
  const Json written =
      json({"plot", "paths", "paths.npy", "problem.json", "--out", "p.svg", "--width", "300"});
  EXPECT_EQ(written["file"], "p.svg");
  EXPECT_FALSE(written.contains("svg"));
}

TEST_F(PlotTest, ChainsRunAgainGiveTheWeightsOfTheRun) {
  make_results();
  const Json alone = json({"plot", "chain", "chains.npz"}),
             again = json({"plot", "chain", "chains.npz", "problem.json"});
  EXPECT_TRUE(alone["notes"].empty());
  EXPECT_EQ(again["notes"].size(), 1U);
  EXPECT_NE(std::string(again["notes"][0]).find("the first 5 chains"), std::string::npos);
}

TEST_F(PlotTest, BadUseHasItsOwnMessages) {
  make_results();
  expect_refused({"sample", "x.npy", "problem.json"}, "unknown picture \"sample\"");
  expect_refused({"samples", "x.npy"}, "plot samples: expected SAMPLES.npy PROBLEM, got 1 file");
  expect_refused({"density", "problem.json", "--time", "0.3"}, "--time does not belong to plot density");
  expect_refused({"chain", "chains.npz", "--prior"}, "--prior does not belong to plot chain");
  expect_refused({"density", "problem.json", "--times", "0", "--levels", "2"},
                 "--times and --levels exclude");
  expect_refused({"density", "problem.json", "--levels", "8"},
                 "--levels: expected a whole number from 1 to 7");
  expect_refused({"density", "problem.json", "--times", "0,x"}, "--times: expected a finite number, got x");
  expect_refused({"density", "problem.json", "--width", "10"},
                 "the width of a picture is 240 to 4000 pixels");
  expect_refused({"density", "problem.json", "--coordinates", "0,2"}, "the law has the coordinates 0 to 1");
  expect_refused({"density", "problem.json", "--coordinates", "0,1,0"}, "--coordinates: expected I or I,J");
  expect_refused({"density", "problem.json", "--coordinates", "1,1"}, "coordinate 1 is given twice");
  expect_refused({"density", "problem.json", "--projection", "pca"},
                 "--projection: expected principal or random");
  expect_refused({"density", "problem.json", "--seed", "1"}, "--seed belongs to --projection random");
  expect_refused({"density", "line.json", "--projection", "principal"}, "a plane needs a law of two or more");
  expect_refused({"density", "problem.json", "--projection", "random", "--coordinates", "0"},
                 "exclude each other");
  expect_refused({"field", "line.json"}, "a field needs two coordinates");
  expect_refused({"field", "problem.json", "--time", "0"}, "is not finite at t = 0");
  expect_refused({"paths", "paths.npy", "problem.json", "--paths", "0"}, "--paths: expected a whole number");
  expect_refused({"compare", "results.jsonl", "--cost", "money"}, "--cost: expected evaluations or seconds");
  expect_refused({"compare", "results.jsonl", "--quantity", "sw_2"}, "unknown quantity \"sw_2\"");
}

TEST_F(PlotTest, BadUseOfTracesPathsAndTargetsHasItsOwnMessages) {
  make_results();
  expect_refused({"samples", "xt.npy", "target.json", "--prior"},
                 "--prior: target.json has a target and no prior");
  expect_refused({"samples", "xt.npy", "target.json", "--coordinates", "0"},
                 "--coordinates: the law of target.json is no mixture; its picture shows all coordinates");
  expect_refused({"paths", "line.json"}, "plot paths: expected PATHS.npy... [PROBLEM]");
  expect_refused({"paths", "paths1.npy", "paths1.npy", "line.json"},
                 "the law of line.json is shown behind one run, got 2");
  expect_refused({"paths", "walk.npy", "--prior"}, "belong to paths over the law of a problem with a prior");
  expect_refused({"paths", "walk.npy", "paths.npy"}, "paths.npy: its states have dimension 2, expected 1");
  expect_refused({"trace", "trace.npy", "--coordinates", "0,1"}, "plot trace shows one coordinate, got 0,1");
  expect_refused({"trace", "trace.npy", "--coordinates", "1"},
                 "--coordinates: trace.npy has the coordinates 0 to 0, got 1");
  expect_refused({"trace", "trace.npy", "target.json", "--prior"}, "--prior: target.json has a target");
  write("heavy.json", R"({"target": {"type": "student-t-mixture", "components": 1, "dim": 1}})");
  expect_refused({"trace", "trace1.npy", "heavy.json"},
                 "target of heavy.json has no standard deviation to show beside the trace");
  expect_refused({"trace", "xt.npy"}, "expected a trace of shape (chains, draws, d), got (50, 1)");
  expect_refused({"evolution", "density1.npz", "--bound", "-1"}, "--bound must be positive, given -1");
  std::filesystem::remove(folder() / "trace.npy.json");
  expect_refused({"trace", "trace.npy"}, "trace.npy.json is missing");
}

TEST_F(PlotTest, WrongFilesHaveTheirOwnMessages) {
  make_results();
  write("text.npy", "no array");
  expect_refused({"samples", "text.npy", "problem.json"}, "text.npy: ");
  expect_refused({"samples", "missing.npy", "problem.json"}, "missing.npy: no such file");
  expect_refused({"samples", "x1.npy", "problem.json"}, "its points have dimension 1, those of the law 2");
  expect_refused({"samples", "paths.npy", "problem.json"}, "gmdiff plot paths shows kept levels");
  expect_refused({"paths", "x.npy", "problem.json"}, "expected paths of shape (n, M, d), got (200, 2)");
  expect_refused({"paths", "paths1.npy", "problem.json"}, "its states have dimension 1, those of the law 2");
  expect_refused({"chain", "x.npy"}, "its sidecar has no chains");
  expect_refused({"evolution", "chains.npz"}, "chains.npz: samples is not float64");
  expect_refused({"evolution", "x.npy"}, "x.npy");
  output({"eval", "problem.json", "--points", "x.npy", "--out", "values.npz"});
  expect_refused({"evolution", "values.npz"},
                 "values.npz: it has no array times; gmdiff fokker-planck --out writes it");
  expect_refused({"compare", "problem.json"}, "problem.json");
  std::filesystem::remove(folder() / "paths.npy.json");
  expect_refused({"paths", "paths.npy", "problem.json"}, "paths.npy.json is missing");
}

TEST_F(PlotTest, TrainingsThatWereCutAndResumedAreShown) {
  const std::string first = R"({"iteration":100,"loss":2.0,"lost_gradients":0})",
                    second = R"({"iteration":200,"loss":1.0,"lost_gradients":0})";
  write("whole.jsonl", first + "\n" + second + "\n");
  // Cut while a line was written, and continued from a checkpoint at 100 iterations.
  write("cut.jsonl", first + "\n" + second + "\n" + R"({"iteration":300,"lo)");
  write("resumed.jsonl",
        first + "\n" + R"({"iteration":200,"loss":"nan","lost_gradients":0})" + "\n" + second + "\n");
  const auto svg = [this](const std::string& file) {
    std::string text = output({"plot", "training", file});
    for (std::size_t at = 0; (at = text.find(file)) != std::string::npos;) text.erase(at, file.size());
    return text;
  };

  EXPECT_EQ(svg("cut.jsonl"), svg("whole.jsonl"));
  EXPECT_EQ(svg("resumed.jsonl"), svg("whole.jsonl"));
}

TEST_F(PlotTest, LogsSayWhereComponentsWereAdded) {
  const auto log_of = [](const std::string& components) {
    return R"({"iteration":100,"loss":2,"elbo":-2,"step":0.1,"components":1})"
           "\n"
           R"({"iteration":200,"loss":1,"elbo":-1,"step":0.1,"components":)" +
           components + "}\n";
  };
  write("same.jsonl", log_of("1"));
  write("more.jsonl", log_of("2"));

  EXPECT_EQ(output({"plot", "training", "same.jsonl"}).find("components added"), std::string::npos);
  EXPECT_NE(output({"plot", "training", "more.jsonl"}).find("components added"), std::string::npos);
}

TEST_F(PlotTest, BadTrainingsHaveTheirOwnMessages) {
  const std::string line = R"({"iteration":100,"loss":2.0})";
  write("empty.jsonl", "");
  expect_refused({"training", "empty.jsonl"},
                 "empty.jsonl: curves need two lines of iterations, got 0; "
                 "gmdiff train --log writes one every 100 iterations");
  write("one.jsonl", line + "\n" + R"({"iteration":200,"lo)");
  expect_refused({"training", "one.jsonl"}, "one.jsonl: curves need two lines of iterations, got 1");
  const auto second = [&](const std::string& text, const std::string& message) {
    write("bad.jsonl", line + "\n" + text + "\n");
    expect_refused({"training", "bad.jsonl"}, "bad.jsonl: line 2" + message);
  };
  second(R"({"iteration":200})", R"(: the key "loss" is missing)");
  second(R"({"iteration":200,"loss":null})", R"(: "loss": expected a number, given null)");
  second(R"({"iteration":0,"loss":1})", R"(: "iteration": expected 1 or more, given 0)");
  second(R"({"iteration":200,"loss":1,"elbo":1,"step":1})", R"(: the key "components" is missing)");
  second(R"({"iteration":200,"paths":9,"elbo":1,"ess":1})", R"(: the key "log_z" is missing)");
  second(R"({"iteration":200,"loss":)", ": ");
  second(R"({"loss":1})", R"( does not begin with {"iteration")");
  expect_refused({"training", "missing.jsonl"}, "missing.jsonl: cannot be read");
  expect_refused({"training", "line.json"}, "line.json: line 1 does not begin with");
  expect_refused({"training", "one.jsonl", "--time", "1"}, "--time does not belong to plot training");
}

TEST_F(PlotTest, SamplersOfOtherProblemsAreRefused) {
  const auto train = [this](const std::string& problem, const std::string& out) {
    output({"train", problem, "--iterations", "1", "--batch", "2", "--hidden", "2", "--sampler",
            "dis:steps=1:components=1", "--count", "2", "--out", out, "--quiet"});
  };
  train("well.json", "w.npz");
  expect_refused({"sampler", "w.npz"}, "plot sampler: expected MODEL.npz... PROBLEM, got 1 file");
  expect_refused({"sampler", "w.npz", "problem.json"},
                 "plot sampler: problem.json has no target; samplers are trained on targets");
  expect_refused({"sampler", "w.npz", "target.json"},
                 "plot sampler: the picture shows a plane; target of target.json has dimension 1");
  output({"problem", "banana", "--out", "banana.json"});
  expect_refused({"sampler", "w.npz", "banana.json"}, "w.npz: ");
  output({"problem", "funnel", "--out", "funnel.json"});
  expect_refused({"sampler", "w.npz", "funnel.json"}, "target of funnel.json has dimension 10");
  expect_refused({"sampler", "missing.npz", "well.json"}, "missing.npz: no such file");
}

TEST_F(PlotTest, RunsOfAnotherProblemAreRefused) {
  make_results();
  std::string other = read("line.json");
  other.insert(other.rfind('}'), R"(, "process": {"type": "edm", "T": 5})");
  write("edm.json", other);
  expect_refused({"paths", "paths1.npy", "edm.json"}, "it was made with another process than the problem's");
  std::string problem = read("problem.json");
  problem.replace(problem.find("1.5"), 3, "1.6");
  write("moved.json", problem);
  expect_refused({"chain", "chains.npz", "moved.json"}, "chains.npz is no run of moved.json");
  expect_refused({"chain", "chains.npz", "prior.json"}, "prior.json has no observation");
}

TEST_F(PlotTest, OutputsAreCheckedBeforeAnyWork) {
  make_results();
  write("picture.svg", "mine");
  expect_refused({"density", "problem.json", "--out", "picture.svg"}, "picture.svg");
  EXPECT_EQ(read("picture.svg"), "mine");
  expect_refused({"density", "problem.json", "--out", "no/picture.svg"}, "the folder no does not exist");
  expect_refused({"density", "problem.json", "--out", "problem.json", "--force"}, "is read here");
  expect_refused({"density", "missing.json", "--out", "new.svg"}, "missing.json");
  EXPECT_FALSE(exists("new.svg"));
}

TEST_F(PlotTest, SamplesOfAnySizeAreThinnedWhileTheyAreRead) {
  // 12 million points of zeros, as a sparse file: a valid header and nothing behind it.
  output({"draw", "problem.json", "--out", "big.npy", "--count", "1", "--quiet"});
  std::filesystem::remove(folder() / "big.npy.json");
  std::string header = read("big.npy").substr(0, 128);
  const std::string shape = "(1, 2)", large = "(12000000, 2)";
  header.replace(header.find(shape), shape.size(), large);
  header.erase(header.size() - 1 - (large.size() - shape.size()), large.size() - shape.size());  // padding
  write("big.npy", header);
  std::filesystem::resize_file(folder() / "big.npy", 128 + 12'000'000ULL * 2 * 4);
  const Json picture = json({"plot", "samples", "big.npy", "problem.json"});

  EXPECT_EQ(picture["notes"][0], "Dots: 2,000 of 12,000,000 points, evenly spaced.");
  EXPECT_EQ(picture["notes"][2], "Histograms of 100,000 of 12,000,000 points, evenly spaced.");
  EXPECT_LT(std::string(picture["svg"]).size(), 150'000U);
}

TEST_F(PlotTest, AReportIsOneFileWithTableAndPictures) {
  const Arguments flags{"--samplers", "ddim,draw,mcgdiff:particles=8", "--count", "50", "--report",
                        "report.html"};
  Arguments compare{"compare", "problem.json"};
  compare.insert(compare.end(), flags.begin(), flags.end());
  const std::string table = output(compare);
  const std::string html = read("report.html");
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>\n"));
  EXPECT_TRUE(html.ends_with("</html>\n"));
  EXPECT_LT(html.size(), 1'000'000U);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  std::size_t pictures = 0;
  for (std::size_t at = 0; (at = html.find("<svg xmlns", at)) != std::string::npos; ++at) ++pictures;
  EXPECT_EQ(pictures, 2U + 3U);  // distance over evaluations and over time, and the samples of each sampler
  for (const char* const sampler : {"ddim", "draw", "mcgdiff:particles=8"}) {
    EXPECT_NE(table.find(sampler), std::string::npos);
    EXPECT_NE(html.find("<tr><td>" + std::string(sampler) + "</td><td>1</td>"), std::string::npos) << sampler;
  }
  EXPECT_EQ(run(compare).exit_code, 2) << "an existing report is kept";
  compare.emplace_back("--force");
  EXPECT_EQ(run(compare).exit_code, 0);
  output({"compare", "line.json", "--samplers", "ddim,draw", "--count", "50", "--report", "line.html"});
  EXPECT_TRUE(exists("line.html"));
}

TEST_F(PlotTest, AReportIsCheckedBeforeTheComparison) {
  const auto refused = [&](const Arguments& more, const std::string& message) {
    Arguments arguments{"compare", "problem.json", "--samplers", "draw", "--count", "50", "--report"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  refused({"problem.json", "--force"}, "is read here");
  refused({"no/report.html"}, "the folder no does not exist");
  refused({"-"}, "--report: a report goes to a file, not to standard output");
}

TEST_F(PlotTest, AReportSaysHowManySamplersHaveNoPicture) {
  std::string samplers = "draw";
  for (const char* const eta : {"0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "0.95"})
    samplers += ",ddim:eta=" + std::string(eta);
  const auto report_of = [this](const std::string& names) {
    output({"compare", "line.json", "--samplers", names, "--count", "20", "--quiet", "--report",
            "report.html", "--force"});
    return read("report.html");
  };

  EXPECT_EQ(report_of(samplers).find("The first"), std::string::npos);  // 12 samplers
  EXPECT_NE(report_of(samplers + ",heun").find("The first 12 of 13 samplers."), std::string::npos);
}

TEST_F(PlotTest, AReportSaysWhyASamplerFailed) {
  // Without noise in the second problem the bootstrap filter has no plan.
  std::string exact = read("problem.json");
  exact.replace(exact.find("0.1}"), 4, "0}");
  write("exact.json", exact);
  const CommandResult result =
      run({"compare", "problem.json", "exact.json", "--samplers", "bootstrap:particles=8,draw", "--count",
           "50", "--report", "report.html"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(read("report.html").find("1 of 4 runs have no finite figure"), std::string::npos);
}

}  // namespace
}  // namespace gmdiff::test
