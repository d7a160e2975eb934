#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/plan/plan.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

using test::expect_invalid;

Mixture standard_normal(Eigen::Index dim) {
  return {{1.0}, Points::Zero(1, dim), Covariance::spherical({1.0})};
}

/// N(0, diag(variances)).
Mixture gaussian(const Eigen::VectorXd& variances) {
  return {{1.0}, Points::Zero(1, variances.size()), Covariance::diag(variances.transpose())};
}

TEST(McmcPlan, RepeatsOneProgramAndKeepsTheThinnedLevels) {
  const ChainRun run{.warmup = 10, .steps = 7, .thin = 3, .output = ChainOutput::trace};
  const Plan plan = mcmc_plan(standard_normal(2), Mala{.step = 0.5, .run = run});
  EXPECT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.num_steps(), 17);
  EXPECT_EQ(plan.kept, (std::vector<int>{13, 16}));
  EXPECT_EQ(plan.times.size(), 18U);
  EXPECT_EQ(plan.times.back(), 8.5);
}

TEST(McmcPlan, HashCoversEveryParameter) {
  const Mixture target = standard_normal(2);
  const ChainRun run{.steps = 5};
  ChainRun warm = run, wide = run, diagonal = run, moved = run, later = run;
  moved.start_mean = Eigen::Vector2d(1.0, 0.0);
  later.first_step = 5;
  ChainRun with_moments{.steps = 16, .output = ChainOutput::moments};
  warm.warmup = 1;
  wide.start_std = 2.0;
  diagonal.preconditioner = Eigen::VectorXd::Constant(2, 2.0);
  const std::vector<McmcSampler> samplers{Ula{.step = 0.1, .run = run},
                                          Mala{.step = 0.1, .run = run},
                                          Mala{.step = 0.2, .run = run},
                                          Mala{.step = 0.1, .run = warm},
                                          Mala{.step = 0.1, .run = wide},
                                          Mala{.step = 0.1, .run = diagonal},
                                          Mala{.step = 0.1, .run = moved},
                                          Mala{.step = 0.1, .run = later},
                                          Mala{.step = 0.1, .run = with_moments},
                                          Mala{.adapt = StepAdaptation::chain, .run = warm},
                                          Hmc{.adapt = StepAdaptation::chain, .run = warm},
                                          Hmc{.step = 0.1, .leapfrogs = 2, .run = run},
                                          Hmc{.step = 0.1, .leapfrogs = 3, .run = run},
                                          Hmc{.step = 0.1, .leapfrogs = 3, .jitter = true, .run = run},
                                          Baoab{.step = 0.1, .run = run},
                                          Baoab{.step = 0.1, .friction = 2.0, .run = run},
                                          Obabo{.step = 0.1, .run = run},
                                          Obabo{.step = 0.1, .metropolis = true, .run = run},
                                          OrnsteinUhlenbeck{.step = 0.1, .run = run},
                                          OrnsteinUhlenbeck{.step = 0.1, .speed = 2.0, .run = run}};
  std::vector<std::uint64_t> hashes;
  for (const McmcSampler& sampler : samplers) {
    const std::uint64_t hash = mcmc_plan(target, sampler).hash();
    EXPECT_EQ(std::ranges::count(hashes, hash), 0) << hashes.size();
    hashes.push_back(hash);
  }
}

TEST(McmcPlan, SaysWhenAChainMoves) {
  const Plan plan = mcmc_plan(standard_normal(2), Mala{.step = 0.1, .run = {.steps = 5}});
  const auto is_accept = [](const Stage& stage) { return std::holds_alternative<Accept>(stage); };
  const auto with = [&](Accept::Moves moves) {
    Plan changed = plan;
    auto& stages = std::get<Program>(changed.steps.front()).stages;
    std::get<Accept>(*std::ranges::find_if(stages, is_accept)).moves = moves;
    std::ostringstream text;
    text << changed;
    return std::pair(changed.hash(), text.str());
  };
  const auto [if_accepted, text] = with(Accept::Moves::if_accepted);
  EXPECT_EQ(if_accepted, plan.hash());
  EXPECT_NE(text.find(" if accepted, ratio"), std::string::npos) << text;
  const auto [always, text_of_always] = with(Accept::Moves::always);
  EXPECT_EQ(text_of_always.find(" if accepted"), std::string::npos) << text_of_always;
  EXPECT_NE(text_of_always.find(", ratio"), std::string::npos) << text_of_always;
  const auto [never, text_of_never] = with(Accept::Moves::never);
  EXPECT_NE(text_of_never.find(" never, ratio"), std::string::npos) << text_of_never;
  EXPECT_TRUE(if_accepted != always && if_accepted != never && always != never);
}

