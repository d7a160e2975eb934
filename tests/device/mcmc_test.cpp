#include <gtest/gtest.h>

#include "device/cpu/cpu.hpp"
#include "device/devices_under_test.hpp"
#include "device/instruction_sets.hpp"
#include "device/program_cases.hpp"
#include "support/expect_invalid.hpp"

// Markov chains on the device cpu: they agree with the device reference, and their bits do not depend on
// extents, instruction sets and batches.

namespace gmdiff {
namespace {

Samples chains(const Plan& plan, const Options& options, Extent extent = Extent::fastest, int threads = 2) {
  return run(plan, options, 0, *cpu::make_executor(threads), extent);
}

Options chain_options(Precision precision) {
  return {.count = 75, .seed = 3, .precision = precision, .first = 5'000'000'000};
}

bool same_bits(const Samples& a, const Samples& b) {
  if (a.acceptance().has_value() != b.acceptance().has_value()) return false;
  if (a.acceptance() && a.acceptance()->probability != b.acceptance()->probability) return false;
  if (a.acceptance() && a.acceptance()->non_finite != b.acceptance()->non_finite) return false;
  if (test::moments_of(a) != test::moments_of(b) || test::steps_of(a) != test::steps_of(b)) return false;
  return test::bytes(a) == test::bytes(b) && a.shape() == b.shape() && a.times() == b.times();
}

class MarkovChains : public testing::TestWithParam<CovarianceType> {
 protected:
  template <class Body>
  void for_each_plan(Body body) const {
    for (const test::Shape& shape : {test::Shape{1, 1}, test::Shape{2, 3}, test::Shape{9, 18}}) {
      const Mixture target = test::mixture_of(GetParam(), shape.dim, shape.components);
      for (const McmcSampler& sampler : test::every_mcmc_sampler(shape.dim)) body(mcmc_plan(target, sampler));
      if (shape.dim > 2) continue;
      for (const McmcSampler& sampler : test::every_adapting_sampler(shape.dim))
        body(mcmc_plan(target, sampler));
    }
  }
};

TEST_P(MarkovChains, AgreeWithTheReference) {
  for_each_plan([](const Plan& plan) {
    Options options = chain_options(Precision::f64);
    const Samples found = chains(plan, options);
    options.device = Device::reference();
    const Samples expected = run(plan, options);
    EXPECT_EQ(found.shape(), expected.shape());
    EXPECT_LT((found.to_double() - expected.to_double()).cwiseAbs().maxCoeff(), 1e-9) << plan;
    ASSERT_EQ(found.moments().has_value(), expected.moments().has_value());
    const Points difference = test::moments_of(found) - test::moments_of(expected);
    EXPECT_LT(difference.size() == 0 ? 0.0 : difference.cwiseAbs().maxCoeff(), 1e-9) << plan;
    ASSERT_EQ(found.acceptance().has_value(), expected.acceptance().has_value());
    if (!found.acceptance()) return;
    for (std::size_t n = 0; n < found.acceptance()->probability.size(); ++n)
      EXPECT_NEAR(found.acceptance()->probability[n], expected.acceptance()->probability[n], 1e-9) << plan;
    EXPECT_EQ(found.acceptance()->non_finite, expected.acceptance()->non_finite);
    const std::vector<double> steps = test::steps_of(found), other = test::steps_of(expected);
    ASSERT_EQ(steps.size(), other.size());
    for (std::size_t n = 0; n < steps.size(); ++n) EXPECT_NEAR(steps[n] / other[n], 1.0, 1e-9) << plan;
  });
}

TEST_P(MarkovChains, InFloatStayNearThoseInDouble) {
  for_each_plan([](const Plan& plan) {
    const Points single = chains(plan, chain_options(Precision::f32)).to_double();
    Options options = chain_options(Precision::f64);
    // The normals of both precisions differ, so the means of all chains are compared.
    const Points found = chains(plan, options).to_double();
    const Eigen::RowVectorXd sd =
        ((found.rowwise() - found.colwise().mean()).cwiseAbs2().colwise().mean()).cwiseSqrt();
    const Eigen::RowVectorXd z =
        (single.colwise().mean() - found.colwise().mean()).cwiseQuotient(sd) * std::sqrt(75.0 / 2.0);
    EXPECT_LT(z.cwiseAbs().maxCoeff(), 5.0) << plan;
  });
}

TEST_P(MarkovChains, HaveTheSameBitsInEveryExtentAndOnEveryInstructionSet) {
  for_each_plan([](const Plan& plan) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options = chain_options(precision);
      const Samples expected = chains(plan, options, Extent::tile);
      EXPECT_TRUE(same_bits(chains(plan, options, Extent::batch), expected)) << plan;
      for (const cpu::InstructionSet set : test::available_sets()) {
        const test::WithInstructionSet environment(set);
        EXPECT_TRUE(same_bits(chains(plan, options, Extent::fastest, 1), expected))
            << cpu::to_string(set) << plan;
      }
    }
  });
}

TEST_P(MarkovChains, AreTheSameInRanges) {
  const Mixture target = test::mixture_of(GetParam(), 2, 3);
  const Plan plan = mcmc_plan(target, Mala{.step = 0.3, .run = {.steps = 20}});
  Options options{.count = 40, .seed = 3};
  const Samples whole = chains(plan, options);
  options.count = 13;
  const Samples first = chains(plan, options);
  options.first = 13;
  options.count = 27;
  const Samples rest = chains(plan, options);
  Points both(40, 2);
  both << first.to_double(), rest.to_double();
  EXPECT_EQ(both, whole.to_double());
  EXPECT_EQ(rest.acceptance()->probability.back(), whole.acceptance()->probability.back());
}

TEST_P(MarkovChains, HaveTheBitsOfTwoHalves) {
  const Mixture target = test::mixture_of(GetParam(), 2, 3);
  const auto on_reference = [](const Plan& plan, Options options) {
    options.device = Device::reference();
    return run(plan, options);
  };
  const auto on_cpu = [](const Plan& plan, const Options& options) { return chains(plan, options); };
  for (const McmcSampler& sampler : test::every_continued_sampler(2)) {
    for (const Precision precision : {Precision::f32, Precision::f64})
      EXPECT_TRUE(test::has_bits_of_two_halves(target, sampler, chain_options(precision), on_cpu))
          << sampler.index();
    EXPECT_TRUE(test::has_bits_of_two_halves(target, sampler, chain_options(Precision::f64), on_reference))
        << sampler.index();
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, MarkovChains, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

TEST(MarkovChainsOfTargets, AgreeWithTheReferenceAndInBits) {
  for (const Target& target : test::every_target()) {
    for (const Plan& plan : test::every_plan_of(target)) {
      Options options = chain_options(Precision::f64);
      const Samples found = chains(plan, options);
      options.device = Device::reference();
      const Samples expected = run(plan, options);
      EXPECT_LT((found.to_double() - expected.to_double()).cwiseAbs().maxCoeff(), 1e-9) << plan;
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options same = chain_options(precision);
        const Samples tile = chains(plan, same, Extent::tile);
        EXPECT_TRUE(same_bits(chains(plan, same, Extent::batch), tile)) << plan;
        for (const cpu::InstructionSet set : test::available_sets()) {
          const test::WithInstructionSet environment(set);
          EXPECT_TRUE(same_bits(chains(plan, same, Extent::fastest, 1), tile)) << cpu::to_string(set) << plan;
        }
      }
    }
  }
}

TEST(MarkovChainsWithTheirOwnSteps, AreTheSameInRangesOnThreadsAndInBatches) {
  const Mixture target = test::mixture_of(CovarianceType::full, 2, 3);
  for (const McmcSampler& sampler : test::every_adapting_sampler(2)) {
    const Plan plan = mcmc_plan(target, sampler);
    Options options{.count = 300, .seed = 3};
    const Samples whole = chains(plan, options);
    const std::vector<double> steps = test::steps_of(whole);
    ASSERT_EQ(steps.size(), 300U);
    EXPECT_TRUE(same_bits(chains(plan, options, Extent::fastest, 7), whole));
    EXPECT_TRUE(same_bits(chains(plan, test::in_batches(plan, options, *cpu::make_executor(2))), whole));
    options.first = 13;
    options.count = 287;
    const Samples rest = chains(plan, options);
    EXPECT_EQ(rest.to_double(), whole.to_double().bottomRows(rest.rows()));
    EXPECT_EQ(test::steps_of(rest), std::vector<double>(steps.begin() + 13, steps.end()));
  }
}

// A chain with the step that it has found, given as a number, makes the same moves.
TEST(MarkovChainsWithTheirOwnSteps, KeepThemAfterTheWarmUp) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 3);
  const auto of_warmup = [&](int warmup, int steps) {
    return chains(mcmc_plan(target, Hmc{.leapfrogs = 2,
                                        .adapt = StepAdaptation::chain,
                                        .run = {.warmup = warmup, .steps = steps}}),
                  {.count = 1, .seed = 5, .precision = Precision::f64});
  };
  const Samples found = of_warmup(20, 9);
  const double step = found.acceptance()->step.front();
  EXPECT_EQ(of_warmup(20, 5).acceptance()->step.front(), step);
  Options options{.count = 1, .seed = 5, .precision = Precision::f64};
  options.start = of_warmup(20, 1).to_double();
  const Plan given =
      mcmc_plan(target, Hmc{.step = step, .leapfrogs = 2, .run = {.steps = 8, .first_step = 21}});
  EXPECT_EQ(chains(given, options).to_double(), found.to_double());
}

