// The table of guided samplers in docs/performance.md: sliced W1 of 1000 samples to the exact posterior, 100 slices, for
// the problems of the MCGdiff benchmark and four small ones. VP with beta from 0.1 to 30, 200 steps uniform in t from 1
// to 1e-3, start N(0, sigma_T^2 I).
//
//   gmdiff_guidance_table [DEVICE]      DEVICE: cpu (default), cuda, reference

#include <gmdiff/gmdiff.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using namespace gmdiff;
using nlohmann::json;

namespace {

constexpr std::int64_t samples_per_problem = 1000;

struct GuidedProblem {
  Mixture prior;
  LinearObservation observation;
  std::uint64_t seed;
};
struct Column {
  std::string name;
  std::vector<GuidedProblem> problems;
};

json read(const std::string& name) {
  std::ifstream file(std::string(GMDIFF_GOLDEN_FOLDER) + "/" + name);
  return json::parse(file);
}

Eigen::MatrixXd matrix(const json& rows) {
  Eigen::MatrixXd result(static_cast<Eigen::Index>(rows.size()),
                         static_cast<Eigen::Index>(rows.front().size()));
  for (Eigen::Index i = 0; i < result.rows(); ++i) {
    for (Eigen::Index j = 0; j < result.cols(); ++j) {
      result(i, j) = rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)].get<double>();
    }
  }
  return result;
}
Eigen::VectorXd vector(const json& values) {
  const auto numbers = values.get<std::vector<double>>();
  return Eigen::Map<const Eigen::VectorXd>(numbers.data(), std::ssize(numbers));
}

/// 25 unit components at (-8i, -8j, -8i, -8j, ...), i, j = -2 ... 2.
Mixture benchmark_prior(const std::vector<double>& weights, Eigen::Index dim) {
  Points means(25, dim);
  for (Eigen::Index k = 0; k < 25; ++k) {
    for (Eigen::Index c = 0; c < dim; ++c) {
      means(k, c) = -8.0 * static_cast<double>((c % 2 == 0 ? k / 5 : k % 5) - 2);
    }
  }
  return {weights, means, Covariance::spherical(std::vector<double>(25, 1.0))};
}

std::vector<Column> columns() {
  std::vector<Column> result;
  const json benchmark = read("guidance_benchmark.json");
  for (const json& golden : benchmark["cases"]) {
    const auto d = golden["d"].get<Eigen::Index>();
    const std::string name = "(" + std::to_string(d) + "," + std::to_string(golden["dy"].get<int>()) + ")";
    if (result.empty() || result.back().name != name) result.push_back({name, {}});
    result.back().problems.push_back(
        {benchmark_prior(golden["weights"].get<std::vector<double>>(), d),
         LinearObservation(matrix(golden["A"]), vector(golden["y"]), golden["sigma_y"].get<double>()),
         golden["seed"].get<std::uint64_t>()});
  }
  const auto add = [&](const std::string& name, const Mixture& prior, const LinearObservation& observation) {
    result.push_back({name, {}});
    for (std::uint64_t seed = 0; seed < 5; ++seed)
      result.back().problems.push_back({prior, observation, seed});
  };
  add("1-D", {{0.3, 0.4, 0.3}, Points{{-2}, {0}, {2}}, Covariance::spherical({0.5, 0.3, 0.7})},
      {Eigen::MatrixXd{{1}}, Eigen::VectorXd{{0.5}}, 0.2});
  add("2-D", {{0.6, 0.4}, Points{{0, 0}, {2, 2}}, Covariance::spherical({0.5, 0.8})},
      {Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{1.5}}, 0.2});
  add("quadrants",
      {{0.25, 0.25, 0.25, 0.25},
       Points{{-8, -8}, {-8, 8}, {8, -8}, {8, 8}},
       Covariance::spherical({1.5, 1.5, 1.5, 1.5})},
      {Eigen::MatrixXd{{1, 1}}, Eigen::VectorXd{{0}}, 1.0});
  const json denoisers = read("guidance_denoisers.json");
  const json& gaussian = denoisers["cases"].front()["problem"];
  add("Gaussian",
      {{1.0}, matrix(gaussian["means"]), Covariance::full({matrix(gaussian["covariances"].front())})},
      {matrix(gaussian["A"]), vector(gaussian["y"]), gaussian["sigma_y"].get<double>()});
  return result;
}

/// Samples of one problem by one method.
using Method = std::function<Samples(const GuidedProblem&, const Options&)>;