TEST(McmcPlan, CountsTheMomentsAfterTheWarmUp) {
  const ChainRun run{.warmup = 10, .steps = 35, .output = ChainOutput::moments, .first_step = 100};
  const auto stage = [&](Eigen::Index dim) {
    const Plan plan = mcmc_plan(standard_normal(dim), Mala{.step = 0.5, .run = run});
    EXPECT_TRUE(plan.kept.empty());
    return std::get<Accumulate>(std::get<Program>(plan.steps.front()).stages.back());
  };
  const Accumulate moments = stage(2);
  EXPECT_EQ(moments.counted_from, 110U);
  EXPECT_EQ(moments.batched_from, 113U);
  EXPECT_EQ(moments.batch, 2U);
  EXPECT_TRUE(moments.has_covariance);
  EXPECT_FALSE(stage(33).has_covariance);
  std::ostringstream out;
  out << mcmc_plan(standard_normal(2), Mala{.step = 0.5, .run = run});
  EXPECT_NE(out.str().find("mean and covariance of v0 from step 110, batches of 2 from step 113"),
            std::string::npos)
      << out.str();
}

TEST(McmcPlan, NamesBadParameters) {
  const Mixture target = standard_normal(2);
  const auto refused = [&](const McmcSampler& sampler, const std::string& message) {
    expect_invalid([&] { mcmc_plan(target, sampler); }, message);
  };
  refused(Ula{}, "ula: step is missing");
  refused(Ula{.step = 0.0}, "ula: step must be positive, got 0");
  refused(Mala{.step = std::numeric_limits<double>::infinity()}, "mala: step must be positive, got inf");
  refused(Mala{.step = 1.0, .speed = -1.0}, "mala: speed must be positive, got -1");
  refused(Hmc{.step = 1.0, .leapfrogs = 1001}, "hmc: leapfrogs must be in [1, 1000], got 1001");
  refused(Baoab{.step = 1.0, .friction = -0.5}, "baoab: friction must not be negative, got -0.5");
  refused(Obabo{.step = 1.0, .run = {.warmup = -1}}, "obabo: warmup must not be negative, got -1");
  refused(OrnsteinUhlenbeck{.step = 1.0, .speed = 0.0}, "ou: speed must be positive, got 0");
  refused(OrnsteinUhlenbeck{.step = 1.0, .run = {.preconditioner = Eigen::VectorXd::Ones(2)}},
          "ou: a preconditioner is given, but exact transitions take none");
  constexpr auto chain = StepAdaptation::chain;
  refused(Mala{.step = 0.5, .adapt = chain, .run = {.warmup = 5}},
          "mala: adapt=chain finds the steps, but step is given as 0.5");
  refused(Hmc{.adapt = chain},
          "hmc: adapt=chain adapts the steps in the warm-up; expected warmup of at least 1, got 0");
  refused(Hmc{.adapt = chain, .run = {.warmup = 5, .first_step = 10}},
          "hmc: first_step continues chains of a given step, and with adapt=chain each chain has its own");
  refused(Mala{.speed = 2.0, .adapt = chain, .run = {.warmup = 5}},
          "mala: adapt=chain finds the steps of speed 1, got 2");
  refused(Obabo{.adapt = chain, .run = {.warmup = 5}},
          "obabo: adapt=chain needs metropolis=true, an acceptance to adapt to");
  refused(Ula{.step = 1.0, .run = {.steps = 0}}, "ula: steps must be at least 1, got 0");
  refused(Ula{.step = 1.0, .run = {.steps = 5, .thin = 6}}, "ula: thin must be in [1, 5], got 6");
  refused(Ula{.step = 1.0, .run = {.warmup = 1, .steps = 10'000'000}},
          "ula: a chain has at most 10000000 steps, got 1 + 10000000");
  refused(Ula{.step = 1.0, .run = {.steps = 15, .output = ChainOutput::moments}},
          "ula: output=moments needs 16 steps or more, one for each batch, got 15");
  refused(Ula{.step = 1.0, .run = {.start_std = 0.0}}, "ula: start_std must be positive, got 0");

  refused(Ula{.step = 1.0, .run = {.start = Start::exact, .start_mean = Eigen::Vector2d::Zero()}},
          "ula: start_mean is the mean of the start gaussian, and the start is exact");
  refused(Ula{.step = 1.0, .run = {.start_mean = Eigen::Vector3d::Zero()}},
          "mcmc_plan: start_mean has 3 numbers, expected 2");
  refused(Ula{.step = 1.0, .run = {.start_mean = Eigen::Vector2d(0.0, std::nan(""))}},
          "mcmc_plan: start_mean has nan at 1, expected a finite number");
  refused(Ula{.step = 1.0, .run = {.first_step = -1}}, "ula: first_step must be in [0, 1000000000], got -1");

  const auto with = [](const Eigen::MatrixXd& L) { return Ula{.step = 1.0, .run = {.preconditioner = L}}; };
  refused(with(Eigen::VectorXd::Ones(3)),
          "mcmc_plan: preconditioner has shape (3, 1), expected (2, 1) or (2, 2)");
  refused(with(Eigen::VectorXd::Zero(2)),
          "mcmc_plan: preconditioner has 0 at 0 of its diagonal, expected a positive number");
  refused(with(Eigen::MatrixXd{{1.0, 0.5}, {0.0, 1.0}}),
          "mcmc_plan: preconditioner (0, 1) must be 0: the factor L is lower triangular");

  const Mixture singular = gaussian(Eigen::Vector2d(1.0, 0.0));
  expect_invalid(
      [&] { mcmc_plan(singular, Ula{.step = 1.0}); },
      "mcmc_plan: component 0 of the target has a singular covariance, so the target has no density");
  expect_invalid([] { mcmc_plan(std::span<const Mixture>(), Ula{.step = 1.0}); },
                 "mcmc_plan: no target given");
}