TEST(MarkovChainsWithTheirOwnSteps, NameAChainThatFindsNone) {
  const Plan flat = mcmc_plan(ExpressionTarget{.density = "0*x"},
                              Mala{.adapt = StepAdaptation::chain, .run = {.warmup = 5, .steps = 5}});
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    test::expect_invalid(
        [&] { run(flat, {.count = 3, .device = device, .first = 4}); },
        "run: the acceptance of chain 4 is on one side of 1/2 for all steps from 1 to 2^50 or "
        "2^-50; the target is flat at the chain's start, or its scale is beyond these steps; another start "
        "or a "
        "given step may help");
  }
}

TEST(MarkovChainsOfTargets, HaveTheBitsOfTwoHalves) {
  const auto on_cpu = [](const Plan& plan, const Options& options) { return chains(plan, options); };
  const Target target = test::every_regularised_target().back();
  const Myula myula{.theta = 0.2, .step = 0.1, .metropolis = true};
  for (const Precision precision : {Precision::f32, Precision::f64})
    EXPECT_TRUE(test::has_bits_of_two_halves(target, myula, chain_options(precision), on_cpu));
}

TEST(MarkovChainsOfTargets, InFloatKeepTheEnergyOfShortSteps) {
  // An error of l or of its gradient in float would show as a change of the energy.
  for (const Target& target : test::every_target()) {
    if (test::has_kinks(target)) continue;
    const Plan plan = mcmc_plan(target, Hmc{.step = 1e-3, .leapfrogs = 5, .run = {.steps = 2}});
    Options options = chain_options(Precision::f32);
    options.start = test::normals(75, target.dim(), 7);
    const Samples found = chains(plan, options);
    for (const double p : found.acceptance()->probability) EXPECT_GT(p, 0.999);
  }
}

