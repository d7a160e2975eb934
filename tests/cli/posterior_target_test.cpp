// The verb posterior on problems with a target.

#include <gmdiff/model/gaussian_fit.hpp>
#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/quadrature.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class PosteriorOfTarget : public CommandTest {
 protected:
  PosteriorOfTarget() {
    write("sin.json", R"({"target": {"type": "sin-gaussian"}})");
    write("banana.json", R"({"target": {"type": "banana", "scale": 1, "curvature": 0.5}})");
    write("sin4.json", R"({"target": {"type": "sin-gaussian", "dim": 4}})");
  }
};

TEST_F(PosteriorOfTarget, IsByQuadratureInLowDimensions) {
  const Json found = json({"posterior", "sin.json"});
  const Quadrature exact = quadrature(SinGaussian{});
  EXPECT_EQ(found["law"], "target");
  EXPECT_EQ(found["method"], "quadrature");
  EXPECT_EQ(found["log_normalizer"], exact.log_normalizer);
  EXPECT_EQ(found["log_normalizer_error"], exact.error.log_normalizer);
  EXPECT_EQ(found["mean"][0], exact.mean(0));
  EXPECT_EQ(found["mean_error"][0], exact.error.mean(0));
  EXPECT_EQ(found["covariance"][0][0], exact.covariance(0, 0));
  EXPECT_EQ(found["covariance_error"][0][0], exact.error.covariance(0, 0));
  EXPECT_EQ(found["box"]["lower"][0], exact.box.lower(0));
  EXPECT_EQ(found["points"], 4097);
  EXPECT_EQ(found["edge_mass"], exact.edge_mass);
  EXPECT_TRUE(found["warnings"].empty());
  const std::string text = output({"posterior", "sin.json"});
  EXPECT_NE(text.find("log normalizer  0.9804899856, error"), std::string::npos) << text;
  EXPECT_NE(text.find("coordinate  mean"), std::string::npos) << text;
}

TEST_F(PosteriorOfTarget, WritesMarginalDensities) {
  const Json found = json({"posterior", "banana.json", "--out", "m.npz"});
  EXPECT_EQ(found["file"], "m.npz");
  const std::string archive = read("m.npz");
  for (const char* name : {"x1.npy", "density1.npy", "x2.npy", "density2.npy"})
    EXPECT_NE(archive.find(name), std::string::npos) << name;
  EXPECT_EQ(run({"posterior", "banana.json", "--out", "m.npz"}).exit_code, 2);
  EXPECT_NE(output({"posterior", "banana.json", "--out", "m.npz", "--force"}).find("all arrays are in m.npz"),
            std::string::npos);
}

