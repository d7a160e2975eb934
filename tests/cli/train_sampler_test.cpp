// gmdiff train: samplers of targets, priors and posteriors; the sampler "learned" of the other verbs.

#include <algorithm>
#include <cmath>
#include <limits>
#include <stop_token>
#include <string>
#include <vector>

#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/metrics/path_weights.hpp>

#include "io/npz.hpp"
#include "train_verb.hpp"

namespace gmdiff::test {
namespace {

class TrainTargetVerb : public TrainVerb {
 protected:
  void SetUp() override {
    TrainVerb::SetUp();
    output({"problem", "funnel", "--out", "funnel.json"});
  }
  /// The values of a float64 array of an archive.
  std::vector<double> float64_array(const std::string& file, const std::string& name) const {
    io::NpzReader reader(folder() / file);
    const auto found = std::ranges::find(reader.arrays(), name, &io::NpzEntry::name);
    std::vector<double> values(static_cast<std::size_t>(found->bytes()) / sizeof(double));
    reader.open(static_cast<std::size_t>(found - reader.arrays().begin()));
    reader.read_bytes({reinterpret_cast<char*>(values.data()), values.size() * sizeof(double)});
    return values;
  }
  static Arguments small_sampler(Arguments more) {
    Arguments all{"train",        "funnel.json",
                  "--sampler",    "dis:components=2:steps=4:means_std=1",
                  "--batch",      "70",
                  "--iterations", "12",
                  "--hidden",     "8"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(TrainTargetVerb, JudgesTheSamplerAndWritesDraws) {
  const Json found =
      json(small_sampler({"--out", "s.npz", "--count", "500", "--draws", "x.npz", "--log", "log.jsonl"}));
  EXPECT_EQ(found["method"], "dis");
  EXPECT_EQ(found["target"], "funnel");
  EXPECT_EQ(found["iterations"], 12);
  EXPECT_EQ(found["paths"], 500);
  EXPECT_EQ(found["log_z"], 0.0);
  EXPECT_LT(found["forward"]["elbo"].get<double>(), 0.0);
  EXPECT_GT(found["backward"]["eubo"].get<double>(), 0.0);
  const Json line = log_lines().at(0);
  EXPECT_EQ(line["iteration"], 12);
  EXPECT_EQ(line["loss"].get<double>() > 0.0, true);
  EXPECT_GT(line["step"].get<double>(), 0.0);

  const Target target = Funnel{};
  const SamplerTraining training = read_sampler(folder() / "s.npz");
  const WeightedDraws draws = TrainedSampler(training, target).draws(500, training.settings.seed);
  io::NpzReader reader(folder() / "x.npz");
  ASSERT_EQ(reader.arrays().size(), 2U);
  EXPECT_EQ(reader.arrays()[0], (io::NpzEntry{"x", {500, 10}, Precision::f64}));
  std::vector<double> weights(500);
  EXPECT_EQ(reader.arrays()[1].name, "log_weights");
  reader.open(1);
  reader.read_bytes({reinterpret_cast<char*>(weights.data()), weights.size() * sizeof(double)});
  EXPECT_EQ(Eigen::VectorXd::Map(weights.data(), 500), draws.log_weights);
  EXPECT_NEAR(found["forward"]["elbo"].get<double>(), draws.log_weights.mean(), 1e-9);
  const std::string table = output(small_sampler({"--out", "t.npz", "--count", "100"}));
  for (const char* row : {"ELBO", "log Z backward", "ESS/n", "log Z exact"})
    EXPECT_NE(table.find(row), std::string::npos) << table;
}

TEST_F(TrainTargetVerb, ContinuesWithTheBitsOfOneRun) {
  output(small_sampler({"--out", "whole.npz", "--count", "2", "--device", "cpu:2"}));
  output(
      small_sampler({"--out", "kept.npz", "--count", "2", "--checkpoint-every", "5", "--device", "cpu:1"}));
  expect_same_files("kept.npz", "whole.npz");
  SamplerTrainingOptions options{.threads = 1, .checkpoint_every = 5};
  const SamplerTraining whole = read_sampler(folder() / "whole.npz");
  std::stop_source stop;
  options.stop = stop.get_token();
  options.checkpoint = [&](const SamplerTraining& part) {
    write_sampler(folder() / "part.npz", part);
    stop.request_stop();
  };
  train_sampler(Funnel{}, whole.settings, options);
  output({"train", "funnel.json", "--resume", "part.npz", "--out", "end.npz", "--count", "2"});
  expect_same_files("end.npz", "whole.npz");
}

TEST_F(TrainTargetVerb, AddsComponentsWhileItTrains) {
  const auto refined = [](Arguments more) {
    Arguments all = small_sampler(std::move(more));
    all[3] =
        "dis:components=3:steps=4:refine_every=5:refine_score=ratio:chains=20:first_moves=4:moves=2:support_"
        "std=3";
    return all;
  };
  output(refined({"--out", "whole.npz", "--count", "2", "--log", "log.jsonl"}));
  EXPECT_EQ(log_lines().at(0)["components"], 3);
  const SamplerTraining whole = read_sampler(folder() / "whole.npz");
  EXPECT_EQ(whole.active, 3);
  EXPECT_EQ(whole.settings.refine_every, 5);
  EXPECT_EQ(whole.settings.refine_score, RefinementScore::ratio);
  EXPECT_EQ(whole.settings.first_moves, 4);
  EXPECT_EQ(whole.settings.moves, 2);
  EXPECT_EQ(whole.settings.support_std, 3.0);
  EXPECT_EQ(whole.chains.rows(), 20);
  std::stop_source stop;
  SamplerTrainingOptions options{.threads = 1, .checkpoint_every = 5, .stop = stop.get_token()};
  options.checkpoint = [&](const SamplerTraining& part) {
    write_sampler(folder() / "part.npz", part, true);
    stop.request_stop();
  };
  train_sampler(Funnel{}, whole.settings, options);
  output({"train", "funnel.json", "--resume", "part.npz", "--out", "end.npz", "--count", "2"});
  expect_same_files("end.npz", "whole.npz");
}

TEST_F(TrainTargetVerb, CheckpointsAreJudgedInTheLog) {
  output(
      small_sampler({"--out", "s.npz", "--checkpoint-every", "6", "--log", "log.jsonl", "--count", "2000"}));
  const std::vector<Json> lines = log_lines();
  ASSERT_EQ(lines.size(), 3U);  // iteration 6, the iterations up to 12, iteration 12
  EXPECT_EQ(lines[0]["iteration"], 6);
  EXPECT_EQ(lines[2]["iteration"], 12);
  EXPECT_EQ(keys(lines[2]), (std::vector<std::string>{"iteration", "paths", "elbo", "log_z", "ess", "eubo",
                                                      "log_z_backward", "ess_backward"}));
  // The paths of `draws` with the same seed.
  const TrainedSampler sampler(read_sampler(folder() / "s.npz"), Funnel{});
  const Eigen::VectorXd log_weights = sampler.draws(2000, 0).log_weights;
  EXPECT_EQ(lines[2]["elbo"].get<double>(), forward_summary(log_weights).bound);
}

TEST_F(TrainTargetVerb, APathThatDivergesKeepsTheIterationBefore) {
  const CommandResult result =
      run(small_sampler({"--out", "s.npz", "--rate", "1e200", "--checkpoint-every", "9"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("in iteration 2 on path 0; a smaller step or lower rates may help"),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("s.npz holds iteration 1"), std::string::npos) << result.err;
  EXPECT_EQ(read_sampler(folder() / "s.npz").iteration, 1);
}

TEST_F(TrainTargetVerb, RefusesBadInput) {
  const auto sampler = [&](const std::string& text, const std::string& message) {
    expect_refused({"train", "funnel.json", "--out", "m.npz", "--sampler", text}, message);
  };
  sampler("euler", "unknown method \"euler\"");
  sampler("dis:", "expected key=value after ':'");
  sampler("dis:colour=3", "unknown key \"colour\"");
  sampler("dis:prior=none", "prior");
  sampler("dis:loss=log", "trajectory-balance");
  sampler("dis:steps=2.5", "steps");
  sampler("dis:steps=0", "steps must be in 1 ... 1048576, got 0");
  sampler("dis:learn_prior=2", "learn_prior");
  sampler("dis:init_std=-1", "init_std must be positive and finite, got -1");
  sampler("dis:refine_score=best", "residual");
  sampler("dis:refine_every=1.5", "refine_every");
  sampler("dis:support_std=3", "belong to a refinement; give refine_every");
  sampler("dis:refine_every=20:prior=gp", "refine_every needs the prior gmp, got gp");
  sampler("dis:drift=zero", "the drift zero belongs to the method dbs, got dis");
  expect_refused(small_sampler({"--out", "m.npz", "--data", "x.npy"}),
                 "--data: it belongs to the training of a denoiser, and a sampler of funnel.json is trained");
  expect_refused(
      small_sampler({"--out", "m.npz", "--import", "torch.npz"}),
      "--import: it belongs to the training of a denoiser, and a sampler of funnel.json is trained");
  expect_refused(small_sampler({"--out", "m.npz", "--draws", "x.npy"}), "give a name that ends in .npz");
  expect_refused(small_sampler({"--out", "m.npz", "--draws", "m.npz"}),
                 "--draws and --out have the same file m.npz");
  expect_refused(small_sampler({"--out", "m.npz", "--draws", "./m.npz", "--force"}),
                 "--draws and --out have the same file m.npz");
  expect_refused(small_sampler({"--out", "m.npz", "--log", "./m.npz"}),
                 "--log and --out have the same file m.npz");
  expect_refused(small_sampler({"--out", "m.npz", "--count", "1"}), "--count");
  for (const std::string device : {"reference", "cuda:0,1"})
    expect_refused(small_sampler({"--out", "m.npz", "--device", device}),
                   "--device " + device + ": a sampler is trained on cpu, cpu:THREADS or one GPU");
  expect_refused(small_sampler({"--out", "m.npz", "--device", "cuda:99"}), "device cuda:99: ");
  EXPECT_FALSE(exists("m.npz")) << "no iteration before the checks";
  expect_refused(
      small({"--out", "m.npz", "--count", "9"}),
      "--count: it belongs to the training of a sampler, which needs a problem with a target, or with "
      "a prior and --sampler or a \"sampler\" that is trained");
  output(small_sampler({"--out", "m.npz", "--count", "2"}));
  expect_refused({"train", "funnel.json", "--out", "n.npz", "--resume", "m.npz", "--sampler", "dis"},
                 "--sampler: --resume continues a training with the settings that m.npz holds");
  output({"problem", "many-well", "--out", "well.json"});
  expect_refused({"train", "well.json", "--out", "n.npz", "--resume", "m.npz"}, "the target has dimension");
  expect_refused({"train", "prior.json", "--out", "n.npz", "--resume", "m.npz"},
                 "the target has dimension 2, but the training began with dimension 10");
}

TEST_F(TrainTargetVerb, SamplesLikeAnyOtherSampler) {
  output(small_sampler({"--out", "m.npz", "--count", "2"}));
  const auto sample = [&](Arguments more) {
    Arguments all{"sample", "funnel.json", "--sampler", "learned:model=m.npz", "--seed", "3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Json whole = json(sample({"--out", "whole.npz", "--count", "200", "--device", "cpu:2"}));
  EXPECT_EQ(whole["law"], "target");
  EXPECT_EQ(whole["shape"], Json::array({200, 10}));
  output(sample({"--out", "a.npz", "--range", "0:70", "--device", "cpu:1"}));
  output(sample({"--out", "b.npz", "--range", "70:200", "--device", "cpu:2"}));
  output({"merge", "b.npz", "a.npz", "--out", "merged.npz"});
  expect_same_files("merged.npz", "whole.npz");
  const auto sidecar = [this](const std::string& file) {
    Json content = Json::parse(read(file));
    for (const char* key : {"seconds", "device", "problem"}) content.erase(key);
    return content;
  };
  EXPECT_EQ(sidecar("merged.npz.json"), sidecar("whole.npz.json"));

  const Json part = Json::parse(read("a.npz.json"));
  const auto refused_part = [&](const Json& weights, const std::string& message) {
    Json other = part;
    other["weights"] = weights;
    write("a.npz.json", other.dump());
    expect_refused({"merge", "a.npz", "b.npz", "--out", "wrong.npz"}, message);
  };
  refused_part("none", "a.npz: the weights in its sidecar are no summary of paths");
  refused_part({{"elbo", 1.0}}, "a.npz: the weights in its sidecar are no summary of paths");
  refused_part(nullptr,
               "a.npz: it does not hold the arrays samples, log_weights and log_evidence of its sidecar");
  output({"sample", "prior.json", "--count", "9", "--out", "x.npy"});
  Json of_array = Json::parse(read("x.npy.json"));
  of_array["weights"] = part["weights"];
  write("x.npy.json", of_array.dump());
  expect_refused({"merge", "x.npy", "b.npz", "--out", "wrong.npz"},
                 "x.npy: it does not hold the arrays samples and log_weights of its sidecar");

  // The draws of the library, with the estimates from all weights.
  const SamplerTraining training = read_sampler(folder() / "m.npz");
  const WeightedDraws draws = TrainedSampler(training, Funnel{}).draws(200, 3);
  EXPECT_EQ(float64_array("whole.npz", "log_weights"),
            (std::vector<double>{draws.log_weights.begin(), draws.log_weights.end()}));
  const PathSummary summary = forward_summary(draws.log_weights);
  EXPECT_EQ(whole["weights"]["log_z"].get<double>(), summary.log_z);
  EXPECT_EQ(whole["weights"]["elbo"].get<double>(), summary.bound);
  EXPECT_EQ(whole["weights"]["ess_error"].get<double>(), summary.ess_error);

  // A problem file names the sampler by a path in its own folder.
  Json problem = Json::parse(read("funnel.json"));
  problem["sampler"] = {{"type", "learned"}, {"model", "m.npz"}};
  write("learned.json", problem.dump());
  output({"sample", "learned.json", "--out", "named.npz", "--count", "200", "--seed", "3"});
  expect_same_files("named.npz", "whole.npz");
  EXPECT_EQ(json(sample({"--out", "h.npz", "--count", "20", "--history", "3"}))["times"],
            Json::array({1.0, 0.5, 0.0}));

  const Json rows = json({"compare", "funnel.json", "--samplers", "learned:model=m.npz,mala,draw", "--count",
                          "100", "--repeats", "2"})["rows"];
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["sampler"], "learned:model=m.npz");
  EXPECT_FALSE(rows[0]["log_evidence_error"].is_null());
  EXPECT_FALSE(rows[0]["ess"].is_null());
  EXPECT_TRUE(rows[1]["ess"].is_null());

  const auto refused = [&](const Arguments& more, const std::string& message) {
    expect_refused(sample(more), message);
  };
  refused({"--out", "x.npy"},
          "--out x.npy: a trained sampler writes samples and log_weights into an archive");
  refused({"--out", "x.npz", "--steps", "3"}, "--steps: a trained sampler has the steps of its training");
  refused({"--out", "x.npz", "--start", "s.npy"}, "--start: a trained sampler draws its first states");
  refused({"--out", "x.npz", "--history", "9"}, "--history");
  refused({"--out", "x.npz", "--first-step", "9"},
          "--first-step continues Markov chains, and learned is none");
  refused({"--out", "x.npz", "--denoiser", "m.npz"}, "--denoiser: a trained sampler has networks of its own");
  refused({"--out", "m.npz", "--force"}, "m.npz");  // it would overwrite its own model
  output({"problem", "banana", "--out", "banana.json"});
  expect_refused({"sample", "banana.json", "--sampler", "learned:model=m.npz", "--out", "x.npz"},
                 "--sampler: m.npz: the sampler has dimension 10, and the law has 2");
  output(small({"--out", "d.npz"}));
  expect_refused({"sample", "funnel.json", "--sampler", "learned:model=d.npz", "--out", "x.npz"},
                 "--sampler: d.npz: has no array target, so it is not a training of a sampler");
  expect_refused({"sample", "funnel.json", "--sampler", "learned:model=none.npz", "--out", "x.npz"},
                 "none.npz: no such file");
  expect_refused({"compare", "funnel.json", "--samplers", "learned:model=d.npz"},
                 "d.npz: has no array target, so it is not a training of a sampler");
}

TEST_F(TrainTargetVerb, TrainsOnPriorsAndPosteriors) {
  const Arguments flags{"--batch", "64", "--iterations", "6", "--hidden", "8", "--count", "300"};
  const auto train = [&](const std::string& problem, const std::string& out, Arguments more) {
    Arguments all{"train", problem, "--out", out};
    all.insert(all.end(), flags.begin(), flags.end());
    all.insert(all.end(), more.begin(), more.end());
    return json(all);
  };
  const std::string sampler = "cmcd:components=2:steps=4:means_std=1:step=0.05";
  const Json of_prior = train("prior.json", "prior.npz", {"--sampler", sampler});
  EXPECT_EQ(of_prior["law"], "prior");
  EXPECT_EQ(of_prior["log_z"], 0.0);
  EXPECT_EQ(of_prior["backward"].is_null(), false);
  const Json of_posterior = train("problem.json", "posterior.npz", {"--sampler", sampler});
  EXPECT_EQ(of_posterior["law"], "posterior");
  const double evidence = json({"posterior", "problem.json"})["log_evidence"];
  EXPECT_EQ(of_posterior["log_z"].get<double>(), evidence);
  // ELBO <= log Z <= EUBO, whatever was learned.
  for (const Json& found : {of_prior, of_posterior}) {
    EXPECT_LT(found["forward"]["elbo"].get<double>(), found["log_z"].get<double>());
    EXPECT_GT(found["backward"]["eubo"].get<double>(), found["log_z"].get<double>());
  }
  // A problem file may hold the sampler to train.
  Json problem = Json::parse(read("problem.json"));
  problem["sampler"] = {{"type", "cmcd"}, {"components", 2}, {"steps", 4}, {"means_std", 1}, {"step", 0.05}};
  write("described.json", problem.dump());
  train("described.json", "described.npz", {});
  expect_same_files("described.npz", "posterior.npz");
  expect_refused({"sample", "described.json", "--out", "x.npz"},
                 "described.json: the sampler cmcd is to be trained by the verb train; then --sampler "
                 "learned:model=FILE samples");
  output({"problem", "course-range", "--out", "range.json"});
  EXPECT_EQ(train("range.json", "range.npz", {"--sampler", "dis:components=2:steps=4"})["law"], "posterior");
  EXPECT_EQ(json({"sample", "range.json", "--sampler", "learned:model=range.npz", "--count", "9", "--out",
                  "r.npz"})["shape"],
            Json::array({9, 2}));
  // A finished training of a sampler is recognised.
  output({"train", "problem.json", "--resume", "posterior.npz", "--out", "again.npz", "--count", "2"});
  expect_same_files("again.npz", "posterior.npz");

  // distance reads what sample writes, as compare does.
  output({"sample", "problem.json", "--sampler", "learned:model=posterior.npz", "--count", "200", "--out",
          "p.npz"});
  const Json rows = json({"compare", "problem.json", "--samplers",
                          "learned:model=posterior.npz,learned:model=posterior.npz:reweight=true", "--count",
                          "200"})["rows"];
  const auto value = [&](Arguments more) {
    more.insert(more.begin(), {"distance", "p.npz", "problem.json"});
    return json(more)["rows"][0]["value"].get<double>();
  };
  EXPECT_NEAR(value({}), rows[0]["value"].get<double>(), 1e-12);
  EXPECT_NEAR(value({"--weights"}), rows[1]["value"].get<double>(), 1e-9);
  EXPECT_GT(std::abs(value({}) - value({"--weights"})), 1e-6);
  expect_refused({"distance", "p.npz", "problem.json", "--weights", "--metric", "energy"},
                 "judge: energy_distance of a mixture takes no weights of points");
  expect_refused(
      {"distance", "posterior.npz", "problem.json"},
      "posterior.npz: expected the points and weights of a trained sampler, the arrays samples (n, d) "
      "and log_weights (n)");
  expect_refused({"distance", "p.npz", "p.npz", "--weights"},
                 "--weights: between two .npy files there is no law");
  output({"draw", "problem.json", "--count", "9", "--out", "draws.npy"});
  expect_refused({"distance", "draws.npy", "problem.json", "--weights"},
                 "--weights: neither draws.npy nor problem.json is an archive of a trained sampler");
  const std::vector<double> points{1.0, 2.0, 3.0, 4.0}, none(2, -std::numeric_limits<double>::infinity());
  io::write_npz(folder() / "zero.npz", {{"samples", {2, 2}, points}, {"log_weights", {2}, none}}, false);
  expect_refused({"distance", "zero.npz", "problem.json"},
                 "zero.npz: log_weights: expected numbers below infinity, at least one of them finite");

  const auto sample = [](const Arguments& more) {
    Arguments all{"sample", "problem.json", "--sampler", "learned:model=posterior.npz", "--count", "20"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  EXPECT_EQ(json(sample({"--out", "x.npz"}))["law"], "posterior");
  expect_refused(sample({"--out", "y.npz", "--prior"}),
                 "posterior.npz: the sampler was trained for another law, custom:mixture:");
  expect_refused(
      {"train", "described.json", "--data", "x.npy", "--out", "n.npz"},
      "--data: it belongs to the training of a denoiser, and a sampler of described.json is trained");
  write("path.json", R"({"dynamics": {"drift": ["-x"], "t_end": 1, "steps": 2}})");
  expect_refused({"train", "path.json", "--sampler", "dis", "--out", "n.npz"},
                 "train: path.json has dynamics; expected a prior or a target");
}

}  // namespace
}  // namespace gmdiff::test