TEST(TargetDraws, AreTheSameOnEveryDeviceAndInRanges) {
  for (const Target& target : {Target(SinGaussian{.dim = 2}), Target(Banana{}), Target(Funnel{.dim = 3})}) {
    const Plan plan = draw_plan(target);
    Options options{.count = 75, .seed = 5, .precision = Precision::f64, .first = 3};
    const Points whole = chains(plan, options).to_double();
    EXPECT_EQ(whole, target.draws(75, 5, 3));
    options.precision = Precision::f32;
    EXPECT_EQ(chains(plan, options).to_double(), whole.cast<float>().cast<double>());
    options.device = Device::reference();
    EXPECT_EQ(run(plan, options).to_double(), whole.cast<float>().cast<double>());
    options.first = 10;
    options.count = 9;
    EXPECT_EQ(chains(plan, options).to_double(), whole.middleRows(7, 9).cast<float>().cast<double>());
  }
}

TEST(TargetDraws, AreTheSameOnSeveralThreads) {
  const Target target = Banana{};
  for (const int threads : {1, 3}) {
    const Options options{
        .count = 2500, .seed = 5, .device = Device::cpu(threads), .precision = Precision::f64, .first = 3};
    EXPECT_EQ(run(draw_plan(target), options).to_double(), target.draws(2500, 5, 3)) << threads;
  }
}

TEST(TargetDraws, StartChains) {
  const Target target = Banana{};
  const Plan plan = mcmc_plan(target, Mala{.step = 0.1, .run = {.steps = 5, .start = Start::exact}});
  const Options options{.count = 9, .seed = 5, .precision = Precision::f64, .history = 2};
  const Points levels = chains(plan, options).to_double();
  const Points start = target.draws(9, 5);
  for (Eigen::Index c = 0; c < 9; ++c) EXPECT_EQ(levels.row(2 * c), start.row(c));
}