TEST(McmcPlan, ExactTransitionsNeedANormalLaw) {
  const OrnsteinUhlenbeck ou{.step = 1.0};
  const Mixture two({0.5, 0.5}, Points{{-1.0}, {1.0}}, Covariance::spherical({1.0, 1.0}));
  expect_invalid([&] { mcmc_plan(two, ou); },
                 "ou: expected a normal law, a mixture of one component, as the target; given K = 2");
  expect_invalid([&] { mcmc_plan(Target(Banana{}), ou); },
                 "ou: expected a normal law, a mixture of one component, as the target; given banana");
  const std::vector<Mixture> several{standard_normal(2), standard_normal(2)};
  expect_invalid([&] { mcmc_plan(several, ou); }, "ou: expected one target, given 2");
}

TEST(Tuned, FindsTheScalesOfTheTarget) {
  const Eigen::Vector3d variances(1.0, 9.0, 0.04);
  for (const Start start : {Start::gaussian, Start::exact}) {
    const ChainRun run{.start = start, .start_std = 2.0};
    const auto mala = std::get<Mala>(tuned(gaussian(variances), Mala{.run = run}, 5).sampler);
    // The draws of a chain are correlated: about 32 x 250 / 50 of them count.
    const Eigen::Vector3d found = mala.run.preconditioner.col(0).cwiseAbs2();
    EXPECT_LT((found.cwiseQuotient(variances).array() - 1.0).abs().maxCoeff(), 0.45) << found;
    EXPECT_GT(*mala.step, 0.5);
  }
}

TEST(Tuned, StartsThePilotAroundTheMean) {
  // From the mean a chain of the narrow component never sees the wide one.
  const Mixture target({0.5, 0.5}, Points{{-5000.0}, {5000.0}}, Covariance::spherical({1e-2, 100.0}));
  const auto scale = [&](double mean) {
    const ChainRun run{.start_std = 0.1, .start_mean = Eigen::VectorXd::Constant(1, mean)};
    return std::get<Mala>(tuned(target, Mala{.run = run}, 5).sampler).run.preconditioner(0, 0);
  };
  EXPECT_LT(scale(-5000.0), 0.2);
  EXPECT_GT(scale(5000.0), 5.0);
  expect_invalid([&] { tuned(target, Mala{.run = {.start_mean = Eigen::Vector2d::Zero()}}); },
                 "mcmc_plan: start_mean has 2 numbers, expected 1");
}

