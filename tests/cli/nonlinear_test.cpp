// The verbs on a problem whose observation has a map.

#include <algorithm>
#include <cmath>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/quadrature.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class NonlinearObservationOnTheCommandLine : public CommandTest {
 protected:
  NonlinearObservationOnTheCommandLine() {
    output({"problem", "course-range", "--out", "range.json"});
    write_points(folder() / "x.npy", Points{{0.2, 0.9}, {-0.5, -1.0}});
  }
  /// Largest distance of the means of x_j and of (x_j - m_j)^2 over independent states from those of the
  /// posterior, in standard errors. Each of the four is normal, so 4.5 is exceeded once in 30 000 times.
  double largest_deviation(const std::string& file) const {
    const Quadrature exact = quadrature(target_);
    const Points x = read_points(folder() / file);
    double largest = 0.0;
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      const MarginalDensity& marginal = exact.marginals[static_cast<std::size_t>(j)];
      const double variance = exact.covariance(j, j), count = static_cast<double>(x.rows());
      const Eigen::VectorXd squares = (marginal.points.array() - exact.mean(j)).square();
      const double spread =
          marginal.density.dot((squares.array() - variance).square().matrix()) / marginal.density.sum();
      const double mean = x.col(j).mean() - exact.mean(j);
      const double square = (x.col(j).array() - exact.mean(j)).square().mean() - variance;
      largest = std::max({largest, std::abs(mean) / std::sqrt(variance / count),
                          std::abs(square) / std::sqrt(spread / count)});
    }
    return largest;
  }
  NonlinearProblem problem_ = std::get<NonlinearProblem>(ready_made_problem("course-range"));
  Target target_ = target_of(problem_);
};

TEST_F(NonlinearObservationOnTheCommandLine, IsSampledByChains) {
  const std::string text = output(
      {"sample", "range.json", "--out", "chains.npy", "--count", "400", "--steps", "300", "--seed", "3"});
  EXPECT_NE(text.find("posterior of range.json"), std::string::npos) << text;
  EXPECT_LT(largest_deviation("chains.npy"), 4.5);
  // Chains that forget the observation fail.
  output({"sample", "range.json", "--prior", "--out", "prior.npy", "--count", "400", "--steps", "300"});
  EXPECT_GT(largest_deviation("prior.npy"), 4.5);
}

TEST_F(NonlinearObservationOnTheCommandLine, IsSampledByGuidedSamplers) {
  const Json printed = json({"sample", "range.json", "--out", "tmp.npy", "--count", "30", "--steps", "20",
                             "--seed", "3", "--sampler", "tmp:start=exact"});
  EXPECT_EQ(printed["law"], "posterior");
  EXPECT_EQ(printed["sampler"]["type"], "tmp");
  EXPECT_EQ(printed["grid"]["steps"], 20);
  const ForwardProcess process(problem_.process);
  const Samples expected =
      sample(problem_.prior, problem_.observation, process, TimeGrid::uniform(process, 20),
             Tmp{.start = Start::exact}, {.count = 30, .seed = 3});
  EXPECT_EQ(read_points(folder() / "tmp.npy"), expected.to_double());
  // A file may name the sampler, and a range of particles has the bits of the whole.
  NonlinearProblem guided = problem_;
  guided.sampler = GuidedSampler(Dps{.zeta = 0.5});
  write("dps.json", to_json(guided));
  output({"sample", "dps.json", "--out", "whole.npy", "--count", "9", "--steps", "5"});
  output({"sample", "dps.json", "--out", "part.npy", "--range", "4:9", "--steps", "5"});
  EXPECT_EQ(read_points(folder() / "part.npy"), read_points(folder() / "whole.npy").bottomRows(5));
  EXPECT_NE(run({"sample", "dps.json", "--prior", "--out", "p.npy"})
                .err.find("--prior: dps samples the posterior; give another --sampler for the prior"),
            std::string::npos);
}

TEST_F(NonlinearObservationOnTheCommandLine, HasTheEvidenceOfSmc) {
  const Json printed =
      json({"sample", "range.json", "--out", "smc.npz", "--count", "20", "--steps", "20", "--device", "cpu",
            "--sampler", "bootstrap:kernel=exact:particles=200:output=particles"});
  EXPECT_EQ(printed["law"], "posterior");
  // A chain's log-evidence has a standard deviation of about 0.25.
  EXPECT_NEAR(printed["mean_log_evidence"].get<double>(), quadrature(target_).log_normalizer, 0.25);
  EXPECT_NE(run({"sample", "range.json", "--out", "p.npy", "--sampler", "mcgdiff"})
                .err.find("mcgdiff takes no observation with a map; expected tmp"),
            std::string::npos);
}

