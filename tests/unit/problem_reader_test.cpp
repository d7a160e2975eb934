#include <gmdiff/io/problem_file.hpp>

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/network/learned_denoiser.hpp>

#include "io/npy_header.hpp"
#include "unit/io_support.hpp"
#include "unit/trainings.hpp"

namespace gmdiff {
namespace {

using test::data_file;
using test::error_of;

constexpr const char* prior_text =
    R"("prior": {"weights": [0.75, 0.25], "means": [[0, 0], [2, 2]], "covariance": {"type": "spherical", "values": [1, 2]}})";

/// A problem with the prior above and the given further keys.
std::string with(const std::string& keys) { return std::string("{") + prior_text + ", " + keys + "}"; }
/// A problem whose prior is the given object.
std::string with_prior(const std::string& prior) { return R"({"prior": )" + prior + "}"; }
/// A problem whose prior has the given covariance.
std::string with_covariance(const std::string& covariance) {
  return with_prior(R"({"weights": [0.75, 0.25], "means": [[0, 0], [2, 2]], "covariance": )" + covariance +
                    "}");
}

Problem parse(const std::string& json) { return parse_problem(json, "p.json"); }
std::string error_in(const std::string& json) {
  return error_of([&] { parse(json); });
}

TEST(ProblemReader, ReadsTheDesignsExample) {
  const Problem problem = parse(R"({
    "prior": {"weights": [0.6, 0.4], "means": [[0, 0], [2, 2]],
              "covariance": {"type": "full", "values": [[[0.5, 0], [0, 0.5]], [[0.8, 0], [0, 0.8]]]}},
    "process": {"type": "vp", "beta": {"type": "linear", "min": 0.02, "max": 7.0}},
    "grid": {"type": "uniform", "steps": 300},
    "observation": {"A": [[1, 0]], "y": [1.5], "noise_std": 0.1},
    "sampler": {"type": "ddim", "eta": 0.5, "churn": 20}
  })");

  EXPECT_EQ(problem.prior.num_components(), 2);
  EXPECT_EQ(problem.prior.covariance_type(), CovarianceType::full);
  EXPECT_EQ(problem.prior.component_covariance(1)(1, 1), 0.8);
  EXPECT_EQ(std::get<LinearBeta>(std::get<Vp>(problem.process).beta).max, 7.0);
  EXPECT_EQ(std::get<UniformGrid>(problem.grid).steps, 300);
  EXPECT_EQ(problem.observation->A(), (Eigen::MatrixXd{{1.0, 0.0}}));
  EXPECT_EQ(problem.observation->y()(0), 1.5);
  EXPECT_EQ(problem.observation->noise_std(), 0.1);
  EXPECT_EQ(std::get<Ddim>(std::get<Sampler>(problem.sampler)).eta, 0.5);
  EXPECT_EQ(std::get<Ddim>(std::get<Sampler>(problem.sampler)).churn, 20.0);
}

TEST(ProblemReader, GivesMissingPartsTheirDefaults) {
  const Problem problem = parse(
      with_prior(R"({"weights": [2], "means": [[1]], "covariance": {"type": "diag", "values": [[3]]}})"));

  const auto& vp = std::get<Vp>(problem.process);
  EXPECT_EQ(std::get<LinearBeta>(vp.beta).min, 0.02);
  EXPECT_EQ(std::get<LinearBeta>(vp.beta).max, 7.0);
  EXPECT_EQ(vp.T, 1.0);
  EXPECT_EQ(std::get<UniformGrid>(problem.grid).steps, 100);
  EXPECT_FALSE(problem.observation.has_value());
  EXPECT_EQ(std::get<Ddim>(std::get<Sampler>(problem.sampler)).eta, 0.0);
}

TEST(ProblemReader, ReadsEveryProcess) {
  const auto process = [](const std::string& text) { return parse(with(R"("process": )" + text)).process; };

  EXPECT_EQ(std::get<CosineBeta>(std::get<Vp>(process(R"({"type": "vp", "beta": {"type": "cosine"}})")).beta)
                .offset,
            0.008);
  EXPECT_EQ(std::get<LinearBeta>(
                std::get<Vp>(process(R"({"type": "vp", "beta": {"min": 1, "max": 2}, "T": 3})")).beta)
                .min,
            1.0);
  EXPECT_EQ(std::get<SubVp>(process(R"({"type": "sub-vp", "beta": {"type": "linear", "min": 1, "max": 2}})"))
                .beta.max,
            2.0);
  EXPECT_EQ(std::get<Ou>(process(R"({"type": "ou", "stationary_std": 2})")).stationary_std, 2.0);
  EXPECT_EQ(std::get<Ou>(process(R"({"type": "ou"})")).T, 5.0);
  EXPECT_EQ(std::get<Ddpm>(process(R"({"type": "ddpm", "betas": [0.1, 0.2]})")).betas,
            (std::vector<double>{0.1, 0.2}));
  EXPECT_EQ(std::get<Ddpm>(process(R"({"type": "ddpm", "steps": 10, "first": 0.02, "last": 0.0001})")).steps,
            10);
  EXPECT_EQ(std::get<Ve>(process(R"({"type": "ve", "sigma_max": 10})")).sigma_min, 0.01);
  EXPECT_EQ(std::get<Edm>(process(R"({"type": "edm"})")).T, 80.0);
  EXPECT_TRUE(std::holds_alternative<RectifiedFlow>(process(R"({"type": "rectified-flow"})")));
}

TEST(ProblemReader, ReadsEveryGrid) {
  const auto grid = [](const std::string& text, const std::string& process = R"({"type": "edm"})") {
    return parse(with(R"("process": )" + process + R"(, "grid": )" + text)).grid;
  };

  EXPECT_EQ(
      std::get<UniformGrid>(grid(R"({"type": "uniform", "steps": 5, "t_start": 40, "t_end": 1})")).t_start,
      40.0);
  EXPECT_EQ(std::get<KarrasGrid>(grid(R"({"type": "karras", "steps": 5})")).rho, 7.0);
  EXPECT_EQ(
      std::get<LogSnrGrid>(grid(R"({"type": "log-snr", "steps": 5.0, "t_end": 0.5, "end_at_data": false})"))
          .end_at_data,
      false);
  EXPECT_EQ(std::get<ListGrid>(grid(R"({"type": "list", "t": [80, 1, 0]})")).t,
            (std::vector<double>{80, 1, 0}));
  const std::string table = R"({"type": "ddpm", "steps": 999, "first": 0.02, "last": 0.0001})";
  EXPECT_EQ(
      std::get<DdimGrid>(grid(R"({"type": "ddim", "steps": 5, "spacing": "quadratic"})", table)).spacing,
      DdimGrid::Spacing::quadratic);
  EXPECT_EQ(
      std::get<McgdiffGrid>(
          parse(with(R"("grid": {"type": "mcgdiff", "points": 21}, "observation": {"A": [[1, 0]], "y": [1],
              "noise_std": 0.5}, "process": )" +
                     table))
              .grid)
          .points,
      21);
}

