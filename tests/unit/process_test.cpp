#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/process.hpp>

// Identities of the forward processes, their end points and inversions. Bad arguments:
// process_errors_test.cpp.

namespace gmdiff::test {

namespace {

constexpr long double inf = std::numeric_limits<long double>::infinity();

CustomProcess custom_rectified_flow() {
  return {.alpha = [](double t) { return 1.0 - t; },
          .sigma = [](double t) { return t; },
          .dalpha = [](double) { return -1.0; },
          .dsigma = [](double) { return 1.0; }};
}

/// One process of every kind.
std::vector<ForwardProcess> every_process() {
  return {vp(),
          vp(LinearBeta{.min = 5.0, .max = 0.5}, 2.0),
          vp(LinearBeta{.min = 1.0, .max = 1.0}),
          vp(LinearBeta{.min = 0.0, .max = 8.0}),
          vp(CosineBeta{}),
          vp(CosineBeta{.offset = 0.25}, 3.0),
          ForwardProcess(SubVp{}),
          ForwardProcess(SubVp{.beta = {.min = 0.0, .max = 8.0}, .T = 2.0}),
          ForwardProcess(Ou{}),
          ForwardProcess(Ou{.stationary_std = 3.0, .T = 20.0}),
          ForwardProcess(Ddpm{.betas = {}, .steps = 40, .first = 1e-3, .last = 0.3}),
          ForwardProcess(Ve{}),
          ForwardProcess(Edm{}),
          ForwardProcess(RectifiedFlow{}),
          ForwardProcess(custom_rectified_flow())};
}

/// Times inside (0, T), away from the indices of a table.
std::vector<long double> inner_times(const ForwardProcess& process) {
  std::vector<long double> times;
  for (const long double fraction : {0.0128L, 0.163L, 0.317L, 0.511L, 0.788L, 0.967L})
    times.push_back(static_cast<long double>(static_cast<double>(fraction * process.T())));
  return times;
}

std::string where(const ForwardProcess& process, long double t) {
  return process.name() + " at t = " + std::to_string(t);
}

void expect_near(long double actual, long double expected, long double relative, const std::string& what) {
  EXPECT_LE(std::abs(actual - expected), relative * std::abs(expected))
      << what << ": " << actual << " instead of " << expected;
}

long double noise_to_signal(const ProcessValues& values) { return values.sigma / values.alpha; }

}  // namespace

TEST(Process, DerivativesAreThoseOfAlphaAndSigma) {
  for (const ForwardProcess& process : every_process())
    for (const long double t : inner_times(process)) {
      const long double h = 1e-4L * t;

      const ProcessValues values = process.values(t), after = process.values(t + h),
                          before = process.values(t - h);

      EXPECT_NEAR(static_cast<double>((after.alpha - before.alpha) / (2.0L * h)),
                  static_cast<double>(values.dalpha), 1e-6)
          << where(process, t);
      expect_near((after.sigma - before.sigma) / (2.0L * h), values.dsigma, 1e-6L, where(process, t));
    }
}

TEST(Process, DriftDiffusionAndVelocityCoefficientsFollowFromTheDerivatives) {
  for (const ForwardProcess& process : every_process())
    for (const long double t : inner_times(process)) {
      const ProcessValues v = process.values(t);

      expect_near(v.f * v.alpha, v.dalpha, 1e-17L, where(process, t));
      expect_near(v.p * v.sigma, v.dsigma, 1e-17L, where(process, t));
      expect_near(v.q, v.dalpha - v.alpha * v.p, 1e-15L, where(process, t));
      expect_near(v.g2, 2.0L * v.sigma * (v.dsigma - v.f * v.sigma), 1e-15L, where(process, t));
    }
}

TEST(Process, DoublesAreTheRoundedValues) {
  const ForwardProcess process = vp();

  const ProcessValues v = process.values(0.375L);

  EXPECT_EQ(process.alpha(0.375), static_cast<double>(v.alpha));
  EXPECT_EQ(process.sigma(0.375), static_cast<double>(v.sigma));
  EXPECT_EQ(process.level(0.375).alpha, static_cast<double>(v.alpha));
  EXPECT_EQ(process.level(0.375).sigma, static_cast<double>(v.sigma));
  EXPECT_EQ(process.drift(0.375), static_cast<double>(v.f));
  EXPECT_EQ(process.squared_diffusion(0.375), static_cast<double>(v.g2));
  EXPECT_EQ(process.p(0.375), static_cast<double>(v.p));
  EXPECT_EQ(process.q(0.375), static_cast<double>(v.q));
}

TEST(Process, TimesComeBackFromNoiseToSignalRatios) {
  for (const ForwardProcess& process : every_process())
    for (const double fraction : {1e-12, 1e-9, 1e-3, 0.2, 0.5, 0.75, 0.999}) {
      const long double t = process.T() * fraction;
      const ProcessValues values = process.values(t);

      const long double n = noise_to_signal(values);

      // The time of a ratio of Ve near t = 0 is the difference of two logarithms.
      const long double rounding = process.name() == "ve" ? 1e-18L / t : 1e-17L;
      const long double tolerance = process.name() == "custom" ? 1e-15L : std::max(rounding, 1e-17L);
      expect_near(process.time_of_noise_to_signal(n), t, tolerance, where(process, t));
    }
}

TEST(Process, LevelsComeBackFromNoiseToSignalRatios) {
  for (const ForwardProcess& process : every_process())
    for (const long double t : inner_times(process)) {
      const ProcessValues values = process.values(t);

      const ProcessValues back = process.values_at_noise_to_signal(noise_to_signal(values));

      const long double tolerance = process.name() == "custom" ? 1e-15L : 1e-17L;
      expect_near(back.alpha, values.alpha, tolerance, where(process, t));
      expect_near(back.sigma, values.sigma, tolerance, where(process, t));
      expect_near(back.dsigma, values.dsigma, 10.0L * tolerance, where(process, t));
      expect_near(back.p, values.p, 10.0L * tolerance, where(process, t));
      expect_near(back.q, values.q, 10.0L * tolerance, where(process, t));
      expect_near(back.g2, values.g2, 10.0L * tolerance, where(process, t));
    }
}

TEST(Process, DataAreExactlyNoiseless) {
  for (const ForwardProcess& process : every_process()) {
    if (process.name() == "ve") continue;

    const ProcessValues v = process.values(0.0L);

    EXPECT_EQ(v.alpha, 1.0L) << process.name();
    EXPECT_EQ(v.sigma, 0.0L) << process.name();
    EXPECT_EQ(process.log_snr(0.0), inf) << process.name();
    EXPECT_EQ(v.p, inf) << process.name();
    EXPECT_EQ(v.q, -inf) << process.name();
    EXPECT_EQ(process.time_of_noise_to_signal(0.0L), 0.0L) << process.name();
    EXPECT_EQ(process.values_at_noise_to_signal(0.0L).alpha, 1.0L) << process.name();
    EXPECT_EQ(process.values_at_noise_to_signal(0.0L).sigma, 0.0L) << process.name();
  }
}

TEST(Process, VeStartsAtDataBlurredBySigmaMin) {
  const ForwardProcess process(Ve{.sigma_min = 0.25, .sigma_max = 64.0, .T = 2.0});

  EXPECT_EQ(process.alpha(0.0), 1.0);
  EXPECT_EQ(process.sigma(0.0), 0.25);
  EXPECT_EQ(process.sigma(2.0), 64.0);
  EXPECT_EQ(process.sigma(1.0), 4.0);
  EXPECT_EQ(process.time_of_noise_to_signal(0.0L), -inf);
  EXPECT_EQ(process.values_at_noise_to_signal(0.0L).sigma, 0.0L);
}

TEST(Process, SignalVanishesExactlyAtTheEndOfCosineAndRectifiedFlow) {
  for (const ForwardProcess& process :
       {vp(CosineBeta{}), vp(CosineBeta{.offset = 0.3}, 7.0), ForwardProcess(RectifiedFlow{})}) {
    const double T = process.T();

    EXPECT_EQ(process.values(T).alpha, 0.0L) << process.name();
    EXPECT_EQ(process.sigma(T), 1.0) << process.name();
    EXPECT_EQ(process.log_snr(T), -inf) << process.name();
    EXPECT_EQ(process.drift(T), -inf) << process.name();
    EXPECT_EQ(process.squared_diffusion(T), inf) << process.name();
    EXPECT_TRUE(std::isfinite(process.p(T))) << process.name();
    EXPECT_TRUE(std::isfinite(process.q(T))) << process.name();
    EXPECT_EQ(process.time_of_noise_to_signal(inf), T) << process.name();
    EXPECT_EQ(process.values_at_noise_to_signal(inf).f, -inf) << process.name();
    EXPECT_TRUE(std::isfinite(process.values_at_noise_to_signal(inf).q)) << process.name();
  }
}

TEST(Process, PureNoiseOfVpIsReachedAtInfiniteTime) {
  for (const ForwardProcess& process :
       {vp(), ForwardProcess(SubVp{}), ForwardProcess(Ou{}), ForwardProcess(Ddpm{.betas = {0.5, 0.25}})}) {
    const ProcessValues v = process.values_at_noise_to_signal(inf);

    EXPECT_EQ(v.alpha, 0.0L) << process.name();
    EXPECT_EQ(v.sigma, 1.0L) << process.name();
    EXPECT_TRUE(std::isnan(v.p)) << process.name();
    EXPECT_EQ(process.time_of_noise_to_signal(inf), inf) << process.name();
  }
}

TEST(Process, LargeRatiosDoNotOverflow) {
  const long double n = 1e300L;

  for (const ForwardProcess& process :
       {vp(), vp(CosineBeta{}), ForwardProcess(SubVp{}), ForwardProcess(RectifiedFlow{})}) {
    const ProcessValues v = process.values_at_noise_to_signal(n);

    expect_near(v.alpha, 1e-300L, 1e-18L, process.name());
    EXPECT_EQ(v.sigma, 1.0L) << process.name();
  }
}

TEST(Process, FormulasContinueBeyondTheLargestTime) {
  EXPECT_EQ(ForwardProcess(Edm{.T = 10.0}).time_of_noise_to_signal(25.0L), 25.0L);
  expect_near(ForwardProcess(Ve{.sigma_min = 1.0, .sigma_max = 4.0, .T = 2.0}).time_of_noise_to_signal(8.0L),
              3.0L, 1e-18L, "ve");
  const ForwardProcess constant = vp(LinearBeta{.min = 2.0, .max = 2.0});
  expect_near(constant.time_of_noise_to_signal(std::sqrt(std::expm1(6.0L))), 3.0L, 1e-17L, "vp");
  // alpha_bar of "step 3" with the last beta: 0.75 / 4
  const ForwardProcess table(Ddpm{.betas = {0.25, 0.5}});
  expect_near(table.time_of_noise_to_signal(std::sqrt(4.0L / 0.75L - 1.0L)), 3.0L, 1e-17L, "ddpm");
}

TEST(Process, DiffusionAtTheDataIsFinite) {
  EXPECT_EQ(vp(LinearBeta{.min = 0.5, .max = 4.0}).squared_diffusion(0.0), 0.5);
  EXPECT_EQ(vp(LinearBeta{.min = 0.5, .max = 4.0}).drift(0.0), -0.25);
  EXPECT_EQ(ForwardProcess(SubVp{}).squared_diffusion(0.0), 0.0);
  EXPECT_EQ(ForwardProcess(Ou{.stationary_std = 2.0}).squared_diffusion(0.0), 1.0);
  EXPECT_EQ(ForwardProcess(Ou{.stationary_std = 2.0}).drift(0.0), -0.125);
}

TEST(Process, SigmaOfAVanishingInitialBetaIsLinearAtTheData) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.0, .max = 8.0}, 4.0);

  EXPECT_EQ(process.values(0.0L).dsigma, 1.0L);
  EXPECT_EQ(process.squared_diffusion(0.0), 0.0);
  expect_near(process.values(1e-9L).dsigma, 1.0L, 1e-15L, "near the data");
}