TEST_F(NonlinearObservationOnTheCommandLine, ComparesGuidedSamplersWithChains) {
  const Json rows =
      json({"compare", "range.json", "--count", "100", "--steps", "20", "--metrics", "moments"})["rows"];
  std::vector<std::string> names;
  for (const Json& row : rows) {
    names.push_back(row["sampler"]);
    EXPECT_TRUE(row["error"].is_null()) << row;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"tmp:start=exact", "dps-likelihood:start=exact",
                                             "dps:start=exact", "mala", "draw"}));
  const Json smc = json({"compare", "range.json", "--count", "100", "--steps", "20", "--device", "cpu",
                         "--samplers", "bootstrap:kernel=exact"})["rows"][0];
  EXPECT_NEAR(smc["log_evidence_error"].get<double>(), 0.0, 0.2);
  EXPECT_NE(run({"compare", "range.json", "--samplers", "tmp,ddim"})
                .err.find("range.json, sampler ddim: ddim takes no observation with a map; expected tmp"),
            std::string::npos);
}

TEST_F(NonlinearObservationOnTheCommandLine, HasDensityAndGradient) {
  const Json found = json({"eval", "range.json", "--points", "x.npy"});
  const Points x{{0.2, 0.9}, {-0.5, -1.0}};
  EXPECT_EQ(found["law"], "posterior");
  EXPECT_EQ(found["log_density"][1], target_.log_density(x)(1));
  EXPECT_EQ(found["gradient"][1][0], target_.gradient(x)(1, 0));
  const Json of_prior = json({"eval", "range.json", "--points", "x.npy", "--prior"});
  EXPECT_NEAR(of_prior["log_density"][0].get<double>(), problem_.prior.log_pdf(x)(0), 1e-14);
  EXPECT_NE(
      run({"eval", "range.json", "--points", "x.npy", "--t", "0.5"})
          .err.find("--t belongs to a problem with a prior, and range.json has an observation with a map"),
      std::string::npos);
}

TEST_F(NonlinearObservationOnTheCommandLine, HasNormaliserAndMaxima) {
  const Json found = json({"posterior", "range.json"});
  EXPECT_EQ(found["law"], "posterior");
  EXPECT_EQ(found["log_normalizer"], quadrature(target_).log_normalizer);
  const Json maxima = json({"posterior", "range.json", "--method", "laplace", "--starts", "20"})["maxima"];
  EXPECT_EQ(maxima.size(), 2U);
  const Json weighed =
      json({"posterior", "range.json", "--method", "importance", "--proposal", "prior", "--count", "500"});
  EXPECT_EQ(weighed["log_normalizer"], importance(target_, problem_.prior, 500, 0).log_normalizer);
}

TEST_F(NonlinearObservationOnTheCommandLine, RefusesProposalsWithoutMeaning) {
  const auto error = [this](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"posterior", "range.json", "--method", "importance"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments).err;
  };
  EXPECT_NE(
      error({"--proposal", "proir"}).find("--proposal: unknown proposal \"proir\"; did you mean \"prior\"?"),
      std::string::npos);
  EXPECT_NE(error({"--proposal", "prior", "--scale", "3"})
                .find("--proposal prior: --scale and --starts belong to the proposal laplace"),
            std::string::npos);
  write("banana.json", R"({"target": {"type": "banana"}})");
  EXPECT_NE(run({"posterior", "banana.json", "--method", "importance", "--proposal", "prior"})
                .err.find("--proposal prior: the target has no prior"),
            std::string::npos);
}

TEST_F(NonlinearObservationOnTheCommandLine, HasDensitiesOverTime) {
  const std::string text = output({"fokker-planck", "range.json", "--times", "0,1", "--cells", "20,20"});
  EXPECT_NE(text.find("law    posterior of range.json"), std::string::npos) << text;
  EXPECT_NE(output({"fokker-planck", "range.json", "--times", "0,1", "--cells", "20,20", "--prior"})
                .find("law    prior of range.json"),
            std::string::npos);
}

TEST_F(NonlinearObservationOnTheCommandLine, GivesItsPriorToOtherVerbs) {
  for (const char* verb : {"draw", "forward"}) {
    EXPECT_NE(run({verb, "range.json", "--out", "p.npy"})
                  .err.find(std::string(verb) +
                            ": range.json has an observation with a map, whose posterior has no exact draws; "
                            "--prior takes the prior"),
              std::string::npos);
    output({verb, "range.json", "--prior", "--count", "3", "--out", std::string(verb) + ".npy"});
  }
  output({"sample", "range.json", "--prior", "--sampler", "ddim", "--count", "3", "--out", "ddim.npy"});
  EXPECT_NE(run({"sample", "range.json", "--sampler", "ddim", "--out", "p.npy"})
                .err.find("ddim takes no observation with a map; expected tmp, pigdm, pigdm-alg1, dps, "
                          "dps-likelihood, bootstrap, a Markov chain or a learned sampler"),
            std::string::npos);
  EXPECT_NE(run({"plot", "density", "range.json"})
                .err.find("range.json has an observation with a map; expected a linear one, or none"),
            std::string::npos);
}

}  // namespace
}  // namespace gmdiff::test