TEST(ProblemReader, ReadsEveryCovarianceType) {
  EXPECT_EQ(parse(with_covariance(R"({"type": "spherical", "values": [1, 2]})")).prior.eigenvalues(),
            (Points{{1.0}, {2.0}}));
  EXPECT_EQ(parse(with_covariance(R"({"type": "diag", "values": [[1, 2], [3, 4]]})")).prior.eigenvalues(),
            (Points{{1.0, 2.0}, {3.0, 4.0}}));
  const Eigen::MatrixXd S{{2.0, 1.0}, {1.0, 2.0}};
  EXPECT_EQ(
      parse(with_covariance(R"({"type": "tied", "values": [[2, 1], [1, 2]]})")).prior.component_covariance(1),
      S);
  EXPECT_EQ(parse(with_covariance(R"({"type": "full", "values": [[[1, 0], [0, 1]], [[2, 1], [1, 2]]]})"))
                .prior.component_covariance(1),
            S);
}

TEST(ProblemReader, ReadsObservations) {
  const auto observation = [](const std::string& text) {
    return *parse(with(R"("observation": )" + text)).observation;
  };

  EXPECT_EQ(observation(R"({"A": [[1, 0]], "y": [1], "noise_std": 0})").noise_std(), 0.0);
  EXPECT_EQ(observation(R"({"A": [[1, 0], [0, 1]], "y": [1, 2], "noise_covariance": [[2, 1], [1, 2]]})")
                .noise_covariance()(0, 1),
            1.0);
}

TEST(ProblemReader, ReadsSamplersWithInfiniteChurn) {
  const auto sampler = [](const std::string& text) {
    return std::get<Sampler>(parse(with(R"("sampler": )" + text)).sampler);
  };

  EXPECT_EQ(std::get<Heun>(sampler(R"({"type": "heun", "churn_max": "inf", "variable": "n"})")).churn_max,
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(
      std::get<EulerMaruyama>(sampler(R"({"type": "euler-maruyama", "finish": "step", "start": "gaussian"})"))
          .finish,
      Finish::step);
}

constexpr const char* observed = R"("observation": {"A": [[1, 0]], "y": [1], "noise_std": 0.5}, "sampler": )";

TEST(ProblemReader, ReadsEveryKeyOfSmcSamplers) {
  const auto sampler = [](const std::string& text) {
    return std::get<SmcSampler>(parse(with(observed + text)).sampler);
  };

  const auto mcgdiff = std::get<Mcgdiff>(sampler(
      R"({"type": "mcgdiff", "particles": 512, "variant": "A", "kappa": 0.25, "kernel": "exact", "eta": 0.5, "start": "gaussian",
          "resampling": "residual", "ess_threshold": 0.75, "output": "particles"})"));
  EXPECT_EQ(mcgdiff.particles, 512);
  EXPECT_EQ(mcgdiff.variant, Mcgdiff::Variant::A);
  EXPECT_EQ(mcgdiff.kappa, 0.25);
  EXPECT_EQ(mcgdiff.kernel, SmcKernel::exact);
  EXPECT_EQ(mcgdiff.eta, 0.5);
  EXPECT_EQ(mcgdiff.start, Start::gaussian);
  EXPECT_EQ(mcgdiff.resampling, Resampling::residual);
  EXPECT_EQ(mcgdiff.ess_threshold, 0.75);
  EXPECT_EQ(mcgdiff.output, SmcOutput::particles);
  const auto bootstrap = std::get<Bootstrap>(sampler(
      R"({"type": "bootstrap", "particles": 1073741824, "kernel": "exact", "eta": 0.5, "start": "gaussian", "resampling": "multinomial",
          "ess_threshold": 0, "output": "particles"})"));
  EXPECT_EQ(bootstrap.particles, 1 << 30);
  EXPECT_EQ(bootstrap.kernel, SmcKernel::exact);
  EXPECT_EQ(bootstrap.eta, 0.5);
  EXPECT_EQ(bootstrap.start, Start::gaussian);
  EXPECT_EQ(bootstrap.resampling, Resampling::multinomial);
  EXPECT_EQ(bootstrap.ess_threshold, 0.0);
  EXPECT_EQ(bootstrap.output, SmcOutput::particles);
}

TEST(ProblemReader, ReadsSmcSamplersByNameAlone) {
  for (const char* name : {"mcgdiff", "bootstrap"}) {
    const AnySampler sampler = parse(with(observed + std::string("{\"type\": \"") + name + "\"}")).sampler;
    EXPECT_TRUE(std::holds_alternative<SmcSampler>(sampler));
    EXPECT_EQ(to_string(sampler), name);
  }
}

TEST(ProblemReader, ReadsGuidedSamplers) {
  const AnySampler sampler =
      parse(with(observed + std::string(R"({"type": "dps", "zeta": 0.1, "integrator": "ddim", "eta": 1})")))
          .sampler;

  const auto dps = std::get<Dps>(std::get<GuidedSampler>(sampler));
  EXPECT_EQ(dps.zeta, 0.1);
  EXPECT_EQ(std::get<Ddim>(dps.integrator).eta, 1.0);
  EXPECT_EQ(dps.start, Start::gaussian);
  for (const char* name : {"tmp", "pigdm", "pigdm-alg1", "dps", "dps-likelihood", "dps-gsg", "exact"}) {
    const AnySampler alone = parse(with(observed + std::string("{\"type\": \"") + name + "\"}")).sampler;
    EXPECT_TRUE(std::holds_alternative<GuidedSampler>(alone));
    EXPECT_EQ(to_string(alone), name);
  }
}

TEST(ProblemReader, ReadsArraysFromNpyFilesBesideTheProblem) {
  const test::TemporaryFolder folder;
  std::filesystem::copy(data_file("means.npy"), folder / "means.npy");
  std::filesystem::copy(data_file("weights_f4.npy"), folder / "w.npy");
  write_points(folder / "A.npy", Points{{1.0, 0.0}});
  write_points(folder / "variances.npy", Points{{1.0, 2.0}, {3.0, 4.0}}, Precision::f32);
  test::write_file(folder / "p.json",
                   R"({"prior": {"weights": "w.npy", "means": ")" + (folder / "means.npy").string() + R"(",
      "covariance": {"type": "diag", "values": "variances.npy"}}, "observation": {"A": "A.npy", "y": [1], "noise_std": 1}})");

  const Problem problem = read_problem(folder / "p.json");

  EXPECT_EQ(problem.prior.weights()(0), 0.75);
  EXPECT_EQ(problem.prior.means(), (Points{{0.0, 0.0}, {2.0, 2.0}}));
  EXPECT_EQ(problem.prior.eigenvalues()(1, 0), 3.0);
  EXPECT_EQ(problem.observation->A()(0, 0), 1.0);
}