TEST(Tuned, ReachesTheAcceptanceThatItAimsAt) {
  const std::pair<Eigen::Index, double> rows[] = {{1, 3.4}, {10, 1.19}, {50, 0.68}};
  for (const auto& [dim, step] : rows) {
    const Mixture target = standard_normal(dim);
    // h det(M)^(1/d), the step in the units of the coordinates (mathematics.md §12.3)
    const auto found = std::get<Mala>(tuned(target, Mala{}).sampler);
    const double scale = std::exp(2.0 * found.run.preconditioner.array().log().mean());
    EXPECT_NEAR(*found.step * scale / step, 1.0, 0.1) << target.dim();
    const auto acceptance = [&](const McmcSampler& sampler) {
      const Samples samples =
          run(mcmc_plan(target, tuned(target, sampler).sampler), {.count = 200, .precision = Precision::f64});
      const std::vector<double>& p = samples.acceptance()->probability;
      return std::accumulate(p.begin(), p.end(), 0.0) / static_cast<double>(p.size());
    };
    const ChainRun run{.warmup = 50, .steps = 100};
    EXPECT_NEAR(acceptance(Mala{.run = run}), 0.574, 0.08) << target.dim();
    EXPECT_NEAR(acceptance(Hmc{.leapfrogs = 4, .run = run}), 0.8, 0.12) << target.dim();
    EXPECT_NEAR(acceptance(Obabo{.metropolis = true, .run = run}), 0.9, 0.08) << target.dim();
  }
}

TEST(Tuned, LeavesGivenNumbers) {
  const Mixture target = standard_normal(2);
  EXPECT_EQ(*std::get<Mala>(tuned(target, Mala{.step = 0.25}).sampler).step, 0.25);
  const Mala own{.adapt = StepAdaptation::chain, .run = {.warmup = 5}};
  const auto as_given = std::get<Mala>(tuned(target, own).sampler);
  EXPECT_FALSE(as_given.step.has_value());
  EXPECT_EQ(as_given.run.preconditioner.size(), 0);
  const Eigen::MatrixXd L{{1.0, 0.0}, {0.5, 2.0}};
  const auto hmc = std::get<Hmc>(tuned(target, Hmc{.run = {.preconditioner = L}}).sampler);
  EXPECT_EQ(hmc.run.preconditioner, L);
  // A speed is another clock: c step is the same.
  const auto slow = std::get<Mala>(tuned(target, Mala{}).sampler);
  const auto fast = std::get<Mala>(tuned(target, Mala{.speed = 4.0}).sampler);
  EXPECT_NEAR(*fast.step / (*slow.step / 4.0), 1.0, 1e-5);  // rounded to six digits
}

TEST(Tuned, WarnsWhereNoSingleStepFits) {
  // Chains in the narrow and in the wide component need steps that differ as their scales do.
  const Mixture target({0.5, 0.5}, Points{{-5000.0}, {5000.0}}, Covariance::spherical({1e-2, 100.0}));
  const Tuned result = tuned(target, Mala{.run = {.start = Start::exact}});
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("no single step fits the target"), std::string::npos);
}

TEST(Tuned, NamesWhatHasNoStep) {
  const Mixture target = standard_normal(1);
  expect_invalid([&] { tuned(target, Ula{}); },
                 "ula: step is missing; only methods that accept and reject find one");
  expect_invalid([&] { tuned(target, Obabo{}); },
                 "obabo: step is missing; only methods that accept and reject find one");
  expect_invalid([&] { tuned(target, Mala{.run = {.steps = 0}}); }, "mala: steps must be at least 1, got 0");
  const Mixture point({1.0}, Points::Zero(1, 1), Covariance::spherical({1e-60}));
  expect_invalid(
      [&] { tuned(point, Mala{}); },
      "pilot: the acceptance of a chain is on one side of 1/2 for all steps from 1 to 2^50 or 2^-50; the "
      "target is flat at the chain's start, or its scale is beyond these steps; another start or a given "
      "step "
      "may help");
}

}  // namespace
}  // namespace gmdiff