TEST_F(PosteriorOfTarget, TakesABoxAndWarnsIfItIsTooSmall) {
  const CommandResult result = run({"posterior", "sin.json", "--box", "-1,1"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("warning: the box may be too small"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("-1 to 1"), std::string::npos) << result.out;
  write("funnel.json", R"({"target": {"type": "funnel", "dim": 2}})");
  EXPECT_NE(run({"posterior", "funnel.json"}).err.find("warning: the density is too narrow for the grid"),
            std::string::npos);
}

TEST_F(PosteriorOfTarget, IsByImportanceSamplingInHigherDimensions) {
  const Json found = json({"posterior", "sin4.json", "--count", "2000", "--seed", "5", "--scale", "3"});
  const Target target = SinGaussian{.dim = 4};
  const Modes maxima = modes(target, {.draws = 64, .spread = 3.0, .seed = 5});
  const ImportanceResult exact = importance(target, laplace_mixture(maxima, 3.0), 2000, 5);
  EXPECT_EQ(found["method"], "importance");
  EXPECT_EQ(found["count"], 2000);
  EXPECT_EQ(found["log_normalizer"], exact.log_normalizer);
  EXPECT_EQ(found["log_normalizer_error"], exact.log_normalizer_error);
  EXPECT_EQ(found["mean"][3], exact.mean(3));
  EXPECT_EQ(found["second_moment"][3], exact.second_moment(3));
  EXPECT_EQ(found["second_moment_error"][0], exact.second_moment_error(0));
  EXPECT_EQ(found["ess"], exact.ess);
  EXPECT_EQ(found["largest_weight"], exact.largest_weight);
  const std::string text = output({"posterior", "sin.json", "--method", "importance", "--out", "i.npz"});
  EXPECT_NE(text.find("draws           10000 of Laplace's approximation, 5 components"), std::string::npos)
      << text;
  EXPECT_NE(read("i.npz").find("weights.npy"), std::string::npos);
}

TEST_F(PosteriorOfTarget, ByImportanceSamplingWarnsOfFewEffectiveDraws) {
  write("funnel.json", R"({"target": {"type": "funnel"}})");
  EXPECT_NE(run({"posterior", "funnel.json"}).err.find("warning: the effective sample size is only 1"),
            std::string::npos);
}

TEST_F(PosteriorOfTarget, ByLaplaceHasAllMaxima) {
  write("wells.json", R"({"target": {"type": "many-well", "wells": 2, "dim": 3}})");
  const Json found = json({"posterior", "wells.json", "--method", "laplace", "--out", "l.npz"});
  const Modes exact = modes(ManyWell{.wells = 2, .dim = 3}, {.draws = 64, .spread = 3.0});
  ASSERT_EQ(found["maxima"].size(), 4U);
  EXPECT_EQ(found["log_normalizer"], exact.log_normalizer);
  EXPECT_EQ(found["maxima"][3]["x"][1], exact.maxima[3].x(1));
  EXPECT_EQ(found["maxima"][3]["log_mass"], exact.maxima[3].log_mass);
  EXPECT_EQ(found["maxima"][0]["hessian"][2][2], -1.0);
  EXPECT_NE(read("l.npz").find("log_mass.npy"), std::string::npos);
  const std::string text = output({"posterior", "wells.json", "--method", "laplace"});
  EXPECT_NE(text.find("maxima          4"), std::string::npos) << text;
  EXPECT_NE(text.find("share of the mass"), std::string::npos) << text;
}

TEST_F(PosteriorOfTarget, ByANormalLawHasItsBound) {
  write("well.json", R"({"target": {"type": "many-well", "dim": 2}})");
  const Json found = json({"posterior", "well.json", "--method", "gaussian", "--out", "g.npz"});
  const Target target = ManyWell{.dim = 2};
  const GaussianFit fit = gaussian_fit(target, laplace_mixture(modes(target, {.draws = 64, .spread = 3.0})));
  EXPECT_EQ(found["method"], "gaussian");
  EXPECT_EQ(found["starts"], 2);
  EXPECT_EQ(found["elbo"], fit.elbo);
  EXPECT_EQ(found["kl"], *target.log_normalizer() - fit.elbo);
  EXPECT_EQ(found["mean"][0], fit.mean(0));
  EXPECT_EQ(found["covariance"][1][1], fit.covariance(1, 1));
  EXPECT_NE(read("g.npz").find("covariance.npy"), std::string::npos);
  const std::string text = output({"posterior", "well.json", "--method", "gaussian"});
  EXPECT_NE(text.find("Gauss-Hermite, 64 points on each axis"), std::string::npos) << text;
  EXPECT_NE(text.find(", at most the log normalizer"), std::string::npos) << text;
  EXPECT_GT(json({"posterior", "sin4.json", "--method", "gaussian"})["elbo_error"], 0.0);
}

TEST_F(PosteriorOfTarget, ByMaximaHasThoseOfASparsePrior) {
  write("sparse.json", R"({"target": {"type": "regularised", "prior": {"weight": 2}, "observation":
        {"map": {"type": "identity", "A": [[1,0,0],[0,1,0],[0,0,1]]}, "y": [1, 0.25, -2], "noise_std": 0.5}}})");
  const Json found = json({"posterior", "sparse.json", "--method", "maxima", "--out", "m.npz"});
  ASSERT_EQ(found["maxima"].size(), 1U);
  const auto x = found["maxima"][0]["x"].get<std::vector<double>>();
  EXPECT_NEAR(x[0], 0.5, 1e-14);  // soft(y, weight noise_std^2)
  EXPECT_EQ(x[1], 0.0);
  EXPECT_NEAR(x[2], -1.5, 1e-14);
  EXPECT_FALSE(found.contains("log_normalizer"));
  EXPECT_FALSE(found["maxima"][0].contains("log_mass"));
  EXPECT_NE(read("m.npz").find("log_density.npy"), std::string::npos);
  EXPECT_NE(output({"posterior", "sparse.json", "--method", "maxima"}).find("maxima          1"),
            std::string::npos);
  for (const std::string method : {"laplace", "importance", "gaussian"}) {
    const CommandResult result = run({"posterior", "sparse.json", "--method", method});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(
        result.err.find("--method " + method +
                        ": a prior without smoothing has no Laplace approximation at its maxima; "
                        "--method maxima lists them, and the smoothings pseudo-huber and huber have one"),
        std::string::npos)
        << result.err;
  }
}

TEST_F(PosteriorOfTarget, RefusesWhatDoesNotFit) {
  write("flat.json", R"({"target": {"type": "expression", "density": "0*x"}})");
  const std::pair<Arguments, const char*> wrong[] = {
      {{"posterior", "sin4.json", "--method", "quadrature"},
       "--method quadrature needs dimension 1 or 2, and the target has dimension 4; importance, laplace, "
       "gaussian and maxima take"},
      {{"posterior", "sin.json", "--method", "quadratur"},
       "--method: unknown method \"quadratur\"; did you mean \"quadrature\"?"},
      {{"posterior", "problem.json", "--method", "laplace"},
       "--method belongs to a problem with a target or with an observation that has a map, and problem.json "
       "has "
       "neither"},
      {{"posterior", "sin.json", "--count", "5"}, "--count has no effect on the method quadrature"},
      {{"posterior", "sin.json", "--method", "laplace", "--box", "0,1"},
       "--box has no effect on the method laplace"},
      {{"posterior", "sin.json", "--box", "0"}, "--box 0: expected 2 numbers"},
      {{"posterior", "sin.json", "--box", "1,0"}, "expected finite lower < upper, got 1 and 0"},
      {{"posterior", "sin.json", "--method", "importance", "--scale", "0"},
       "--scale: expected a positive number, got 0"},
      {{"posterior", "sin.json", "--method", "gaussian", "--count", "100"},
       "--count has no effect on the method gaussian in dimension 1 and 2"},
      {{"posterior", "sin4.json", "--method", "gaussian", "--count", "101"},
       "--count: the method gaussian has pairs of draws; expected an even number, got 101"},
      {{"posterior", "sin4.json", "--method", "gaussian", "--count", "8"}, "--count"},
      {{"posterior", "flat.json"}, "no finite box is found: along axis 0"},
      {{"posterior", "flat.json", "--method", "laplace"}, "no maximum of the density was found"},
  };
  for (const auto& [arguments, message] : wrong) {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
}

}  // namespace
}  // namespace gmdiff::test