TEST(ProblemReader, ReadsRank3ArraysFromNpyFiles) {
  const test::TemporaryFolder folder;
  NpyWriter writer(folder / "S.npy", {2, 1, 1}, Precision::f64, false);
  const double values[] = {4.0, 9.0};
  writer.append(std::span(values));
  writer.commit();
  test::write_file(folder / "p.json", with_prior(R"({"weights": [1, 1], "means": [[0], [1]],
      "covariance": {"type": "full", "values": "S.npy"}})"));

  EXPECT_EQ(read_problem(folder / "p.json").prior.component_covariance(1)(0, 0), 9.0);
}

TEST(ProblemReader, ReadsEigenvectorsWithEigenvalues) {
  const Eigen::MatrixXd U{{0.6, -0.8}, {0.8, 0.6}};
  const Mixture tied =
      parse(with_covariance(
                R"({"type": "tied", "eigenvectors": [[0.6, -0.8], [0.8, 0.6]], "eigenvalues": [1e-30, 2]})"))
          .prior;
  const Mixture full =
      parse(with_covariance(R"({"type": "full", "eigenvectors": [[[1, 0], [0, 1]], [[0.6, -0.8], [0.8, 0.6]]],
      "eigenvalues": [[1, 1], [1e-30, 2]]})"))
          .prior;

  EXPECT_EQ(tied.covariance_type(), CovarianceType::tied);
  EXPECT_EQ(tied.bases().front(), U);
  EXPECT_EQ(tied.eigenvalues(), (Points{{1e-30, 2.0}}));
  EXPECT_EQ(full.covariance_type(), CovarianceType::full);
  EXPECT_EQ(full.bases()[1], U);
  EXPECT_EQ(full.eigenvalues(), (Points{{1.0, 1.0}, {1e-30, 2.0}}));
}

TEST(ProblemReader, ReadsFromAStream) {
  std::istringstream in(with(R"("grid": {"type": "uniform", "steps": 7})"));

  EXPECT_EQ(std::get<UniformGrid>(read_problem(in, "-", ".").grid).steps, 7);
}

TEST(ProblemReader, NamesFilesThatCannotBeRead) {
  const test::TemporaryFolder folder;
  const std::string absent = (folder / "absent.json").string();

  EXPECT_EQ(error_of([&] { read_problem(absent); }), absent + ": no such file");
  EXPECT_EQ(error_of([&] { read_problem(folder / ""); }), (folder / "").string() + ": is a folder");
}

struct BadProblem {
  std::string json;
  std::string message;  ///< after "p.json: "
};

void expect_messages(const std::vector<BadProblem>& cases) {
  for (const auto& [json, message] : cases)
    EXPECT_EQ(error_in(json), "p.json: " + message) << json.substr(0, 300);
}