TEST(Process, BetaMayFallToZeroAtTheEnd) {
  for (int i = 1; i <= 40; ++i) {
    const double T = 0.1 * i;
    const ForwardProcess process = vp(LinearBeta{.min = 0.3 * i, .max = 0.0}, T);

    const double n = process.sigma(T) / process.alpha(T);  // rounded, possibly above n(T)

    EXPECT_EQ(process.squared_diffusion(T), 0.0);
    EXPECT_NEAR(static_cast<double>(process.time_of_noise_to_signal(n)), T, 1e-7 * T);  // n is flat there
  }
}

TEST(Process, OrnsteinUhlenbeckIsVpScaledToItsStationaryDeviation) {
  const ForwardProcess unit(Ou{.stationary_std = 1.0, .T = 5.0}), wide(Ou{.stationary_std = 2.0, .T = 5.0}),
      constant = vp(LinearBeta{.min = 1.0, .max = 1.0}, 5.0);

  for (const double t : {0.0625, 1.0, 4.5}) {
    EXPECT_DOUBLE_EQ(unit.alpha(t), constant.alpha(t));
    EXPECT_DOUBLE_EQ(unit.sigma(t), constant.sigma(t));
    EXPECT_DOUBLE_EQ(wide.alpha(t), std::exp(-t / 8.0));
    EXPECT_DOUBLE_EQ(wide.sigma(t), 2.0 * std::sqrt(-std::expm1(-t / 4.0)));
  }
}