TEST(MarkovChain, KeepsEveryThinnedStateAfterTheWarmUp) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 2);
  Mala mala{.step = 0.3, .run = {.warmup = 4, .steps = 11, .thin = 3, .output = ChainOutput::trace}};
  const Samples trace = chains(mcmc_plan(target, mala), {.count = 5, .precision = Precision::f64});
  EXPECT_EQ(trace.shape(), (std::vector<std::int64_t>{5, 3, 2}));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_DOUBLE_EQ(trace.times()[i], 0.3 * (7.0 + 3.0 * static_cast<double>(i)));
  // A chain of 4 + 9 steps ends in the last state that is kept.
  mala.run = {.warmup = 4, .steps = 9};
  const Points last = chains(mcmc_plan(target, mala), {.count = 5, .precision = Precision::f64}).to_double();
  for (Eigen::Index n = 0; n < 5; ++n) EXPECT_EQ(trace.to_double().row(3 * n + 2), last.row(n));
}

/// The moments of the states (steps, d) of a chain, row by row as `test::moments_of`.
Eigen::RowVectorXd moments_of_states(const Points& x) {
  const Eigen::Index n = x.rows(), d = x.cols(), batch = n / ChainMoments::batches;
  const Eigen::RowVectorXd mean = x.colwise().mean();
  const Points centred = x.rowwise() - mean;
  const Points covariance = centred.transpose() * centred / static_cast<double>(n - 1);
  Eigen::RowVectorXd all(d + d + d * d + ChainMoments::batches * d);
  all << mean, covariance.diagonal().transpose(), covariance.reshaped<Eigen::RowMajor>().transpose(),
      Eigen::RowVectorXd::Zero(ChainMoments::batches * d);
  for (Eigen::Index q = 0; q < ChainMoments::batches; ++q)
    all.segment(2 * d + d * d + q * d, d) =
        x.middleRows(n - (ChainMoments::batches - q) * batch, batch).colwise().mean();
  return all;
}

TEST(MarkovChain, MomentsAreThoseOfItsTrace) {
  const Mixture target = test::mixture_of(CovarianceType::full, 3, 2);
  constexpr int steps = 51;  // 16 batches of 3 steps; the first 3 steps are left over
  Mala mala{.step = 0.3, .run = {.warmup = 4, .steps = steps, .output = ChainOutput::trace}};
  const Options options{.count = 11, .precision = Precision::f64};
  const Samples trace = chains(mcmc_plan(target, mala), options);
  mala.run.output = ChainOutput::moments;
  const Samples found = chains(mcmc_plan(target, mala), options);
  EXPECT_EQ(found.shape(), (std::vector<std::int64_t>{11, 3}));
  ASSERT_TRUE(found.moments());
  EXPECT_EQ(found.moments()->steps, steps);
  EXPECT_EQ(found.acceptance()->probability, trace.acceptance()->probability);
  const Points states = trace.to_double(), moments = test::moments_of(found);
  for (Eigen::Index c = 0; c < 11; ++c) {
    const Points of_chain = states.middleRows(c * steps, steps);
    EXPECT_LT((moments.row(c) - moments_of_states(of_chain)).cwiseAbs().maxCoeff(), 1e-12) << c;
    EXPECT_EQ(found.to_double().row(c), of_chain.row(steps - 1));
  }
}

TEST(MarkovChain, MomentsInManyDimensionsAreVariances) {
  for (const Eigen::Index d : {32, 33}) {
    const Mixture target({1.0}, Points::Zero(1, d), Covariance::spherical({1.0}));
    const Ula ula{.step = 0.3, .run = {.steps = 20, .output = ChainOutput::moments}};
    const Samples samples = chains(mcmc_plan(target, ula), {.count = 3, .precision = Precision::f64});
    const ChainMoments& moments = *samples.moments();
    EXPECT_EQ(moments.covariance.cols(), d == 32 ? d * d : 0);
    EXPECT_EQ(moments.variance.cols(), d);
    EXPECT_GT(moments.variance.minCoeff(), 0.0);
  }
}