TEST(ProblemReader, SaysWhereTheTextIsNotJson) {
  expect_messages({
      {"",
       "not valid JSON: parse error at line 1, column 1: syntax error while parsing value - unexpected end "
       "of input; expected '[', '{', "
       "or a literal"},
      {"{\n  \"prior\" 1}",
       "not valid JSON: parse error at line 2, column 11: syntax error while parsing object separator - "
       "unexpected number literal; "
       "expected ':'"},
      {with_prior(R"({"weights": [NaN]})"),
       "not valid JSON: parse error at line 1, column 24: syntax error while parsing value - invalid "
       "literal; last read: "
       R"('"weights": [N')"},
      {with_prior(R"({"weights": [1e999]})"), "not valid JSON: number overflow parsing '1e999'"},
      {"{\"prior\": \"\xff\"}",
       "not valid JSON: parse error at line 1, column 12: syntax error while parsing value - invalid string: "
       "ill-formed UTF-8 byte; last "
       "read: "
       "'\"?'"},
      {with(R"("grid": {"type": "uniform", "steps": 3)") + "} trailing",
       "not valid JSON: parse error at line 1, column 163: syntax error while parsing value - invalid "
       "literal; last read: '3}} tra'; "
       "expected "
       "end of input"},
  });
}

TEST(ProblemReader, RefusesNulBytesAndWhatFollowsThem) {
  const std::string nul(1, '\0');
  const std::string whole = with(R"("grid": {"type": "uniform", "steps": 3})");
  const std::string place =
      "not valid JSON: a NUL byte at line 1, column " + std::to_string(whole.size() + 1);
  const std::string large = "\n" + std::string(200'000, ' ');  // more than is read in one piece
  ASSERT_EQ(error_in(whole), "no exception");

  expect_messages({
      {whole + nul, place},
      {whole + nul + whole, place},
      {whole + nul + "trailing", place},
      {whole + std::string(512, '\0'), place},
      {whole + "\n\n " + nul, "not valid JSON: a NUL byte at line 3, column 2"},
      {whole + large + nul, "not valid JSON: a NUL byte at line 2, column 200001"},
      {nul + whole, "not valid JSON: a NUL byte at line 1, column 1"},
      {"{" + nul + "}", "not valid JSON: a NUL byte at line 1, column 2"},
      {"{\"pri" + nul + "or\": 1}", "not valid JSON: a NUL byte at line 1, column 6"},
  });
}

TEST(ProblemReader, BoundsNestingAndRefusesRepeatedKeys) {
  const std::string deep(100'000, '[');

  expect_messages({
      {deep, "nested more than 32 deep"},
      {R"({"prior": )" + deep, "nested more than 32 deep"},
      {R"({"prior": {"weights": [1], "weights": [2]}})", R"(repeated key "weights")"},
      {R"({"prior": 1, "grid": 2, "prior": 3})", R"(repeated key "prior")"},
  });
}

TEST(ProblemReader, NamesUnknownAndMissingKeys) {
  expect_messages({
      {"[]", "expected an object, given an empty array"},
      {"3", "expected an object, given 3"},
      {"{}", R"(missing key "prior")"},
      {R"({"priors": {}})",
       R"(unknown key "priors"; did you mean "prior"? (known: prior, process, grid, observation, sampler, start, density, denoiser))"},
      {with_prior("null"), "prior: expected an object, given null"},
      {with_prior("{}"), R"(prior: missing key "weights")"},
      {with_prior(R"({"wieghts": [1]})"),
       R"(prior: unknown key "wieghts"; did you mean "weights"? (known: weights, means, covariance))"},
      {with_prior(R"({"weights": [1]})"), R"(prior: missing key "means")"},
      {with_prior(R"({"weights": [1], "means": [[1]]})"), R"(prior: missing key "covariance")"},
      {with_covariance("3"), "prior.covariance: expected an object, given 3"},
      {with_covariance(R"({"values": [1]})"), R"(prior.covariance: missing key "type")"},
      {with_covariance(R"({"type": "full"})"), R"(prior.covariance: missing key "values")"},
      {with_covariance(R"({"type": "tied", "eigenvectors": [[1, 0], [0, 1]]})"),
       R"(prior.covariance: missing key "eigenvalues")"},
      {with_covariance(R"({"type": "tied", "eigenvalues": [1, 1]})"),
       R"(prior.covariance: missing key "eigenvectors")"},
      {with_covariance(R"({"type": "tied", "values": [[1, 0], [0, 1]], "eigenvalues": [1, 1]})"),
       R"(prior.covariance: "values" and "eigenvectors" exclude each other)"},
      {with_covariance(R"({"type": "full", "valeus": 1})"),
       R"(prior.covariance: unknown key "valeus"; did you mean "values"? (known: type, values, eigenvectors, eigenvalues))"},
      {with(R"("observation": {"A": [[1, 0]], "y": [1]})"),
       R"(observation: missing key "noise_std" (or "noise_covariance"))"},
      {with(R"("observation": {"A": [[1, 0]], "y": [1], "noise": 1})"),
       R"(observation: unknown key "noise"; did you mean "noise_std"? (known: A, y, noise_std, noise_covariance))"},
      {with(R"("observation": {"A": [[1, 0]], "y": [1], "noise_std": 1, "noise_covariance": [[1]]})"),
       R"(observation: "noise_std" and "noise_covariance" exclude each other)"},
      {with("\"" + std::string(10'000, 'x') + "\": 1"),
       "unknown key \"" + std::string(60, 'x') +
           "...\" (known: prior, process, grid, observation, sampler, start, density, denoiser)"},
      {with(R"("\u0001\n": 1)"),
       R"(unknown key "??"; did you mean "grid"? (known: prior, process, grid, observation, sampler, start, density, denoiser))"},
  });
}

TEST(ProblemReader, NamesArraysOfTheWrongShape) {
  const auto prior = [](const std::string& weights, const std::string& means) {
    return with_prior(R"({"weights": )" + weights + R"(, "means": )" + means +
                      R"(, "covariance": {"type": "spherical", "values": [1, 1]}})");
  };
  expect_messages({
      {prior("3", "[[1]]"), "prior.weights: expected an array of numbers, given 3"},
      {prior("[]", "[[1]]"), "prior.weights: expected an array of numbers, given 0 numbers"},
      {prior("{}", "[[1]]"), "prior.weights: expected an array of numbers, given an object"},
      {prior(R"([1, "2"])", "[[1]]"), R"(prior.weights[1]: expected a number, given "2")"},
      {prior("[1, [2]]", "[[1]]"), "prior.weights[1]: expected a number, given an array"},
      {prior("[1, null]", "[[1]]"), "prior.weights[1]: expected a number, given null"},
      {prior("[1, 2]", "[[1, 2], [3, 4], [5, 6]]"),
       "prior.means: expected an array of 2 rows of numbers, given 3 rows"},
      {prior("[1, 2]", "[[1, 2], [3, 4, 5]]"),
       "prior.means: expected an array of 2 rows of 2 numbers, row 1 has 3"},
      {prior("[1, 2]", "[[], []]"), "prior.means: expected an array of 2 rows of numbers, row 0 has 0"},
      {prior("[1, 2]", "[1, 2]"), "prior.means: expected an array of 2 rows of numbers, row 0 is 1"},
      {prior("[1, 2]", "[[1, 2], [3, true]]"), "prior.means[1][1]: expected a number, given true"},
      {with_covariance(R"({"type": "spherical", "values": [1]})"),
       "prior.covariance.values: expected an array of 2 numbers, given 1 number"},
      {with_covariance(R"({"type": "diag", "values": [[1, 1]]})"),
       "prior.covariance.values: expected an array of 2 rows of 2 numbers, given 1 row"},
      {with_covariance(R"({"type": "tied", "values": [[1, 0], [0]]})"),
       "prior.covariance.values: expected an array of 2 rows of 2 numbers, row 1 has 1"},
      {with_covariance(R"({"type": "full", "values": [[[1, 0], [0, 1]]]})"),
       "prior.covariance.values: expected an array of 2 matrices of 2 rows of 2 numbers, given 1 matrix"},
      {with_covariance(R"({"type": "full", "values": [[[1, 0], [0, 1]], [[1, 0]]]})"),
       "prior.covariance.values: expected an array of 2 matrices of 2 rows of 2 numbers, matrix 1 has 1"},
      {with_covariance(R"({"type": "full", "values": [[[1, 0], [0, 1]], [[1, 0], [1, 0, 0]]]})"),
       "prior.covariance.values: expected an array of 2 matrices of 2 rows of 2 numbers, row 1 of matrix 1 "
       "has 3"},
      {with_covariance(R"({"type": "round", "values": 1})"),
       R"(prior.covariance.type: unknown covariance "round"; did you mean "tied"? (known: spherical, diag, tied, full))"},
      {with(R"("observation": {"A": [[1, 0, 0]], "y": [1], "noise_std": 1})"),
       "observation.A: expected an array of rows of 2 numbers, row 0 has 3"},
      {with(R"("observation": {"A": [[1, 0]], "y": [1, 2, 3], "noise_std": 1})"),
       "observation.y: expected an array of 1 number, given 3 numbers"},
      {with(R"("observation": {"A": [[1, 0]], "y": [1], "noise_covariance": [[1, 0], [0, 1]]})"),
       "observation.noise_covariance: expected an array of 1 row of 1 number, given 2 rows"},
  });
}

TEST(ProblemReader, NamesNpyFilesThatDoNotFit) {
  const auto message = [](const std::string& means) {
    const std::string json = with_prior(R"({"weights": [1], "means": ")" + means +
                                        R"(", "covariance": {"type": "diag", "values": [[1]]}})");
    return error_of([&] { parse_problem(json, "p.json", data_file("")); });
  };
  const std::string folder = data_file("").string();

  EXPECT_EQ(message("means.npy"),
            "p.json: prior.means: expected an array of 1 row of numbers, \"means.npy\" has shape (2, 2)");
  EXPECT_EQ(message("f8_vector.npy"),
            "p.json: prior.means: expected an array of 1 row of numbers, \"f8_vector.npy\" has shape (3,)");
  EXPECT_EQ(message("f8_empty.npy"),
            "p.json: prior.means: expected an array of 1 row of numbers, \"f8_empty.npy\" has shape (0, 3)");
  EXPECT_EQ(message("absent.npy"), "p.json: prior.means: " + folder + "absent.npy: no such file");
  EXPECT_EQ(message("make_npy.py"), "p.json: prior.means: " + folder + "make_npy.py: not a .npy file");
  EXPECT_EQ(message("/dev/zero"), "p.json: prior.means: /dev/zero: not a regular file");
  EXPECT_EQ(message("."), "p.json: prior.means: " + folder + ".: not a regular file");
  EXPECT_EQ(
      message(""),
      "p.json: prior.means: expected an array of 1 row of numbers or the path of a .npy file, given \"\"");
  EXPECT_EQ(
      message("a\\u0000b"),
      "p.json: prior.means: expected an array of 1 row of numbers or the path of a .npy file, given \"a?b\"");
}

TEST(ProblemReader, ChecksSizesOfNpyFilesBeforeTakingMemory) {
  const test::TemporaryFolder folder;
  const std::int64_t size = (1 << 30) + 1;
  const std::string header = io::npy_header({size}, Precision::f64);
  test::write_file(folder / "w.npy", header);
  std::filesystem::resize_file(folder / "w.npy",
                               header.size() + 8 * static_cast<std::uintmax_t>(size));  // a hole of 8 GiB
  const std::string json =
      with_prior(R"({"weights": "w.npy", "means": [[1]], "covariance": {"type": "diag", "values": [[1]]}})");

  EXPECT_EQ(error_of([&] { parse_problem(json, "p.json", folder / ""); }),
            "p.json: prior.weights: \"w.npy\" has 1073741825 values, more than 1073741824");
}

TEST(ProblemReader, NamesBadProcesses) {
  const auto process = [](const std::string& text) { return with(R"("process": )" + text); };
  expect_messages({
      {process("[]"), "process: expected an object, given an empty array"},
      {process("{}"), R"(process: missing key "type")"},
      {process(R"({"type": 3})"), "process.type: expected the name of a process, given 3"},
      {process(R"({"type": "vpp"})"),
       R"(process.type: unknown process "vpp"; did you mean "vp"? (known: vp, sub-vp, ou, ddpm, ve, edm, rectified-flow))"},
      {process(R"({"type": "custom"})"),
       R"(process.type: unknown process "custom"; did you mean "sub-vp"? (known: vp, sub-vp, ou, ddpm, ve, edm, rectified-flow))"},
      {process(R"({"type": "vp"})"), R"(process: missing key "beta")"},
      {process(R"({"type": "vp", "beta": {"type": "square"}})"),
       R"(process.beta.type: unknown beta "square"; did you mean "linear"? (known: linear, cosine))"},
      {process(R"({"type": "vp", "beta": {"min": 1}})"), R"(process.beta: missing key "max")"},
      {process(R"({"type": "vp", "beta": {"min": 1, "mx": 1}})"),
       R"(process.beta: unknown key "mx"; did you mean "max"? (known: type, min, max))"},
      {process(R"({"type": "sub-vp", "beta": {"type": "cosine"}})"),
       R"(process.beta.type: unknown beta "cosine"; did you mean "linear"? (known: linear))"},
      {process(R"({"type": "vp", "beta": {"min": "1", "max": 1}})"),
       R"(process.beta.min: expected a number, given "1")"},
      {process(R"({"type": "ou", "T": "inf"})"), R"(process.T: expected a number, given "inf")"},
      {process(R"({"type": "ddpm"})"), R"(process: expected "betas", or "steps", "first", "last")"},
      {process(R"({"type": "ddpm", "betas": [0.1], "first": 1})"),
       R"(process: "betas" and "first" exclude each other)"},
      {process(R"({"type": "ddpm", "steps": 10, "first": 0.1})"), R"(process: missing key "last")"},
      {process(R"({"type": "ddpm", "steps": 1e30, "first": 0.1, "last": 0.1})"),
       "process.steps: expected an integer from 1 to 1000000, given 1e+30"},
      {process(R"({"type": "rectified-flow", "T": 1})"),
       R"(process: unknown key "T"; did you mean "type"? (known: type))"},
  });
}

TEST(ProblemReader, NamesBadGrids) {
  const auto grid = [](const std::string& text) { return with(R"("grid": )" + text); };
  const std::string count = "expected an integer from 1 to 1000000, given ";
  expect_messages({
      {grid(R"({"type": "unifrom"})"),
       R"(grid.type: unknown grid "unifrom"; did you mean "uniform"? (known: uniform, karras, log-snr, ddim, mcgdiff, list))"},
      {grid(R"({"type": "uniform"})"), R"(grid: missing key "steps")"},
      {grid(R"({"type": "uniform", "stpes": 3})"),
       R"(grid: unknown key "stpes"; did you mean "steps"? (known: type, steps, t_start, t_end))"},
      {grid(R"({"type": "uniform", "steps": 0})"), "grid.steps: " + count + "0"},
      {grid(R"({"type": "uniform", "steps": -3})"), "grid.steps: " + count + "-3"},
      {grid(R"({"type": "uniform", "steps": 2.5})"), "grid.steps: " + count + "2.5"},
      {grid(R"({"type": "uniform", "steps": 1000001})"), "grid.steps: " + count + "1000001"},
      {grid(R"({"type": "uniform", "steps": 123456789012345678901234567890})"),
       "grid.steps: " + count + "1.2345678901234568e+29"},
      {grid(R"({"type": "uniform", "steps": "many"})"), "grid.steps: " + count + R"("many")"},
      {grid(R"({"type": "uniform", "steps": true})"), "grid.steps: " + count + "true"},
      {grid(R"({"type": "log-snr", "steps": 3})"), R"(grid: missing key "t_end")"},
      {grid(R"({"type": "log-snr", "steps": 3, "t_end": 0.1, "end_at_data": 1})"),
       "grid.end_at_data: expected true or false, given 1"},
      {grid(R"({"type": "uniform", "steps": 3, "t_start": null})"),
       "grid.t_start: expected a number, given null"},
      {grid(R"({"type": "ddim", "steps": 3, "spacing": "cubic"})"),
       R"(grid.spacing: expected "linear" or "quadratic", given "cubic")"},
      {grid(R"({"type": "mcgdiff", "steps": 3})"),
       R"(grid: unknown key "steps"; did you mean "type"? (known: type, points))"},
      {grid(R"({"type": "mcgdiff"})"), R"(grid: missing key "points")"},
      {grid(R"({"type": "list"})"), R"(grid: missing key "t")"},
      {grid(R"({"type": "list", "t": []})"), "grid.t: expected an array of numbers, given 0 numbers"},
  });
}

TEST(ProblemReader, NamesBadSamplers) {
  const auto sampler = [](const std::string& text) { return with(R"("sampler": )" + text); };
  expect_messages({
      {sampler(R"({"type": "tds", "particles": 256})"),
       R"(sampler.type: unknown sampler "tds"; did you mean "tmp"? (known: ddim, exact-transition, ancestral, euler-maruyama, euler, heun, )"
       R"(dpmpp-2s, dpmpp-2m, sde-dpmpp-2m, dpmpp-3m, unipc-3, exact-ancestral, exact-decoupled, naive-backward, annealed, mcgdiff, bootstrap, tmp, pigdm, pigdm-alg1, dps, dps-likelihood, dps-gsg, exact, ula, mala, hmc, baoab, obabo, ou, myula, learned))"},
      {sampler(R"({"type": "ddim", "ete": 1})"),
       R"(sampler: unknown key "ete"; did you mean "eta"? (known: type, eta, churn, churn_min, churn_max, churn_noise, start))"},
      {sampler(R"({"type": "dpmpp-2m", "churn": 1})"),
       R"(sampler: unknown key "churn"; did you mean "start"? (known: type, start))"},
      {sampler(R"({"type": "ddim", "eta": "inf"})"), R"(sampler.eta: expected a number, given "inf")"},
      {sampler(R"({"type": "ddim", "churn_max": "nan"})"),
       R"(sampler.churn_max: expected a number or "inf", given "nan")"},
      {sampler(R"({"type": "ancestral", "variance": "medium"})"),
       R"(sampler.variance: expected "small" or "large", given "medium")"},
      {sampler(R"({"type": "heun", "variable": 1})"), R"(sampler.variable: expected "t" or "n", given 1)"},
  });
}

TEST(ProblemReader, NamesBadSmcSamplers) {
  const auto sampler = [](const std::string& text) { return with(observed + text); };
  const std::string keys =
      "(known: type, particles, variant, kappa, kernel, eta, start, resampling, ess_threshold, output)";
  expect_messages({
      {with(R"("sampler": {"type": "mcgdiff"})"),
       "sampler: mcgdiff samples the posterior of an observation, and the problem has none"},
      {with(R"("sampler": {"type": "bootstrap", "particles": 5})"),
       "sampler: bootstrap samples the posterior of an observation, and the problem has none"},
      {sampler(R"({"type": "mcgdif"})"),
       R"(sampler.type: unknown sampler "mcgdif"; did you mean "mcgdiff"? (known: ddim, exact-transition, ancestral, euler-maruyama, )"
       R"(euler, heun, dpmpp-2s, dpmpp-2m, sde-dpmpp-2m, dpmpp-3m, unipc-3, exact-ancestral, exact-decoupled, naive-backward, annealed, mcgdiff, bootstrap, tmp, pigdm, pigdm-alg1, dps, dps-likelihood, dps-gsg, exact, ula, mala, hmc, baoab, obabo, ou, myula, learned))"},
      {sampler(R"({"type": "mcgdiff", "particle": 5})"),
       R"(sampler: unknown key "particle"; did you mean "particles"? )" + keys},
      {sampler(R"({"type": "bootstrap", "variant": "A"})"),
       R"(sampler: unknown key "variant"; did you mean "start"? (known: type, particles, kernel, eta, start, )"
       R"(resampling, ess_threshold, output))"},
      {sampler(R"({"type": "mcgdiff", "particles": 0})"),
       "sampler.particles: expected an integer from 1 to 1073741824, given 0"},
      {sampler(R"({"type": "mcgdiff", "particles": 1.5})"),
       "sampler.particles: expected an integer from 1 to 1073741824, given 1.5"},
      {sampler(R"({"type": "mcgdiff", "particles": 1073741825})"),
       "sampler.particles: expected an integer from 1 to 1073741824, given 1073741825"},
      {sampler(R"({"type": "mcgdiff", "variant": "B"})"),
       R"(sampler.variant: expected "C" or "A", given "B")"},
      {sampler(R"({"type": "mcgdiff", "kappa": "small"})"),
       R"(sampler.kappa: expected a number, given "small")"},
      {sampler(R"({"type": "mcgdiff", "kernel": "euler"})"),
       R"(sampler.kernel: expected "ddim" or "exact", given "euler")"},
      {sampler(R"({"type": "mcgdiff", "eta": true})"), "sampler.eta: expected a number, given true"},
      {sampler(R"({"type": "mcgdiff", "start": "here"})"),
       R"(sampler.start: expected "exact" or "gaussian", given "here")"},
      {sampler(R"({"type": "mcgdiff", "resampling": "often"})"),
       R"(sampler.resampling: expected "systematic" or "stratified" or "multinomial" or "residual", given "often")"},
      {sampler(R"({"type": "mcgdiff", "ess_threshold": null})"),
       "sampler.ess_threshold: expected a number, given null"},
      {sampler(R"({"type": "mcgdiff", "output": "all"})"),
       R"(sampler.output: expected "draw" or "particles", given "all")"},
  });
}

TEST(ProblemReader, NamesBadGuidedSamplers) {
  const auto sampler = [](const std::string& text) { return with(observed + text); };
  expect_messages({
      {with(R"("sampler": {"type": "tmp"})"),
       "sampler: tmp samples the posterior of an observation, and the problem has none"},
      {sampler(R"({"type": "dps", "zeta": "small"})"), R"(sampler.zeta: expected a number, given "small")"},
      {sampler(R"({"type": "dps", "eta": 1})"),
       R"(sampler: unknown key "eta"; did you mean "zeta"? (known: type, zeta, epsilon, integrator, variance, churn, churn_min, churn_max, )"
       R"(churn_noise, start))"},
      {sampler(R"({"type": "pigdm", "integrator": {"type": "ddim"}})"),
       "sampler.integrator: expected the name of an integrator, given an object"},
      {sampler(R"({"type": "pigdm", "integrator": "mcgdiff"})"),
       R"(sampler.integrator: unknown integrator "mcgdiff"; did you mean "ddim"? (known: ddim, ancestral, euler-maruyama, euler, heun, )"
       R"(dpmpp-2s, dpmpp-2m, sde-dpmpp-2m, dpmpp-3m, unipc-3, annealed))"},
      {sampler(R"({"type": "exact", "integrator": "exact-transition"})"),
       "sampler.integrator: exact-transition evaluates no denoiser; a guided sampler needs one that does"},
      {sampler(R"({"type": "tmp", "integrator": "naive-backward"})"),
       "sampler.integrator: naive-backward evaluates no denoiser; a guided sampler needs one that does"},
      {sampler(R"({"type": "dps-gsg", "directions": 0})"),
       "sampler.directions: expected an integer from 1 to 65536, given 0"},
  });
}

TEST(ProblemReader, PutsThePlaceBeforeWhatTheModelFindsWrong) {
  const auto expect_prefix = [](const std::string& json, const std::string& prefix) {
    const std::string message = error_in(json);
    EXPECT_TRUE(message.starts_with(prefix) && message.size() > prefix.size()) << message;
  };

  expect_prefix(
      with_prior(R"({"weights": [-1], "means": [[1]], "covariance": {"type": "diag", "values": [[1]]}})"),
      "p.json: prior: Mixture: ");
  expect_prefix(with_covariance(R"({"type": "tied", "values": [[1, 5], [5, 1]]})"),
                "p.json: prior: Mixture: ");
  expect_prefix(with(R"("process": {"type": "ou", "T": -1})"), "p.json: process: ");
  expect_prefix(with(R"("process": {"type": "ddpm", "betas": [2]})"), "p.json: process: ");
  expect_prefix(with(R"("grid": {"type": "list", "t": [0.5, 0.7]})"), "p.json: grid: ");
  expect_prefix(with(R"("grid": {"type": "mcgdiff", "points": 5})"), "p.json: grid: ");
  expect_prefix(with(R"("grid": {"type": "karras", "steps": 5})"), "p.json: grid: ");
  expect_prefix(with(R"("observation": {"A": [[1, 0]], "y": [1], "noise_std": -1})"),
                "p.json: observation: LinearObservation: ");
}

TEST(ProblemReader, ReadsALearnedDenoiser) {
  const test::TemporaryFolder folder;
  const DenoiserTraining training = test::random_training(Parametrisation::edm);
  write_denoiser(folder / "model.npz", training);
  const Points x{{0.5, -1.0}, {2.0, 0.25}};
  const Level level{.alpha = 0.6, .sigma = 0.8};
  const auto expect_the_network = [&](const auto& problem) {
    ASSERT_TRUE(problem.denoiser.has_value());
    EXPECT_EQ(problem.denoiser->denoiser.id, LearnedDenoiser(training).denoiser().id);
    Points D;
    problem.denoiser->denoiser.function(x, level, D);
    EXPECT_EQ(D, LearnedDenoiser(training)(x, level));
  };
  const Problem problem = parse_problem(with(R"("denoiser": "model.npz")"), "p.json", folder / "");
  expect_the_network(problem);
  EXPECT_EQ(std::get<Ddim>(std::get<Sampler>(problem.sampler)).start, Start::gaussian);
  EXPECT_EQ(to_json(parse_problem(to_json(problem))), to_json(problem)) << "the file has its whole path";

  std::istringstream nonlinear(with(
      R"("denoiser": "model.npz", "observation": {"map": {"type": "range", "anchors": [[1, 0]]}, "y": [0.5], "noise_std": 0.5})"));
  const AnyProblem any = read_any_problem(nonlinear, "p.json", folder / "");
  expect_the_network(std::get<NonlinearProblem>(any));
  expect_the_network(prior_of(std::get<NonlinearProblem>(any)));
  EXPECT_NE(to_json(any).find("model.npz"), std::string::npos);
  // The denoiser is that of the prior, so the usual sampler of a posterior is a guided one.
  EXPECT_TRUE(std::holds_alternative<GuidedSampler>(std::get<NonlinearProblem>(any).sampler));
  const Problem observed = parse_problem(
      with(R"("denoiser": "model.npz", "observation": {"A": [[1, 0]], "y": [0.5], "noise_std": 0.5})"),
      "p.json", folder / "");
  EXPECT_TRUE(std::holds_alternative<GuidedSampler>(observed.sampler));
}

TEST(ProblemReader, NamesWhatIsWrongWithADenoiser) {
  const test::TemporaryFolder folder;
  write_denoiser(folder / "model.npz", test::random_training(Parametrisation::edm));
  const auto message = [&](const std::string& json) {
    return error_of([&] { parse_problem(json, "p.json", folder / ""); });
  };
  EXPECT_EQ(message(with(R"("denoiser": 3)")),
            "p.json: denoiser: expected the path of a learned denoiser, got 3");
  EXPECT_TRUE(message(with(R"("denoiser": "missing.npz")")).starts_with("p.json: denoiser: "));
  EXPECT_NE(message(with(R"("denoiser": "missing.npz")")).find("missing.npz"), std::string::npos);
  const std::string line =
      R"({"prior": {"weights": [1], "means": [[0]], "covariance": {"type": "spherical", "values": [1]}}, "denoiser": "model.npz"})";
  EXPECT_NE(message(line).find("model.npz: the denoiser has dimension 2, and the prior has 1"),
            std::string::npos)
      << message(line);
  Problem own = parse(with(R"("sampler": {"type": "ddim"})"));
  own.denoiser = GivenDenoiser{.denoiser = {.id = "mine", .function = nullptr}};
  EXPECT_EQ(error_of([&] { to_json(own); }),
            "the denoiser \"mine\" of the problem is a function, which has no JSON form");
}

}  // namespace
}  // namespace gmdiff