TEST(Process, TableValuesAreProductsOfItsSteps) {
  const ForwardProcess process(Ddpm{.betas = {0.5, 0.25, 0.125}});

  EXPECT_EQ(process.T(), 3.0);
  EXPECT_DOUBLE_EQ(process.alpha(1.0), std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(process.alpha(2.0), std::sqrt(0.5 * 0.75));
  EXPECT_DOUBLE_EQ(process.alpha(3.0), std::sqrt(0.5 * 0.75 * 0.875));
  EXPECT_DOUBLE_EQ(process.sigma(3.0), std::sqrt(1.0 - 0.5 * 0.75 * 0.875));
  EXPECT_DOUBLE_EQ(process.alpha(1.5), std::sqrt(0.5 * std::sqrt(0.75)));
}

TEST(Process, TableIndicesHaveTheRatesOfTheStepBelow) {
  const ForwardProcess process(Ddpm{.betas = {0.5, 0.25}});

  EXPECT_DOUBLE_EQ(process.squared_diffusion(0.0), std::log(2.0));
  EXPECT_DOUBLE_EQ(process.squared_diffusion(1.0), std::log(2.0));
  EXPECT_DOUBLE_EQ(process.squared_diffusion(1.25), -std::log(0.75));
  EXPECT_DOUBLE_EQ(process.squared_diffusion(2.0), -std::log(0.75));
}

TEST(Process, EquallySpacedTablesHaveBothEnds) {
  const ForwardProcess rising(Ddpm{.betas = {}, .steps = 3, .first = 0.1, .last = 0.3}),
      falling(Ddpm{.betas = {}, .steps = 2, .first = 0.3, .last = 0.1}),
      single(Ddpm{.betas = {}, .steps = 1, .first = 0.4, .last = 0.4});

  EXPECT_DOUBLE_EQ(rising.alpha(3.0), std::sqrt(0.9 * 0.8 * 0.7));
  EXPECT_DOUBLE_EQ(falling.alpha(1.0), std::sqrt(0.7));
  EXPECT_DOUBLE_EQ(falling.alpha(2.0), std::sqrt(0.7 * 0.9));
  EXPECT_DOUBLE_EQ(single.alpha(1.0), std::sqrt(0.6));
}

TEST(Process, CustomProcessEqualsTheBuiltInOne) {
  const ForwardProcess custom(custom_rectified_flow()), built_in(RectifiedFlow{});

  for (const double t : {0.125, 0.3, 0.875}) {
    EXPECT_DOUBLE_EQ(custom.alpha(t), built_in.alpha(t));
    EXPECT_DOUBLE_EQ(custom.sigma(t), built_in.sigma(t));
    EXPECT_DOUBLE_EQ(custom.drift(t), built_in.drift(t));
    EXPECT_DOUBLE_EQ(custom.squared_diffusion(t), built_in.squared_diffusion(t));
    EXPECT_DOUBLE_EQ(custom.p(t), built_in.p(t));
    EXPECT_DOUBLE_EQ(custom.q(t), built_in.q(t));
  }
  EXPECT_EQ(custom.alpha(1.0), 0.0);
  EXPECT_EQ(custom.time_of_noise_to_signal(inf), 1.0L);
}

TEST(Process, CustomProcessWithoutDerivativesHasNone) {
  const ForwardProcess process(
      CustomProcess{.alpha = [](double) { return 1.0; }, .sigma = [](double t) { return t * t; }, .T = 3.0});

  EXPECT_FALSE(process.has_derivatives());
  EXPECT_TRUE(ForwardProcess(custom_rectified_flow()).has_derivatives());
  EXPECT_EQ(process.sigma(2.0), 4.0);
  EXPECT_DOUBLE_EQ(static_cast<double>(process.time_of_noise_to_signal(4.0L)), 2.0);
  const ProcessValues v = process.values(2.0L);
  for (const long double value : {v.dalpha, v.dsigma, v.p, v.q, v.f, v.g2}) EXPECT_TRUE(std::isnan(value));
}

TEST(Process, NamesAreThoseOfTheCatalogue) {
  EXPECT_EQ(vp().name(), "vp");
  EXPECT_EQ(vp(CosineBeta{}).name(), "vp");
  EXPECT_EQ(ForwardProcess(SubVp{}).name(), "sub-vp");
  EXPECT_EQ(ForwardProcess(Ou{}).name(), "ou");
  EXPECT_EQ(ForwardProcess(Ddpm{.betas = {0.5}}).name(), "ddpm");
  EXPECT_EQ(ForwardProcess(Ve{}).name(), "ve");
  EXPECT_EQ(ForwardProcess(Edm{}).name(), "edm");
  EXPECT_EQ(ForwardProcess(RectifiedFlow{}).name(), "rectified-flow");
  EXPECT_EQ(ForwardProcess(custom_rectified_flow()).name(), "custom");
}

TEST(Process, DescriptionIsKept) {
  const ForwardProcess process(Ve{.sigma_min = 0.5, .sigma_max = 9.0, .T = 2.0});

  ASSERT_TRUE(std::holds_alternative<Ve>(process.description()));
  EXPECT_EQ(std::get<Ve>(process.description()).sigma_max, 9.0);
  EXPECT_EQ(process.T(), 2.0);
}

}  // namespace gmdiff::test