TEST(MarkovChain, MomentsAreTheSameInRangesAndBatches) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 2);
  const Baoab baoab{.step = 0.3, .run = {.steps = 40, .output = ChainOutput::moments}};
  const Plan plan = mcmc_plan(target, baoab);
  Options options{.count = 300, .seed = 3};
  const Points whole = test::moments_of(chains(plan, options));
  EXPECT_EQ(test::moments_of(chains(plan, test::in_batches(plan, options, *cpu::make_executor(2)))), whole);
  options.first = 13;
  options.count = 20;
  EXPECT_EQ(test::moments_of(chains(plan, options)), whole.middleRows(13, 20));
  // Several problems have the chains of each.
  const std::vector<Mixture> targets{target, target};
  const Samples both = chains(mcmc_plan(targets, baoab), {.count = 5, .seed = 3});
  EXPECT_EQ(both.moments()->mean.rows(), 10);
  EXPECT_EQ(test::moments_of(both).topRows(5), whole.topRows(5));
}

TEST(MarkovChain, ThatContinuesAnotherCountsItsTime) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 2);
  const Mala mala{.step = 0.5, .run = {.steps = 2, .output = ChainOutput::trace, .first_step = 10}};
  const Samples found = chains(mcmc_plan(target, mala), {.count = 1, .start = Points{{0.0, 1.0}}});
  EXPECT_EQ(found.times(), (std::vector<double>{5.5, 6.0}));
  const double p = found.acceptance()->probability.front();
  EXPECT_TRUE(p > 0.0 && p <= 1.0) << p;
}

TEST(MarkovChain, ThatContinuesAnotherNeedsItsStates) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 2);
  const Plan plan = mcmc_plan(target, Mala{.step = 0.5, .run = {.steps = 2, .first_step = 10}});
  test::expect_invalid([&] { chains(plan, {.count = 1}); },
                       "run: first_step = 10 continues chains, and their last states are not given "
                       "(Options::start)");
}

TEST(MarkovChain, StartsAroundTheMean) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 2);
  Ula ula{.step = 0.1, .run = {.steps = 1, .start_std = 0.5}};
  const auto start = [&](const Device& device) {
    const Options options{.count = 9, .device = device, .precision = Precision::f64, .history = 2};
    return run(mcmc_plan(target, ula), options).to_double();
  };
  const Points centred = start(Device::cpu(1));
  ula.run.start_mean = Eigen::Vector2d(3.0, -7.0);
  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    const Points moved = start(device);
    for (Eigen::Index n = 0; n < 18; n += 2)
      EXPECT_LT((moved.row(n) - centred.row(n) - Eigen::RowVector2d(3.0, -7.0)).cwiseAbs().maxCoeff(), 1e-14);
  }
}

TEST(MarkovChain, WithASpeedHasTheBitsOfALongerStep) {
  const Mixture target = test::mixture_of(CovarianceType::full, 2, 2);
  const Options options{.count = 20};
  const auto states = [&](double step, double speed) {
    return chains(mcmc_plan(target, Mala{.step = step, .speed = speed, .run = {.steps = 30}}), options)
        .to_double();
  };
  EXPECT_EQ(states(0.125, 2.0), states(0.25, 1.0));
}

TEST(MarkovChain, NamesAStartOutsideTheSupport) {
  const Target target = ExpressionTarget{.density = "log(x) - x"};
  const Plan plan = mcmc_plan(target, Mala{.step = 0.1, .run = {.steps = 5}});
  Options options{.count = 4, .first = 10, .start = Points{{1.0}, {2.0}, {-3.0}, {0.0}}};
  const std::string message =
      "run: chain 12 starts where the log-density of the target is nan; other first states are needed";
  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    options.device = device;
    test::expect_invalid([&] { run(plan, options); }, message);
  }
  options.start = Points{{1.0}, {2.0}, {0.0}, {1.0}};
  test::expect_invalid(
      [&] { run(plan, options); },
      "run: chain 12 starts where the log-density of the target is -inf; other first states are needed");
  // A proposal outside the support is rejected.
  options.start = Points{{1e-3}, {1e-3}, {1e-3}, {1e-3}};
  EXPECT_GT(run(plan, options).to_double().minCoeff(), 0.0);
}

TEST(MarkovChain, CountsProposalsThatAreNotFinite) {
  // The trajectory leaves the range of float.
  const Mixture target({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));
  const Samples samples =
      chains(mcmc_plan(target, Hmc{.step = 1e10, .leapfrogs = 10, .run = {.steps = 7}}), {.count = 3});
  EXPECT_EQ(samples.acceptance()->non_finite, (std::vector<std::int64_t>{7, 7, 7}));
  EXPECT_EQ(samples.acceptance()->probability, (std::vector<double>{0.0, 0.0, 0.0}));
}

}  // namespace
}  // namespace gmdiff
