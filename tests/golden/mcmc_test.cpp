#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/plan/plan.hpp>

#include "device/reference/program.hpp"
#include "particle/adaptation.hpp"
#include "particle/moments.hpp"
#include "plan/dual_averaging.hpp"
#include "support/golden.hpp"

// golden/mcmc_steps.json: single steps of Markov chains with given normals (mathematics.md §12), with and
// without a preconditioner, on the device reference, which the other devices are tested against.

namespace gmdiff {
namespace {

using test::json;

constexpr double mcmc_tolerance = 1e-12;  // the file's own

void expect_vector(const Points& found, const json& expected, const std::string& name) {
  const Eigen::RowVectorXd values = test::vector(expected).transpose();
  EXPECT_LT((found - values).cwiseAbs().maxCoeff(),
            mcmc_tolerance * std::max(1.0, values.cwiseAbs().maxCoeff()))
      << name << ": " << found;
}

/// A row of a case: one step from its x, v with its normals z, z2.
class GoldenChainStep {
 public:
  GoldenChainStep(const json& golden_case, const json& row)
      : row_(row),
        target_(golden_case["target"]["weights"].get<std::vector<double>>(),
                test::matrix(golden_case["target"]["means"]),
                Covariance::full(test::matrices(golden_case["target"]["covariance"]["values"]))) {
    run.preconditioner = test::matrix(golden_case["L"]);
  }

  struct Result {
    Points x, proposal, velocity;
    double log_ratio;
  };

  /// @param fresh name of the normals that a fresh velocity has
  Result step(const McmcSampler& sampler, bool accepts = true, const char* fresh = "z") {
    const Plan plan = mcmc_plan(target_, sampler);
    const reference::Model model(plan.problems.front());
    Points x = test::vector(row_["x"]).transpose();
    Eigen::VectorXd given;
    reference::ProgramSteps steps(
        plan, model, nullptr, x,
        {.normals =
             [&](std::int64_t /*n*/, const Combine& stage) {
               const char* name = stage.stream == NoiseStream::velocity ? "v"
                                  : stage.draw == 0                     ? fresh
                                                                        : "z2";
               given = test::vector(row_[name]);
               return static_cast<const double*>(given.data());
             },
         .choice = [](std::int64_t /*n*/) { return 0.0; },
         .direction = [](std::int64_t /*n*/, int /*q*/) -> const double* { return nullptr; },
         .log_uniform =
             [accepts](std::int64_t /*n*/) {
               const double infinity = std::numeric_limits<double>::infinity();
               return accepts ? -infinity : infinity;
             }});
    steps.advance(plan.prologue, 0);
    steps.advance(std::get<Program>(plan.steps.front()), 0);
    return {steps.vector(0), steps.vector(2), steps.vector(5), steps.chains().front().log_ratio};
  }

  const json& operator[](const char* key) const { return row_[key]; }

  ChainRun run{.steps = 1};

