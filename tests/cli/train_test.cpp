// gmdiff train: files, parts of a training, the table, the log, bad input; samples by a learned denoiser.

#include <signal.h>

#include <chrono>
#include <cmath>
#include <sstream>
#include <thread>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/io/npy.hpp>

#include "train_verb.hpp"

namespace gmdiff::test {
namespace {

TEST_F(TrainVerb, JudgesWhatItLearned) {
  const Json found = json(small({"--out", "model.npz", "--log", "log.jsonl", "--parametrisation", "v"}));
  EXPECT_EQ(found["file"], "model.npz");
  EXPECT_EQ(found["parametrisation"], "v");
  EXPECT_EQ(found["iterations"], 120);
  ASSERT_EQ(found["levels"].size(), 5U);
  for (const Json& level : found["levels"]) {
    EXPECT_GT(level["floor"].get<double>(), 0.0);
    EXPECT_GT(level["excess"].get<double>(), 0.0);
  }
  std::vector<int> iterations;
  for (const Json& entry : log_lines()) {
    iterations.push_back(entry["iteration"]);
    EXPECT_TRUE(std::isfinite(entry["loss"].get<double>()));
  }
  EXPECT_EQ(iterations, (std::vector<int>{100, 120}));
  EXPECT_NE(output(small({"--out", "model.npz", "--force"})).find("excess/floor"), std::string::npos);
}

TEST_F(TrainVerb, ContinuesWithTheBitsOfOneRun) {
  output(small({"--out", "whole.npz", "--device", "cpu:2"}));
  // Nothing is left to do for a finished training.
  output({"train", "prior.json", "--resume", "whole.npz", "--out", "again.npz"});
  expect_same_files("again.npz", "whole.npz");
  output({"train", "prior.json", "--resume", "again.npz", "--out", "again.npz", "--force"});
  expect_same_files("again.npz", "whole.npz");
  output(small({"--out", "kept.npz", "--checkpoint-every", "50", "--device", "cpu:1"}));
  expect_same_files("kept.npz", "whole.npz");
}

TEST_F(TrainVerb, ASignalKeepsTheIterationsDone) {
  // Minutes of work; the first iterations take milliseconds.
  RunningCommand command(folder(), {"train", "prior.json", "--iterations", "1000000", "--batch", "64",
                                    "--hidden", "8", "--out", "part.npz", "--checkpoint-every", "10"});
  while (!exists("part.npz")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  command.signal(SIGINT);
  const CommandResult result = command.wait();
  EXPECT_EQ(result.exit_code, 130);
  const std::int64_t iteration = read_denoiser(folder() / "part.npz").iteration;
  EXPECT_GE(iteration, 10);
  EXPECT_LT(iteration, 1000000);
  EXPECT_NE(result.err.find("interrupted: part.npz holds iteration " + std::to_string(iteration) +
                            " of 1000000; --resume part.npz continues it"),
            std::string::npos)
      << result.err;
}

TEST_F(TrainVerb, LearnsFromRows) {
  output({"draw", "prior.json", "--count", "50", "--out", "rows.npy"});
  const Arguments short_training{"--iterations", "5", "--hidden", "4"};
  Arguments alone{"train", "--data", "rows.npy", "--out", "alone.npz"},
      judged{"train", "prior.json", "--data", "rows.npy", "--out", "j.npz"};
  alone.insert(alone.end(), short_training.begin(), short_training.end());
  judged.insert(judged.end(), short_training.begin(), short_training.end());
  EXPECT_FALSE(json(alone).contains("levels"));
  EXPECT_EQ(json(judged)["levels"].size(), 5U);
  expect_same_files("alone.npz", "j.npz");
}

TEST_F(TrainVerb, ADivergingLossKeepsTheLastCheckpoint) {
  const CommandResult result =
      run(small({"--out", "model.npz", "--rate", "1e30", "--checkpoint-every", "1"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("in iteration 2"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("model.npz holds iteration 1"), std::string::npos) << result.err;
  EXPECT_TRUE(exists("model.npz"));
}

TEST_F(TrainVerb, SamplesByTheLearnedDenoiser) {
  output(small({"--out", "model.npz"}));
  const Arguments sample{"sample",    "prior.json",          "--denoiser", "model.npz",
                         "--sampler", "ddim:start=gaussian", "--count",    "20"};
  Arguments first = sample, second = sample, other = sample;
  first.insert(first.end(), {"--out", "a.npy"});
  second.insert(second.end(), {"--out", "b.npy", "--device", "cpu:1"});
  const Json found = json(first);
  EXPECT_EQ(found["shape"], Json::array({20, 2}));
  EXPECT_NE(found["notes"].dump().find("the learned one of model.npz"), std::string::npos) << found;
  EXPECT_TRUE(read_points(folder() / "a.npy").allFinite());
  output(second);
  expect_same_files("a.npy", "b.npy");
  output(small({"--out", "other.npz", "--seed", "1"}));
  other[3] = "other.npz";
  other.insert(other.end(), {"--out", "c.npy"});
  EXPECT_NE(json(other)["plan_hash"], found["plan_hash"]);

  const auto refused = [&](const std::string& problem, const std::string& sampler, const std::string& text) {
    expect_refused({"sample", problem, "--denoiser", "model.npz", "--sampler", sampler, "--out", "d.npy"},
                   text);
  };
  refused("problem.json", "ddim:start=gaussian",
          "ddim would need the denoiser of the posterior, and that of problem.json takes the place of the "
          "prior's; expected a guided sampler, or the problem without its observation");
  refused("prior.json", "mala",
          "mala takes the law itself, and prior.json has a denoiser in place of the prior's; reverse-time, "
          "guided and SMC samplers evaluate one");
  refused("problem.json", "mcgdiff",
          "the exact start draws from a mixture; the sampler needs start = gaussian");
  refused("problem.json", "exact", "exact: needs the mixture of the prior");
  refused("prior.json", "ddim", "gaussian");
  output({"problem", "tutorial-1d", "--out", "line.json"});
  expect_refused({"sample", "line.json", "--prior", "--denoiser", "model.npz", "--sampler",
                  "ddim:start=gaussian", "--out", "d.npy"},
                 "--denoiser: model.npz: the denoiser has dimension 2, and the prior has 1");
  output({"problem", "course-range", "--out", "range.json"});
  refused("range.json", "bootstrap:start=gaussian:kernel=exact",
          "the exact kernel is the transition of a mixture; the sampler needs kernel = ddim");
  const Json chains = json({"sample", "range.json", "--denoiser", "model.npz", "--sampler",
                            "bootstrap:start=gaussian:particles=16", "--count", "4", "--out", "e.npy"});
  EXPECT_EQ(chains["shape"], Json::array({4, 2}));
  EXPECT_TRUE(chains["mean_log_evidence"].is_number()) << chains;
  output({"problem", "banana", "--out", "banana.json"});
  expect_refused({"sample", "banana.json", "--denoiser", "model.npz", "--out", "d.npy"},
                 "--denoiser: Markov chains take the law itself");
}

TEST_F(TrainVerb, ProblemsNameALearnedDenoiser) {
  output(small({"--out", "model.npz"}));
  const auto with_denoiser = [this](const std::string& problem, const std::string& file) {
    Json content = Json::parse(read(problem));
    content["denoiser"] = "model.npz";
    content.erase("sampler");
    write(file, content.dump());
  };
  with_denoiser("prior.json", "learned.json");
  with_denoiser("problem.json", "observed.json");
  const Json found = json({"sample", "learned.json", "--count", "20", "--out", "a.npy"});
  output({"sample", "prior.json", "--denoiser", "model.npz", "--sampler", "ddim:start=gaussian", "--count",
          "20", "--out", "b.npy"});
  expect_same_files("a.npy", "b.npy");
  EXPECT_NE(found["notes"].dump().find("the learned one of model.npz"), std::string::npos) << found;
  output({"sample", "observed.json", "--sampler", "pigdm", "--count", "20", "--out", "c.npy"});
  output({"sample", "problem.json", "--denoiser", "model.npz", "--sampler", "pigdm", "--count", "20", "--out",
          "d.npy"});
  expect_same_files("c.npy", "d.npy");
  for (const char* sampler : {"tmp", "bootstrap:start=gaussian:particles=16"}) {
    const Json by_file =
        json({"sample", "observed.json", "--sampler", sampler, "--count", "20", "--out", "c.npy", "--force"});
    output({"sample", "problem.json", "--denoiser", "model.npz", "--sampler", sampler, "--count", "20",
            "--out", "d.npy", "--force"});
    expect_same_files("c.npy", "d.npy");
    EXPECT_NE(by_file["notes"].dump().find("the learned one of model.npz"), std::string::npos) << by_file;
  }
  expect_refused({"sample", "observed.json", "--sampler", "pigdm", "--prior", "--out", "e.npy"}, "--prior: ");
  expect_refused(
      {"sample", "observed.json", "--sampler", "bootstrap:start=gaussian", "--prior", "--out", "e.npy"},
      "--prior: ");

  // The rows are judged against the exact laws.
  const Json rows = json({"compare", "learned.json", "--count", "100", "--repeats", "2"})["rows"];
  ASSERT_EQ(rows.size(), 4U) << rows;
  EXPECT_EQ(rows[0]["sampler"], "ancestral:start=gaussian");
  EXPECT_EQ(rows[3]["sampler"], "draw");
  const Json guided = json({"compare", "observed.json", "--count", "100", "--repeats", "2"})["rows"];
  ASSERT_EQ(guided.size(), 3U) << guided;
  EXPECT_EQ(guided[0]["sampler"], "pigdm");
  const std::string chains = "mcgdiff:particles=16:start=gaussian";
  const Json smc = json({"compare", "observed.json", "--count", "100", "--repeats", "2", "--samplers",
                         chains + ",tmp"})["rows"];
  ASSERT_EQ(smc.size(), 2U) << smc;
  EXPECT_EQ(smc[0]["sampler"], chains);
  EXPECT_TRUE(smc[0]["ess"].is_number()) << smc;
  expect_refused({"compare", "observed.json", "--samplers", "mcgdiff"},
                 "the exact start draws from a mixture; the sampler needs start = gaussian");
}

TEST_F(TrainVerb, ImportsAStateDictionary) {
  std::filesystem::copy_file(std::string(GMDIFF_TEST_DIR) + "/unit/data/state_dictionary.npz",
                             folder() / "torch.npz");
  const Arguments import{"train", "prior.json", "--import", "torch.npz", "--hidden", "5", "--layers", "3"};
  const auto with = [&](Arguments more) {
    Arguments all = import;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };

  const Json found = json(with({"--out", "model.npz", "--iterations", "3"}));
  EXPECT_EQ(found["iterations"], 0);
  EXPECT_EQ(found["mean"], (Json{0.5, -1.0}));
  EXPECT_EQ(found["scale"], 1.5);
  EXPECT_EQ(found["levels"].size(), 5U);
  EXPECT_FALSE(found.contains("loss"));
  EXPECT_EQ(read_denoiser(folder() / "model.npz").settings.iterations, 3);
  const std::string text = output({"train", "--import", "torch.npz", "--hidden", "5", "--layers", "3",
                                   "--out", "alone.npz", "--iterations", "3"});
  EXPECT_EQ(text, "alone.npz: edm, 202 parameters, iteration 0\n");
  expect_same_files("alone.npz", "model.npz");

  const auto refused = [&](const Arguments& more, const std::string& message) {
    Arguments all = with(more);
    all.insert(all.end(), {"--out", "n.npz"});
    expect_refused(all, message);
  };
  for (const char* const flag : {"--data", "--resume", "--log", "--checkpoint-every"})
    refused({flag, "1"},
            std::string(flag) + ": --import writes the denoiser of torch.npz without training it");
  refused({"--sampler", "dis"},
          "--import: it belongs to the training of a denoiser, and a sampler of prior.json is trained");
  expect_refused({"train", "prior.json", "--import", "torch.npz", "--out", "n.npz", "--layers", "3"},
                 "torch.npz: array phase: expected shape (128,), got (5,)");
  expect_refused(with({"--out", "torch.npz", "--force"}), "torch.npz");
  output({"problem", "tutorial-1d", "--out", "line.json"});
  expect_refused(
      {"train", "line.json", "--import", "torch.npz", "--hidden", "5", "--layers", "3", "--out", "n.npz"},
      "--import torch.npz: its mean has dimension 2, the prior of line.json has 1");
}

TEST_F(TrainVerb, KeepsCheckpoints) {
  output(small({"--out", "model.npz", "--checkpoint-every", "50", "--keep-checkpoints"}));
  EXPECT_EQ(read_denoiser(folder() / "model-50.npz").iteration, 50);
  expect_same_files("model-120.npz", "model.npz");

  expect_refused(small({"--out", "n.npz", "--keep-checkpoints"}),
                 "--keep-checkpoints keeps the files of --checkpoint-every K, which is not given");
  expect_refused(small({"--out", "model.npz", "--checkpoint-every", "50", "--keep-checkpoints"}),
                 "model.npz");
  std::filesystem::remove(folder() / "model.npz");
  expect_refused(small({"--out", "model.npz", "--checkpoint-every", "50", "--keep-checkpoints"}),
                 "model-50.npz");
  for (const char* const old : {"model-50.npz", "model-100.npz"}) std::filesystem::remove(folder() / old);
  expect_refused(small({"--out", "model.npz", "--checkpoint-every", "50", "--keep-checkpoints"}),
                 "model-120.npz");
  EXPECT_FALSE(exists("model.npz")) << "no iteration before the check";
}

TEST_F(TrainVerb, RefusesBadInput) {
  expect_refused({"train", "--out", "m.npz"}, "train: expected a PROBLEM or --data FILE");
  expect_refused(small({"--out", "m.npz", "--batch", "0"}), "--batch");
  expect_refused(small({"--out", "m.npz", "--parametrisation", "score"}),
                 "unknown parametrisation \"score\"");
  expect_refused(small({"--out", "m.npz", "--rate", "-1"}), "rate must be positive and finite, got -1");
  expect_refused({"train", "prior.json", "--out", "m.npz", "--device", "reference"},
                 "--device reference: a denoiser is trained on cpu or cpu:THREADS");
  expect_refused(small({"--out", "m.npz", "--checkpoint-every", "0"}), "--checkpoint-every");
  write("old.npz", "no archive");
  expect_refused({"train", "prior.json", "--out", "m.npz", "--resume", "old.npz"},
                 "old.npz: is not a zip archive that can be read");
  output(small({"--out", "m.npz"}));
  expect_refused(small({"--out", "m.npz"}), "m.npz");
  expect_refused({"train", "prior.json", "--out", "n.npz", "--resume", "m.npz", "--batch", "7"},
                 "--batch: --resume continues a training with the settings that m.npz holds");
  output({"problem", "tutorial-1d", "--out", "line.json"});
  expect_refused({"train", "line.json", "--out", "n.npz", "--resume", "m.npz"},
                 "the data have dimension 1, but the training began with dimension 2");
  output({"draw", "line.json", "--prior", "--count", "9", "--out", "rows.npy"});
  expect_refused({"train", "prior.json", "--out", "n.npz", "--data", "rows.npy"},
                 "its rows have dimension 1, the prior of prior.json has 2");
}

}  // namespace
}  // namespace gmdiff::test
