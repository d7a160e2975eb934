#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <thread>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/plan/plan.hpp>

#include "device/cases.hpp"
#include "device/executor.hpp"
#include "device/pilot_target.hpp"
#include "support/expect_invalid.hpp"

// Targets that a program brings itself (mathematics.md §13.4): what their functions are given, the bits of
// chains, and how errors come out.

namespace gmdiff::custom_target_tests {
namespace {

using Eigen::Index;
using Eigen::VectorXd;
using test::expect_invalid;

/// The formula of a built-in target in the arithmetic of particles, as a function of the calling program.
CustomTarget by_hand(const Target& target) {
  const std::shared_ptr<PilotTarget> formula = pilot_target(target);
  return {.dim = static_cast<int>(target.dim()),
          .evaluate =
              [formula](Index n, const double* x, double* l, double* g) {
                VectorXd values;
                Points gradient;
                formula->evaluate(Eigen::Map<const Points>(x, n, formula->dim()), values, gradient);
                Eigen::Map<VectorXd>(l, n) = values;
                Eigen::Map<Points>(g, n, formula->dim()) = gradient;
              },
          .id = "by hand"};
}

/// N(0, I) in one dimension, with a function that is called with each block's number of rows.
template <class OnCall>
CustomTarget normal(OnCall on_call) {
  return {.dim = 1,
          .evaluate =
              [on_call](Index n, const double* x, double* l, double* g) {
                on_call(n);
                for (Index i = 0; i < n; ++i) {
                  l[i] = -0.5 * x[i] * x[i];
                  g[i] = -x[i];
                }
              },
          .id = "normal"};
}

std::vector<McmcSampler> every_sampler() {
  const ChainRun trace{.warmup = 2, .steps = 8, .thin = 3, .output = ChainOutput::trace};
  const ChainRun moments{.steps = 17, .output = ChainOutput::moments};
  return {Ula{.step = 0.1, .run = moments},
          Mala{.step = 0.3, .run = trace},
          Hmc{.step = 0.2, .leapfrogs = 3, .run = trace},
          Baoab{.step = 0.2, .run = trace},
          Obabo{.step = 0.3, .metropolis = true, .run = trace},
          Hmc{.leapfrogs = 2,
              .adapt = StepAdaptation::chain,
              .run = {.warmup = 4, .steps = 3, .thin = 3, .output = ChainOutput::trace}}};
}

TEST(CustomTargets, WithABuiltInFormulaHaveTheBuiltInBits) {
  for (const Target& target :
       {Target(SinGaussian{.dim = 3}), Target(Banana{.scale = 2.0, .curvature = 0.1})}) {
    const Target custom = by_hand(target);
    for (const McmcSampler& sampler : every_sampler()) {
      Options options{
          .count = 600, .seed = 3, .device = Device::cpu(1), .precision = Precision::f64, .first = 7};
      const Samples expected = run(mcmc_plan(target, sampler), options);
      const Plan plan = mcmc_plan(custom, sampler);
      const auto expect_same = [&](const Samples& found, Index first = 0) {
        const Index rows = found.to_double().rows();
        EXPECT_EQ(found.to_double(), expected.to_double().middleRows(first, rows)) << plan;
        if (!found.acceptance()) return;
        const std::size_t chains = found.acceptance()->probability.size();
        for (std::size_t n = 0; n < chains; ++n)
          EXPECT_EQ(found.acceptance()->probability[n],
                    expected.acceptance()->probability[n + (chains < 600 ? 590 : 0)]);
      };
      expect_same(run(plan, options));
      options.device = Device::cpu(3);
      expect_same(run(plan, options));
      expect_same(run(plan, test::in_batches(plan, options, *make_executor(options.device))));
      const Index per_chain = expected.to_double().rows() / 600;
      expect_same(run(plan, {.count = 10, .seed = 3, .precision = Precision::f64, .first = 597}),
                  590 * per_chain);
    }
  }
}

TEST(CustomTargets, AreGivenTheRowsOfARunInDouble) {
  CustomTarget target = normal([](Index /*n*/) {});
  std::atomic<int> in_double{0}, calls{0};
  target.evaluate = [&, function = target.evaluate](Index n, const double* x, double* l, double* g) {
    for (Index i = 0; i < n; ++i) in_double += x[i] != static_cast<double>(static_cast<float>(x[i]));
    ++calls;
    function(n, x, l, g);
  };
  const Plan plan = mcmc_plan(target, Mala{.step = 0.5, .run = {.steps = 3}});
  run(plan, {.count = 100, .precision = Precision::f32});
  EXPECT_EQ(in_double, 0);
  EXPECT_EQ(calls, 4);  // one evaluation of the start and one of each step
  run(plan, {.count = 100, .precision = Precision::f64});
  EXPECT_GT(in_double, 300);
  // The device reference also evaluates once.
  calls = 0;
  run(plan, {.count = 100, .device = Device::reference()});
  EXPECT_EQ(calls, 4);
}

TEST(CustomTargets, AgreeWithTheReference) {
  const Target custom = by_hand(SinGaussian{.dim = 2});
  const Plan plan = mcmc_plan(custom, Hmc{.step = 0.2, .leapfrogs = 3, .run = {.steps = 10}});
  Options options{.count = 40, .precision = Precision::f64};
  const Points found = run(plan, options).to_double();
  options.device = Device::reference();
  EXPECT_LT((run(plan, options).to_double() - found).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(CustomTargets, AreCalledByOneThreadAtATimeIfTheyAskForIt) {
  std::atomic<int> inside{0}, most{0};
  CustomTarget target = normal([&](Index /*n*/) {
    const int now = ++inside;
    if (now > most) most = now;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    --inside;
  });
  target.concurrent = false;
  const Plan plan = mcmc_plan(target, Ula{.step = 0.1, .run = {.steps = 20}});
  run(plan, {.count = 2048, .device = Device::cpu(4)});
  EXPECT_EQ(most, 1);
}

TEST(CustomTargets, PassTheirErrorsOn) {
  struct Own {};
  const CustomTarget throws = normal([](Index /*n*/) { throw Own(); });
  CustomTarget forgets = normal([](Index /*n*/) {});
  forgets.evaluate = [](Index /*n*/, const double* /*x*/, double* /*l*/, double* /*g*/) {};
  const CustomTarget on_gpu{.dim = 1, .device = [](const DeviceTargetRows& /*rows*/) {}, .id = "gpu"};
  const Mala mala{.step = 0.5, .run = {.steps = 3}};
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    const Options options{.count = 700, .device = device};
    EXPECT_THROW(run(mcmc_plan(throws, mala), options), Own);
    expect_invalid([&] { run(mcmc_plan(on_gpu, mala), options); },
                   "custom target \"gpu\": works in the memory of a GPU, so the plan needs the device cuda");
    expect_invalid(
        [&] { run(mcmc_plan(forgets, mala), options); },
        "run: chain 0 starts where the log-density of the target is nan; other first states are needed");
  }
  EXPECT_THROW(tuned(throws, Mala{}), Own);
}

TEST(CustomTargets, NameTheChainOfABadStart) {
  CustomTarget target = normal([](Index /*n*/) {});
  target.evaluate = [](Index n, const double* x, double* l, double* g) {
    for (Index i = 0; i < n; ++i) {
      l[i] = x[i] > 5.0 ? std::numeric_limits<double>::quiet_NaN() : -x[i];
      g[i] = -1.0;
    }
  };
  Options options{.count = 4};
  options.start = Points{{1.0}, {2.0}, {6.0}, {1.0}};
  expect_invalid(
      [&] { run(mcmc_plan(target, Mala{.step = 0.1, .run = {.steps = 2}}), options); },
      "run: chain 2 starts where the log-density of the target is nan; other first states are needed");
}

TEST(CustomTargets, EnterTheHashAndTheNotesByTheirName) {
  const auto plan = [](std::string id) {
    CustomTarget target = normal([](Index /*n*/) {});
    target.id = std::move(id);
    return mcmc_plan(target, Mala{.step = 0.5, .run = {.steps = 3}});
  };
  EXPECT_EQ(plan("a").hash(), plan("a").hash());
  EXPECT_NE(plan("a").hash(), plan("b").hash());
  EXPECT_EQ(run(plan("a"), {.count = 3}).provenance().notes.back(),
            "the values are those of the target \"a\", which the plan's hash knows by its name alone");
}

TEST(CustomTargets, HaveAPilotRun) {
  const Target builtin = Banana{.scale = 2.0, .curvature = 0.1};
  const auto expected = std::get<Mala>(tuned(builtin, Mala{}).sampler);
  const auto found = std::get<Mala>(tuned(by_hand(builtin), Mala{}).sampler);
  EXPECT_EQ(*found.step, *expected.step);
  EXPECT_EQ(found.run.preconditioner, expected.run.preconditioner);
}

// Of N(0, 1) every chain finds a step within a few trials of the 51.
TEST(CustomTargets, AreNotCalledAfterTheLastSearchForAStep) {
  std::atomic<int> calls = 0;
  const Target target = normal([&](Index /*n*/) { ++calls; });
  const Plan plan = mcmc_plan(target, Mala{.adapt = StepAdaptation::chain, .run = {.warmup = 5, .steps = 5}});
  run(plan, {.count = 64, .seed = 3, .device = Device::cpu(1)});
  EXPECT_GT(calls, 1 + 10 + 2);  // the start, the moves and two trials
  EXPECT_LT(calls, 1 + 10 + 20);
}

TEST(CustomTargets, HaveTheirOwnProductsWithTheHessian) {
  CustomTarget target = normal([](Index /*n*/) {});
  expect_invalid([&] { Target(target).hessian_vp(Points{{1.0}}, Points{{2.0}}); },
                 "custom target \"normal\": has no products with the Hessian (hessian_vp)");
  target.hessian_vp = [](Index n, const double* /*x*/, const double* v, double* hv) {
    for (Index i = 0; i < n; ++i) hv[i] = -v[i];
  };
  EXPECT_EQ(Target(target).hessian_vp(Points{{1.0}, {0.0}}, Points{{2.0}, {3.0}}), (Points{{-2.0}, {-3.0}}));
  EXPECT_EQ(Target(target).gradient(Points{{1.0}, {0.5}}), (Points{{-1.0}, {-0.5}}));
  EXPECT_EQ(Target(target).log_density(Points{{1.0}, {0.0}}), (VectorXd{{-0.5, 0.0}}));
  const Modes found = modes(Target(target));
  ASSERT_EQ(found.maxima.size(), 1U);
  EXPECT_NEAR(found.log_normalizer, 0.5 * std::log(2.0 * std::numbers::pi), 1e-12);
}

TEST(CustomTargets, NameBadDescriptions) {
  const auto refused = [](const CustomTarget& target, const std::string& message) {
    expect_invalid([&] { const Target checked(target); }, message);
  };
  CustomTarget target = normal([](Index /*n*/) {});
  target.id.clear();
  refused(target, "custom target: the id is empty; it names the target in results");
  refused({.id = "none"}, "custom target \"none\": has no function");
  target = normal([](Index /*n*/) {});
  target.dim = 0;
  refused(target, "custom target \"normal\": dim must be at least 1, got 0");
  expect_invalid([] { to_json(Target(normal([](Index /*n*/) {}))); },
                 "to_json: a target given by functions (CustomTarget) has no JSON form");
  expect_invalid(
      [] { mcmc_plan(normal([](Index /*n*/) {}), Mala{.step = 0.5, .run = {.start = Start::exact}}); },
      "mcmc_plan: custom has no exact draws; its chains need the start gaussian");
}

}  // namespace
}  // namespace gmdiff::custom_target_tests