 private:
  const json& row_;
  Mixture target_;
};

void expect_ratio(double found, const json& expected, const std::string& name) {
  EXPECT_NEAR(found, expected.get<double>(), 1e-12) << name;
}

TEST(GoldenMcmc, StepsHaveTheExpectedStatesAndRatios) {
  int checked = 0;
  for (const json& golden_case : test::load_golden("mcmc_steps")["cases"]) {
    const std::string name = golden_case["name"];
    const double h = golden_case["step"], friction = golden_case["friction"], eps = golden_case["hmc_step"];
    for (const json& row : golden_case["rows"]) {
      GoldenChainStep golden(golden_case, row);
      expect_vector(golden.step(Ula{.step = h, .run = golden.run}).x, row["ula"], name + " ula");
      const auto mala = golden.step(Mala{.step = h, .run = golden.run});
      expect_vector(mala.proposal, row["mala_proposal"], name + " mala");
      expect_ratio(mala.log_ratio, row["mala_log_ratio"], name + " mala");
      const auto baoab = golden.step(Baoab{.step = h, .friction = friction, .run = golden.run});
      expect_vector(baoab.x, row["baoab_x"], name + " baoab");
      expect_vector(baoab.velocity, row["baoab_v"], name + " baoab");
      const int leapfrogs = row["hmc_leapfrog"];
      const auto hmc = golden.step(Hmc{.step = eps, .leapfrogs = leapfrogs, .run = golden.run}, true, "v");
      expect_vector(hmc.x, row["hmc_x"], name + " hmc");
      expect_vector(hmc.velocity, row["hmc_v"], name + " hmc");
      expect_ratio(hmc.log_ratio, row["hmc_log_ratio"], name + " hmc");

      const json& expected = row["obabo"];
      Obabo obabo{.step = h, .friction = friction, .run = golden.run};
      const auto plain = golden.step(obabo);
      expect_vector(plain.x, expected["x"], name + " obabo");
      expect_vector(plain.velocity, expected["v"], name + " obabo");
      obabo.metropolis = true;
      const auto accepted = golden.step(obabo);
      expect_vector(accepted.proposal, expected["x_proposed"], name + " obabo");
      expect_vector(accepted.velocity, expected["v"], name + " obabo");
      expect_ratio(accepted.log_ratio, expected["log_ratio"], name + " obabo");
      const auto rejected = golden.step(obabo, /*accepts=*/false);
      expect_vector(rejected.x, expected["x_rejected"], name + " obabo");
      expect_vector(rejected.velocity, expected["v_rejected"], name + " obabo");
      ++checked;
    }
  }
  EXPECT_GE(checked, 6);
}

/// The memory of one chain's moments.
struct OneChain {
  std::vector<double>* numbers;
  particle::One<double> load(particle::Index place) const {
    return particle::One<double>((*numbers)[static_cast<std::size_t>(place)]);
  }
  void store(particle::Index place, particle::One<double> value) const {
    (*numbers)[static_cast<std::size_t>(place)] = value.v;
  }
};

/// One worker, which owns all coordinates.
struct OneWorker {
  using Vector = const particle::One<double>*;
  template <class Body>
  void for_each_own(particle::Index n, Body body) const {
    for (particle::Index i = 0; i < n; ++i) body(i);
  }
  void sync() const {}
};

TEST(GoldenMcmc, RunningMomentsAreTheExpectedOnes) {
  using V = particle::One<double>;
  const json& golden_case = test::load_golden("mcmc_moments")["cases"][0];
  const Points draws = test::matrix(golden_case["draws"]);
  const Points covariance = test::matrix(golden_case["covariance"]);
  constexpr std::uint64_t first = 100;
  const particle::MomentPlaces places{.dim = 2, .has_covariance = true};
  // The content of the memory before the first state has no effect.
  std::vector<double> numbers(static_cast<std::size_t>(places.size()), std::nan(""));
  const particle::AccumulateTable table{
      .counted_from = first, .batched_from = first + 1, .batch = 2, .has_covariance = true};
  OneWorker worker;
  const OneChain memory{&numbers};
  for (Eigen::Index n = 0; n < draws.rows(); ++n) {
    const V x[] = {V(draws(n, 0)), V(draws(n, 1))};
    particle::RunningMoments<V, OneWorker, OneChain>(worker, 2, table, memory)
        .add(x, first + static_cast<std::uint64_t>(n));
  }
  const auto number = [&](particle::Index place) { return numbers[static_cast<std::size_t>(place)]; };
  const auto freedom = static_cast<double>(draws.rows() - 1);
  for (Eigen::Index i = 0; i < 2; ++i) {
    EXPECT_NEAR(number(places.mean(i)), golden_case["mean"][static_cast<std::size_t>(i)].get<double>(),
                1e-15);
    for (Eigen::Index j = 0; j <= i; ++j)
      EXPECT_NEAR(number(places.product(i, j)) / freedom, covariance(i, j), 1e-15);
    EXPECT_EQ(number(places.batch(0, i)), draws(1, i) + draws(2, i));
    EXPECT_EQ(number(places.batch(1, i)), draws(3, i) + draws(4, i));
  }
}

// golden/mcmc_chains.json: whole runs from a seed, on the devices reference and cpu.

const json& golden_chain(const std::string& name) {
  for (const json& golden_case : test::load_golden("mcmc_chains")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::invalid_argument("no golden case " + name);
}

/// The states after the first steps of one chain, shape (steps, d).
Points trace_of(const Target& target, const McmcSampler& sampler, std::int64_t chain, const Device& device) {
  const Samples samples =
      run(mcmc_plan(target, sampler),
          {.count = 1, .seed = 20240702, .device = device, .precision = Precision::f64, .first = chain});
  return samples.to_double();
}

Points states_of(const json& steps) {
  std::vector<Eigen::VectorXd> rows;
  for (const json& step : steps) rows.push_back(test::vector(step["x"]));
  Points states(std::ssize(rows), rows.front().size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    states.row(static_cast<Eigen::Index>(i)) = rows[i].transpose();
  return states;
}

TEST(GoldenChains, HaveTheExpectedStates) {
  const auto expect_states = [](const Points& found, const json& steps, const char* name) {
    EXPECT_LT((found - states_of(steps)).cwiseAbs().maxCoeff(), 1e-10) << name;
  };
  for (const Device& device : {Device::reference(), Device::cpu()}) {
    const json& mala = golden_chain("chain_mala");
    for (const json& row : mala["rows"]) {
      const int steps = static_cast<int>(row["steps"].size());
      const Points found =
          trace_of(SinGaussian{},
                   Mala{.step = 0.5, .run = {.steps = steps, .output = ChainOutput::trace, .start_std = 2.0}},
                   row["chain"], device);
      expect_states(found, row["steps"], "mala");
    }
    const json& kinetic = golden_chain("chain_kinetic");
    ChainRun run{.steps = 3, .output = ChainOutput::trace};
    run.preconditioner = test::matrix(kinetic["L"]);
    const Banana banana{.scale = 2.0, .curvature = 0.25, .dim = 2};
    for (const json& row : kinetic["rows"]) {
      expect_states(trace_of(banana, Baoab{.step = 0.25, .run = run}, row["chain"], device), row["baoab"],
                    "baoab");
      expect_states(
          trace_of(banana, Obabo{.step = 0.25, .metropolis = true, .run = run}, row["chain"], device),
          row["obabo_metropolis"], "obabo");
      const Hmc hmc{
          .step = kinetic["hmc_eps"], .leapfrogs = kinetic["hmc_leapfrog"], .jitter = true, .run = run};
      expect_states(trace_of(banana, hmc, row["chain"], device), row["hmc_jitter"], "hmc");
    }
  }
}

// golden/mcmc_adaptation.json: step sizes of pilot runs (§12.3).

const json& adaptation(const std::string& name) {
  for (const json& golden_case : test::load_golden("mcmc_adaptation")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::invalid_argument("no golden case " + name);
}

TEST(GoldenAdaptation, DualAveragingTakesTheExpectedSteps) {
  for (const char* name : {"dual_averaging_0.574", "dual_averaging_0.8"}) {
    const json& expected = adaptation(name);
    DualAveraging average(expected["initial"], expected["target_acceptance"]);
    for (std::size_t m = 0; m < expected["acceptance"].size(); ++m) {
      average.add(expected["acceptance"][m]);
      EXPECT_NEAR(average.H(), expected["H"][m].get<double>(), 1e-12);
      EXPECT_NEAR(average.log_step(), expected["log_eps"][m].get<double>(), 1e-11);
      EXPECT_NEAR(average.log_average(), expected["log_eps_bar"][m].get<double>(), 1e-11);
    }
    EXPECT_NEAR(std::exp(2.0 * average.log_average()) / expected["step"].get<double>(), 1.0, 1e-11);
  }
}

// The same sequence in the arithmetic of a particle, for chains that adapt their own steps.
TEST(GoldenAdaptation, ChainsTakeTheExpectedSteps) {
  using Double = particle::One<double>;
  for (const char* name : {"dual_averaging_0.574", "dual_averaging_0.8"}) {
    const json& expected = adaptation(name);
    const std::size_t steps = expected["acceptance"].size();
    particle::ChainNumbers<Double> chain{};
    chain.step = Double(expected["initial"].get<double>());
    const particle::AdaptTable table{.rule = particle::StepRule::average,
                                     .target = expected["target_acceptance"],
                                     .first = 5,
                                     .last = 4 + steps};
    for (std::size_t m = 0; m < steps; ++m) {
      chain.probability = Double(expected["acceptance"][m].get<double>());
      particle::adapt_step(table, 5 + m, chain);
      EXPECT_NEAR(chain.error.v, expected["H"][m].get<double>(), 1e-12);
      EXPECT_NEAR(chain.average.v, expected["log_eps_bar"][m].get<double>(), 1e-11);
      const double log_step = expected[m + 1 < steps ? "log_eps" : "log_eps_bar"][m];
      EXPECT_NEAR(std::log(chain.step.v), log_step, 1e-11);
    }
    EXPECT_NEAR(chain.step.v * chain.step.v / expected["step"].get<double>(), 1.0, 1e-11);
  }
}

TEST(GoldenAdaptation, TheFirstStepIsTheOneThatCrossesOneHalf) {
  for (const json& row : adaptation("find_step")["rows"]) {
    const double s = row["gaussian_std"], x = row["x"], z = row["z"];
    const auto acceptance = [&](const Eigen::VectorXd& eps) {
      const double h = eps(0) * eps(0);
      const double to = x - 0.5 * h * x / (s * s) + eps(0) * z;
      const double q = -0.5 * eps(0) * (x + to) / (s * s);
      const double ratio = 0.5 * (x * x - to * to) / (s * s) - q * z - 0.5 * q * q;
      return Eigen::VectorXd(Eigen::VectorXd::Constant(1, std::min(1.0, std::exp(ratio))));
    };
    EXPECT_EQ(crossing_steps(1, acceptance)(0), row["eps"].get<double>());
    using Double = particle::One<double>;
    particle::ChainNumbers<Double> chain{};
    particle::AdaptTable table{};
    table.rule = particle::StepRule::begin;
    particle::adapt_step(table, 0, chain);
    table.rule = particle::StepRule::search;
    for (int trial = 0; trial <= most_crossing_steps; ++trial) {
      chain.probability = Double(acceptance(Eigen::VectorXd::Constant(1, chain.step.v))(0));
      particle::adapt_step(table, 0, chain);
    }
    EXPECT_EQ(chain.step.v, row["eps"].get<double>());
    EXPECT_EQ(chain.search.v, particle::ChainNumbers<Double>::search_ended);
  }
}

TEST(GoldenAdaptation, ThePilotGivesTheMedianAndShrunkVariances) {
  const json& expected = adaptation("pilot");
  const Eigen::VectorXd eps = test::vector(expected["log_eps_bar"]).array().exp();
  EXPECT_NEAR(median_of(eps.cwiseAbs2()), expected["step"].get<double>(), 1e-14);
  const Eigen::VectorXd M =
      shrunk_variances(test::vector(expected["pooled_variance"]), expected["draws"].get<double>());
  const Eigen::VectorXd expected_M = test::vector(expected["preconditioner"]);
  EXPECT_LT((M - expected_M).cwiseQuotient(expected_M).cwiseAbs().maxCoeff(), 1e-14);
}

}  // namespace
}  // namespace gmdiff