Method guided(GuidedSampler sampler) {
  return [sampler](const GuidedProblem& problem, const Options& options) {
    const ForwardProcess process = vp(LinearBeta{.min = 0.1, .max = 30.0});
    const TimeGrid grid(process, UniformGrid{.steps = 200, .t_start = 1.0, .t_end = 1e-3});
    return sample(problem.prior, problem.observation, process, grid, sampler, options);
  };
}

/// The data variance per coordinate of the problem's prior for tau2.
Samples pigdm_of_data_variance(const GuidedProblem& problem, const Options& options) {
  const double tau2 = problem.prior.covariance().trace() / static_cast<double>(problem.prior.dim());
  return guided(Pigdm{.tau2 = tau2})(problem, options);
}

Samples exact_decoupled(const GuidedProblem& problem, const Options& options) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.1, .max = 30.0});
  const TimeGrid grid(process, UniformGrid{.steps = 10, .t_start = 1.0, .t_end = 1e-3});
  return sample(problem.prior, problem.observation, process, grid, ExactDecoupled{}, options);
}

std::vector<std::pair<std::string, Method>> methods() {
  return {{"exact, ancestral", guided(ExactGuidance{})},
          {"exact, ODE", guided(ExactGuidance{.integrator = Ddim{}})},
          {"exact-decoupled, 10 steps", exact_decoupled},
          {"tmp, ancestral", guided(Tmp{})},
          {"tmp, ODE", guided(Tmp{.integrator = Ddim{}})},
          {"tmp:scale=diffuse", guided(Tmp{.scale = Tmp::Scale::diffuse})},
          {"tmp:scale=row-sum", guided(Tmp{.scale = Tmp::Scale::row_sum})},
          {"pigdm:tau2=1", guided(Pigdm{})},
          {"pigdm:tau2=tr/d", pigdm_of_data_variance},
          {"pigdm-alg1", guided(PigdmAlgorithm1{})},
          {"dps-likelihood", guided(DpsLikelihood{})},
          {"dps:zeta=0.01", guided(Dps{.zeta = 0.01})},
          {"dps:zeta=0.1", guided(Dps{.zeta = 0.1})},
          {"dps:zeta=1", guided(Dps{.zeta = 1.0})},
          {"dps-gsg:zeta=0.1", guided(DpsGsg{.zeta = 0.1})}};
}

/// Mean over the problems that did not diverge, standard error, median, number of diverged problems.
std::string cell(std::vector<double> values, std::size_t problems) {
  if (values.empty()) return "- †" + std::to_string(problems);
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
  char text[96];
  std::snprintf(text, sizeof text, "%.3f±%.3f (%.3f)", mean, std::sqrt(squares / (n - 1.0) / n), median);
  const std::size_t diverged = problems - values.size();
  return diverged == 0 ? text : text + std::string(" †") + std::to_string(diverged);
}

}  // namespace

int main(int argc, char** argv) {
  const Device device = argc > 1 ? Device::parse(argv[1]) : Device::cpu();
  const std::vector<Column> table = columns();
  std::map<std::string, std::vector<std::string>> rows;
  for (const Column& column : table) {
    std::map<std::string, std::vector<double>> scores;
    for (const GuidedProblem& problem : column.problems) {
      const Mixture law = posterior(problem.prior, problem.observation).mixture;
      const JudgeOptions judging{.repeats = 2, .seed = problem.seed + 1000, .device = device};
      for (const auto& [name, method] : methods()) {
        try {
          const Samples x =
              method(problem, {.count = samples_per_problem, .seed = problem.seed, .device = device});
          const Judgement judgement = judge(x, law, judging).front();
          scores[name].push_back(judgement.value);
          if (name == methods().front().first) scores["noise floor"].push_back(judgement.floor);
        } catch (const NonFiniteError&) {
          // The method diverged on this problem.
        }
      }
    }
    rows["noise floor"].push_back(cell(scores["noise floor"], column.problems.size()));
    for (const auto& [name, method] : methods())
      rows[name].push_back(cell(scores[name], column.problems.size()));
  }
  const auto print = [](const std::string& head, const std::vector<std::string>& cells) {
    std::cout << "| " << head << " |";
    for (const std::string& text : cells) std::cout << ' ' << text << " |";
    std::cout << '\n';
  };
  std::vector<std::string> names;
  for (const Column& column : table) names.push_back(column.name);
  print("sampler", names);
  print("---", std::vector<std::string>(names.size(), "---"));
  print("noise floor", rows["noise floor"]);
  for (const auto& [name, method] : methods()) print(name, rows[name]);
}
