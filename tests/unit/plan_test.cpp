#include <gmdiff/plan/plan.hpp>

#include <cmath>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

namespace gmdiff {
namespace {

Mixture two_modes() {
  return {{0.6, 0.4}, Points{{0.0, 0.0}, {2.0, 2.0}}, Covariance::spherical({0.5, 0.8})};
}

Plan plan_of(const Sampler& sampler, const ForwardProcess& process = vp(LinearBeta{}),
             const GridDescription& grid = UniformGrid{.steps = 10}) {
  const Mixture mixture = two_modes();
  return sampling_plan(std::span(&mixture, 1), process, TimeGrid(process, grid), sampler);
}

const AffineStep& affine(const Plan& plan, std::size_t step) {
  return std::get<AffineStep>(plan.steps.at(step));
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

void expect_refused(const Sampler& sampler, const std::string& message) {
  EXPECT_EQ(message_of([&] { plan_of(sampler); }), message);
}

TEST(SamplingPlan, RefusesParametersOutOfRange) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused(Ddim{.eta = 1.5}, "ddim: eta must be in [0, 1], got 1.5");
  expect_refused(Ddim{.eta = nan}, "ddim: eta must be in [0, 1], got nan");
  expect_refused(Ddim{.churn = -1}, "ddim: churn must be finite and >= 0, got -1");
  expect_refused(Euler{.churn = 1, .churn_min = -2}, "euler: churn_min must be >= 0, got -2");
  expect_refused(Heun{.churn = 1, .churn_min = 3, .churn_max = 2},
                 "heun: churn_max must be at least churn_min = 3, got 2");
  expect_refused(Ancestral{.churn_noise = -1}, "ancestral: churn_noise must be finite and >= 0, got -1");
  expect_refused(EulerMaruyama{.zeta = -0.5}, "euler-maruyama: zeta must be finite and >= 0, got -0.5");
  expect_refused(Dpmpp2s{.r = 0}, "dpmpp-2s: r must be in (0, 1], got 0");
  expect_refused(ExactAncestral{.eta = -0.5}, "exact-ancestral: eta must be in [0, 1], got -0.5");
  expect_refused(ExactAncestral{.eta = nan}, "exact-ancestral: eta must be in [0, 1], got nan");
}

TEST(SamplingPlan, SamplersInTimeNeedTheDerivativesOfACustomProcess) {
  const CustomProcess flow{.alpha = [](double t) { return 1 - t; }, .sigma = [](double t) { return t; }};
  const ForwardProcess process(flow);

  for (const Sampler& sampler : {Sampler(Euler{}), Sampler(EulerMaruyama{}), Sampler(Heun{})}) {
    const std::string message = message_of([&] { plan_of(sampler, process); });
    EXPECT_NE(message.find("needs the derivatives of alpha and sigma"), std::string::npos) << message;
  }
  EXPECT_NO_THROW(plan_of(Ddim{}, process));
  EXPECT_NO_THROW(plan_of(Heun{.variable = Heun::Variable::n}, process));
}

TEST(SamplingPlan, RefusesMixturesOfDifferentShapes) {
  const std::vector<Mixture> mixtures{two_modes(),
                                      Mixture({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({1.0}))};
  const ForwardProcess process = vp();
  const TimeGrid grid = TimeGrid::uniform(process, 3);

  EXPECT_EQ(message_of([&] { sampling_plan(mixtures, process, grid, Ddim{}); }),
            "plan: the problems of a batch must have one shape; problem 0 has K = 2, d = 2 and covariance "
            "'spherical', problem 1 has K = "
            "1, d = 2 and "
            "covariance 'spherical'");
  EXPECT_EQ(message_of([&] { sampling_plan({}, process, grid, Ddim{}); }), "plan: no mixture given");
}

TEST(SamplingPlan, FinishDecidesTheLastStepOfSamplersInTime) {
  const Plan denoise = plan_of(Euler{});
  const Plan step = plan_of(Euler{.finish = Finish::step});

  EXPECT_EQ(affine(denoise, 9).a, 0.0);
  EXPECT_EQ(affine(denoise, 9).b_1, 1.0);
  EXPECT_NE(affine(step, 9).a, 0.0);
  ASSERT_EQ(denoise.notes.size(), 1U);
  EXPECT_EQ(denoise.notes[0], "euler: the last step, to sigma = 0, is x <- D (finish=denoise)");
  EXPECT_TRUE(step.notes.empty());
}

TEST(SamplingPlan, TheLastAncestralStepAddsNoNoise) {
  const Plan plan = plan_of(Ancestral{.variance = Ancestral::Variance::large});

  EXPECT_EQ(affine(plan, 9).e, 0.0);
  EXPECT_GT(affine(plan, 8).e, 0.0);
}

TEST(SamplingPlan, EndsAboveZeroNoiseAreStated) {
  const Plan plan = plan_of(Euler{}, vp(), UniformGrid{.steps = 10, .t_end = 0.5});

  ASSERT_EQ(plan.notes.size(), 1U);
  EXPECT_TRUE(plan.notes[0].starts_with("the samples are x_t at t = 0.5 (alpha = ")) << plan.notes[0];
}

TEST(SamplingPlan, PureNoiseIsLeftByADdimStepWhereTheRowIsUndefined) {
  const ForwardProcess flow(RectifiedFlow{});

  for (const Sampler& sampler :
       {Sampler(EulerMaruyama{}), Sampler(Dpmpp2s{}), Sampler(Heun{.variable = Heun::Variable::n})}) {
    const Plan plan = plan_of(sampler, flow);
    EXPECT_DOUBLE_EQ(affine(plan, 0).a, 0.9);    // sigma_s / sigma_t
    EXPECT_DOUBLE_EQ(affine(plan, 0).b_1, 0.1);  // alpha_s
    EXPECT_EQ(affine(plan, 0).evaluations, 1);
    ASSERT_FALSE(plan.notes.empty());
    EXPECT_NE(plan.notes[0].find("the first step, from alpha = 0, is a DDIM step (eta = 0)"),
              std::string::npos);
  }
}

double sum_of_numbers(const AffineStep& a) {
  return a.c_x + a.c_n + a.p_x + a.p_1 + a.a + a.b_1 + a.b_2 + a.b_p + a.e;
}
double sum_of_numbers(const MixtureTransition& transition) {
  return transition.alpha_ts + transition.sigma_ts;
}
double sum_of_numbers(const Evaluate& evaluate) { return evaluate.level.alpha + evaluate.level.sigma; }
double sum_of_numbers(const Combine& combine) {
  double sum = combine.noise;
  for (const Term& term : combine.terms) sum += term.factor;
  return sum;
}
double sum_of_numbers(const Transition& transition) { return transition.alpha_ts + transition.sigma_ts; }
double sum_of_numbers(const Guide& guide) { return guide.variance + guide.epsilon; }
double sum_of_numbers(const EvaluateTarget&) { return 0.0; }
double sum_of_numbers(const Product&) { return 0.0; }
double sum_of_numbers(const Accept& accept) { return accept.factor; }
double sum_of_numbers(const EvaluateField&) { return 0.0; }
double sum_of_numbers(const Multiply&) { return 0.0; }
double sum_of_numbers(const Accumulate&) { return 0.0; }
double sum_of_numbers(const Adapt& adapt) { return adapt.target; }
double sum_of_numbers(const Proximal& proximal) { return proximal.strength; }
double sum_of_numbers(const Program& program) {
  double sum = 0.0;
  for (const Stage& stage : program.stages)
    sum += std::visit([](const auto& one) { return sum_of_numbers(one); }, stage);
  return sum;
}
double sum_of_numbers(const Step& step) {
  return std::visit([](const auto& one) { return sum_of_numbers(one); }, step);
}

TEST(SamplingPlan, EverySamplerIsFiniteFromPureNoiseToData) {
  const std::vector<Sampler> samplers{ExactTransition{},
                                      Ancestral{},
                                      Ddim{},
                                      Ddim{.eta = 1.0},
                                      EulerMaruyama{},
                                      EulerMaruyama{.zeta = 0},
                                      Euler{},
                                      Heun{},
                                      Heun{.variable = Heun::Variable::n},
                                      Dpmpp2s{},
                                      Dpmpp2m{},
                                      SdeDpmpp2m{},
                                      Ddim{.churn = 5},
                                      Euler{.churn = 5},
                                      Dpmpp3m{},
                                      Unipc3{},
                                      ExactAncestral{},
                                      ExactAncestral{.eta = 0.5},
                                      ExactDecoupled{}};
  for (const Sampler& sampler : samplers) {
    for (const ForwardProcess& process : {ForwardProcess(RectifiedFlow{}), vp(CosineBeta{}), vp(),
                                          ForwardProcess(Edm{}), ForwardProcess(Ou{})}) {
      for (const int steps : {1, 2, 10}) {
        const Plan plan = plan_of(sampler, process, UniformGrid{.steps = steps});
        for (const Step& step : plan.steps)
          EXPECT_TRUE(std::isfinite(sum_of_numbers(step)))
              << process.name() << " sampler " << sampler.index() << " steps " << steps;
      }
    }
  }
}

TEST(SamplingPlan, MultistepRestartsAfterPureNoise) {
  const Plan plan = plan_of(Dpmpp2m{}, ForwardProcess(RectifiedFlow{}));

  EXPECT_EQ(affine(plan, 1).b_p, 0.0);
  EXPECT_NE(affine(plan, 2).b_p, 0.0);
}

/// Number of vectors that the last combination of a step adds up.
std::size_t num_terms(const Plan& plan, std::size_t step) {
  return std::get<Combine>(std::get<Program>(plan.steps.at(step)).stages.back()).terms.size();
}

TEST(SamplingPlan, MultistepOfOrderThreeRestartsAfterPureNoise) {
  const ForwardProcess flow(RectifiedFlow{});
  const Plan dpmpp = plan_of(Dpmpp3m{}, flow);
  const Plan unipc = plan_of(Unipc3{}, flow);

  const std::vector<std::size_t> orders{1, 1, 2, 3, 3};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    EXPECT_EQ(num_terms(dpmpp, i), 1 + orders[i]) << i;
    EXPECT_EQ(num_terms(unipc, i), 1 + orders[i] + (i > 0 ? 1 : 0)) << i;  // the corrector has D at s too
  }
}

TEST(SamplingPlan, MultistepOfOrderThreeEndsWithTheDenoiser) {
  for (const Sampler& sampler : {Sampler(Dpmpp3m{}), Sampler(Unipc3{})}) {
    const Plan plan = plan_of(sampler);
    const auto& last = std::get<Combine>(std::get<Program>(plan.steps.back()).stages.back());
    ASSERT_EQ(last.terms.size(), 1U);
    EXPECT_EQ(last.terms[0].factor, 1.0);
    EXPECT_NE(last.terms[0].vector, 0);
  }
}

TEST(SamplingPlan, DrawsOfTheDataTakeTheTransitionToThemAndTheNoiseOfTheChurn) {
  for (const Sampler& sampler : {Sampler(ExactAncestral{}), Sampler(ExactDecoupled{})}) {
    const Plan plan = plan_of(sampler);
    const auto& stages = std::get<Program>(plan.steps.at(3)).stages;
    const auto& draw = std::get<Transition>(stages.at(0));
    const auto& mix = std::get<Combine>(stages.at(1));

    EXPECT_EQ(draw.s.alpha, 1.0);
    EXPECT_EQ(draw.s.sigma, 0.0);
    EXPECT_EQ(draw.alpha_ts, draw.t.alpha);
    EXPECT_EQ(draw.sigma_ts, draw.t.sigma);
    EXPECT_EQ(mix.stream, NoiseStream::churn);
    const Level s = std::get<Transition>(std::get<Program>(plan.steps.at(4)).stages.at(0)).t;
    const double a = mix.terms.size() == 2 ? mix.terms.front().factor : 0.0;
    const double b = mix.terms.back().factor;
    EXPECT_NEAR(a * draw.t.alpha + b, s.alpha, 1e-15);
    EXPECT_NEAR(std::hypot(a * draw.t.sigma, mix.noise), s.sigma, 1e-15);
    EXPECT_TRUE(std::holds_alternative<MixtureTransition>(plan.steps.back()));
  }
}

TEST(SamplingPlan, ChurnStaysBetweenItsBoundsAndBelowItsCap) {
  const Plan all = plan_of(Ddim{.churn = 100});
  const Plan some = plan_of(Ddim{.churn = 1, .churn_min = 0.5, .churn_max = 2});
  const Plan none = plan_of(Ddim{});

  const double cap = std::sqrt(2.0) - 1.0;
  const Level before = affine(none, 3).level1;
  const Level after = affine(all, 3).level1;
  EXPECT_NEAR(after.sigma / after.alpha, (1 + cap) * before.sigma / before.alpha, 1e-12);
  for (std::size_t i = 0; i < 10; ++i) {
    const Level level = affine(none, i).level1;
    const double n = level.sigma / level.alpha;
    EXPECT_EQ(affine(some, i).c_n != 0.0, n >= 0.5 && n <= 2) << i;
  }
}

TEST(SamplingPlan, AGaussianStartFarFromTheTruthIsWarnedAbout) {
  const Plan far = plan_of(Ddim{.start = Start::gaussian}, vp(LinearBeta{.min = 0.02, .max = 2}));
  const Plan near = plan_of(Ddim{.start = Start::gaussian}, vp(LinearBeta{.min = 0.1, .max = 20}));

  ASSERT_EQ(far.warnings.size(), 1U);
  EXPECT_TRUE(far.warnings[0].starts_with("gaussian start: alpha_T max|mu| = ")) << far.warnings[0];
  EXPECT_TRUE(near.warnings.empty());
  EXPECT_TRUE(plan_of(Ddim{}, vp(LinearBeta{.min = 0.02, .max = 2})).warnings.empty());
}

TEST(SamplingPlan, BlurredDataAreWarnedAbout) {
  const Plan plan = plan_of(Ddim{}, ForwardProcess(Ve{}));

  ASSERT_EQ(plan.warnings.size(), 1U);
  EXPECT_EQ(plan.warnings[0], "ve: the data at t = 0 are blurred by sigma_min = 0.01");
}

TEST(PlanHash, ChangesWithEveryTableAndWithNothingElse) {
  const std::uint64_t hash = plan_of(Ddim{}).hash();

  EXPECT_EQ(plan_of(Ddim{}).hash(), hash);
  EXPECT_NE(plan_of(Ddim{.eta = 0.5}).hash(), hash);
  EXPECT_NE(plan_of(Ddim{.start = Start::gaussian}).hash(), hash);
  EXPECT_NE(plan_of(Ddim{}, vp(LinearBeta{.max = 7.5})).hash(), hash);
  EXPECT_NE(plan_of(Ddim{}, vp(), UniformGrid{.steps = 11}).hash(), hash);
  Plan other = plan_of(Ddim{});
  other.problems[0].means(1, 1) = std::nextafter(2.0, 3.0);
  EXPECT_NE(other.hash(), hash);
  other = plan_of(Ddim{});
  other.warnings.emplace_back("a warning");
  EXPECT_EQ(other.hash(), hash);
}

TEST(PlanHash, TellsBatchesFromSingleProblems) {
  const std::vector<Mixture> mixtures{two_modes(), two_modes()};
  const ForwardProcess process = vp();
  const TimeGrid grid = TimeGrid::uniform(process, 10);

  EXPECT_NE(sampling_plan(mixtures, process, grid, Ddim{}).hash(), plan_of(Ddim{}).hash());
}

TEST(ForwardPlan, WalksFromDataToNoiseWithTheForwardKernel) {
  const Mixture mixture = two_modes();
  const ForwardProcess process = vp();
  const Plan plan = forward_plan(std::span(&mixture, 1), process, TimeGrid::uniform(process, 4));

  ASSERT_EQ(plan.steps.size(), 5U);
  EXPECT_EQ(plan.times, (std::vector<double>{0.0, 0.25, 0.5, 0.75, 1.0}));
  EXPECT_EQ(affine(plan, 0).a, 1.0);
  EXPECT_EQ(affine(plan, 0).e, 0.0);
  double signal = 1.0;
  double variance = 0.0;
  for (std::size_t i = 0; i < 5; ++i) {
    signal *= affine(plan, i).a;
    variance = affine(plan, i).a * affine(plan, i).a * variance + affine(plan, i).e * affine(plan, i).e;
    EXPECT_NEAR(signal, process.alpha(plan.times[i]), 1e-15);
    EXPECT_NEAR(std::sqrt(variance), process.sigma(plan.times[i]), 1e-15);
  }
}

TEST(DrawPlan, RefusesALevelThatIsNone) {
  const Mixture mixture = two_modes();
  const auto refused = [&](Level level) {
    return message_of([&] { draw_plan(std::span(&mixture, 1), level); });
  };

  EXPECT_EQ(refused({0.0, 0.0}),
            "draw: alpha and sigma must be finite, >= 0 and not both 0, got alpha = 0, sigma = 0");
  EXPECT_EQ(refused({-1.0, 0.0}),
            "draw: alpha and sigma must be finite, >= 0 and not both 0, got alpha = -1, sigma = 0");
  EXPECT_EQ(refused({1.0, std::numeric_limits<double>::quiet_NaN()}),
            "draw: alpha and sigma must be finite, >= 0 and not both 0, got alpha = 1, sigma = nan");
}

TEST(MixtureTable, ThresholdsAreTheCumulativeWeightsAndNeverChooseAZeroWeight) {
  const Mixture mixture({0.0, 0.25, 0.0, 0.75, 0.0}, Points::Zero(5, 1),
                        Covariance::spherical({1, 1, 1, 1, 1}));
  const MixtureTable table = draw_plan(std::span(&mixture, 1)).problems[0];

  constexpr std::uint64_t quarter = std::uint64_t{1} << 62;
  constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(table.thresholds, (std::vector<std::uint64_t>{0, quarter, quarter, all, all}));
}

TEST(PlanText, ShowsHashShapeAndEveryStep) {
  const Plan plan = plan_of(Heun{.churn = 1});
  std::ostringstream out;

  out << plan;

  EXPECT_NE(out.str().find("problems 1, K 2, d 2, covariance spherical"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("step 9  affine"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("churn"), std::string::npos) << out.str();
}

TEST(Plan, OfTheNaiveBackwardProcessNeedsASignalAtTheStart) {
  const ForwardProcess process{RectifiedFlow{}};
  EXPECT_EQ(message_of([&] { plan_of(NaiveBackward{}, process, UniformGrid{.steps = 3}); }),
            "naive-backward: x / alpha is not defined at alpha = 0, where the grid starts");
}

TEST(Plan, OfAnnealedLangevinRepeatsEveryLevelWithNoise) {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 3);
  const Plan plan = plan_of(Annealed{.relative_step = 0.25, .inner = 2}, process, UniformGrid{.steps = 3});
  const std::vector<double> t = grid.times();
  EXPECT_EQ(plan.times, (std::vector<double>{t[0], t[0], t[0], t[1], t[1], t[2], t[2], 0.0}));
  ASSERT_EQ(plan.steps.size(), 7U);
  for (std::size_t s = 0; s < 6; ++s) {
    const GridLevel& level = grid.level(static_cast<int>(s / 2));
    const double n = static_cast<double>(level.sigma / level.alpha);
    EXPECT_EQ(affine(plan, s).level1.alpha, 1.0);
    EXPECT_EQ(affine(plan, s).level1.sigma, n);
    EXPECT_EQ(affine(plan, s).a, 0.875);
    EXPECT_EQ(affine(plan, s).b_1, 0.125);
    EXPECT_DOUBLE_EQ(affine(plan, s).e, 0.5 * n);
  }
  EXPECT_EQ(affine(plan, 6).level1.sigma, affine(plan, 5).level1.sigma);
  EXPECT_EQ(affine(plan, 6).a, 0.0);
  EXPECT_EQ(affine(plan, 6).b_1, 1.0);
  EXPECT_EQ(plan.start.law, Start::gaussian);
  EXPECT_EQ(plan.start.level.sigma, affine(plan, 0).level1.sigma);
  ASSERT_EQ(plan.notes.size(), 1U);
  EXPECT_NE(plan.notes[0].find("(denoise=true)"), std::string::npos) << plan.notes[0];
}

TEST(Plan, OfAnnealedLangevinEndsWithTheStateWithoutDenoise) {
  const Plan plan =
      plan_of(Annealed{.inner = 1, .denoise = false}, ForwardProcess(Edm{}), ListGrid{.t = {2.0, 0.5}});
  EXPECT_EQ(plan.times, (std::vector<double>{2.0, 2.0, 0.5}));
  EXPECT_EQ(plan.steps.size(), 2U);
  EXPECT_EQ(plan.notes,
            (std::vector<std::string>{"the samples are x_t / alpha at t = 0.5 (n = 0.5), not x_0"}));
}

TEST(Plan, OfAnnealedLangevinRefusesParametersOutOfRange) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused(Annealed{.relative_step = 0}, "annealed: relative_step must be in (0, 4), got 0");
  expect_refused(Annealed{.relative_step = 4}, "annealed: relative_step must be in (0, 4), got 4");
  expect_refused(Annealed{.relative_step = nan}, "annealed: relative_step must be in (0, 4), got nan");
  expect_refused(Annealed{.inner = 0}, "annealed: inner must be at least 1, got 0");
  expect_refused(Annealed{.inner = 100'001},
                 "annealed: a run has at most 1000000 steps, got 10 levels of 100001");
  const ForwardProcess process{RectifiedFlow{}};
  EXPECT_EQ(message_of([&] { plan_of(Annealed{}, process, UniformGrid{.steps = 3}); }),
            "annealed: x / alpha is not defined at alpha = 0, where the grid starts");
}

}  // namespace
}  // namespace gmdiff
