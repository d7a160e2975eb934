#include <cmath>

#include <gmdiff/device/sample.hpp>

#include "base/random.hpp"
#include "device/devices_under_test.hpp"
#include "device/executor.hpp"

// Tests from which stream each random number of a run comes (numerics.md §5).

namespace gmdiff {
namespace {

constexpr std::uint64_t seed = 21;
constexpr std::int64_t first = 1000;

class Noise : public test::EveryDevice {
 protected:
  Options options(Precision precision) const {
    return {.count = 3, .seed = seed, .device = GetParam(), .precision = precision, .first = first};
  }
};

/// A unit Gaussian at the origin, so that a state equals its noise.
Mixture unit_gaussian(Eigen::Index dim = 3) {
  return {{1.0}, Points::Zero(1, dim), Covariance::spherical({1.0})};
}

AffineStep affine(double a, double e, double c_x = 1.0, double c_n = 0.0) {
  AffineStep step;
  step.a = a;
  step.e = e;
  step.c_x = c_x;
  step.c_n = c_n;
  return step;
}

/// A plan with the given steps, started from the origin.
Plan plan_with(std::vector<Step> steps, PlanKind kind = PlanKind::sample) {
  const Mixture mixture = unit_gaussian();
  Plan plan = draw_plan(std::span(&mixture, 1));
  plan.kind = kind;
  plan.steps = std::move(steps);
  plan.times.assign(plan.steps.size() + (kind == PlanKind::forward ? 0 : 1), 0.0);
  return plan;
}

double normal(Purpose purpose, std::int64_t particle, std::uint64_t m, Precision precision,
              std::uint32_t replicate = 0) {
  const StreamKey key{.seed = seed,
                      .index = static_cast<std::uint64_t>(first + particle),
                      .purpose = purpose,
                      .replicate = replicate};
  return NormalStream(key, precision)(m);
}

/// Expects row n, coordinate j of the samples to be normal number `offset + j` of the stream.
void expect_normals(const Samples& samples, Purpose purpose, std::uint64_t offset,
                    std::uint32_t replicate = 0) {
  const double tolerance = samples.precision() == Precision::f32 ? 1e-6 : 1e-14;
  const Points x = samples.to_double();
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      const double z =
          normal(purpose, n, offset + static_cast<std::uint64_t>(j), samples.precision(), replicate);
      EXPECT_NEAR(x(n, j), z, tolerance * std::max(1.0, std::abs(z)))
          << "particle " << n << " coordinate " << j;
    }
  }
}

TEST_P(Noise, OfAStartIsStreamTwo) {
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    expect_normals(run(plan_with({affine(1.0, 0.0)}), options(precision)), Purpose::start_noise, 0);
  }
}

TEST_P(Noise, OfAGaussianStartIsStreamTwo) {
  Plan plan = plan_with({affine(1.0, 0.0)});
  plan.start = {.law = Start::gaussian, .level = {0.0, 1.0}};

  expect_normals(run(plan, options(Precision::f32)), Purpose::start_noise, 0);
}

TEST_P(Noise, OfADrawIsStreamSevenOfItsReplicate) {
  const Mixture mixture = unit_gaussian();
  const Plan plan = draw_plan(std::span(&mixture, 1));

  expect_normals(run(plan, options(Precision::f32)), Purpose::draw_noise, 0);
  expect_normals(run(plan, options(Precision::f32), 9), Purpose::draw_noise, 0, 9);
}

TEST_P(Noise, OfAStepAdvancesAlsoWhereItIsNotUsed) {
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    const Plan plan = plan_with({affine(1.0, 0.0), affine(0.0, 0.0), affine(0.0, 1.0)});

    expect_normals(run(plan, options(precision)), Purpose::step_noise, 2 * 3);
  }
}

TEST_P(Noise, OfAForwardStepIsStreamFourteen) {
  const Plan plan = plan_with({affine(1.0, 0.0), affine(0.0, 1.0)}, PlanKind::forward);
  Options last = options(Precision::f32);
  last.history = 2;

  const Samples path = run(plan, last);

  const Points x = path.to_double();
  for (Eigen::Index n = 0; n < 3; ++n) {
    for (Eigen::Index j = 0; j < 3; ++j) {
      EXPECT_NEAR(x(2 * n, j), normal(Purpose::draw_noise, n, static_cast<std::uint64_t>(j), Precision::f32),
                  1e-5);
      EXPECT_NEAR(x(2 * n + 1, j),
                  normal(Purpose::forward_noise, n, 3 + static_cast<std::uint64_t>(j), Precision::f32), 1e-5);
    }
  }
}

TEST_P(Noise, OfChurnIsStreamFour) {
  const Plan plan = plan_with({affine(1.0, 0.0), affine(1.0, 0.0, 0.0, 1.0)});

  expect_normals(run(plan, options(Precision::f32)), Purpose::churn_noise, 3);
}

TEST_P(Noise, OfATransitionIsThatOfItsStep) {
  // From pure noise to the data: a draw of the unit Gaussian.
  const MixtureTransition transition{.t = {0.0, 1.0}, .s = {1.0, 0.0}, .alpha_ts = 0.0, .sigma_ts = 1.0};
  const Plan plan = plan_with({affine(1.0, 0.0), transition});

  expect_normals(run(plan, options(Precision::f32)), Purpose::step_noise, 3);
}

/// 16 equally probable points 0, 1, ..., 15, so that a state identifies its component.
Mixture sixteen_points() {
  Points points(16, 1);
  for (Eigen::Index k = 0; k < 16; ++k) points(k, 0) = static_cast<double>(k);
  return {std::vector<double>(16, 1.0), points, Covariance::spherical(std::vector<double>(16, 0.0))};
}

/// The component that the upper four bits of a uniform choose.
double chosen(Purpose purpose, std::int64_t particle, std::uint64_t m, std::uint32_t replicate = 0) {
  const StreamKey key{.seed = seed,
                      .index = static_cast<std::uint64_t>(first + particle),
                      .purpose = purpose,
                      .replicate = replicate};
  return static_cast<double>(uniform_u64(key, m) >> 60);
}

TEST_P(Noise, ChoosesComponentsOfStartsAndDraws) {
  const Mixture points = sixteen_points();
  Plan start = draw_plan(std::span(&points, 1));
  start.kind = PlanKind::sample;
  const Plan draws = draw_plan(std::span(&points, 1));
  Options many = options(Precision::f32);
  many.count = 100;

  const Points started = run(start, many).to_double();
  const Points drawn = run(draws, many).to_double();
  const Points repeated = run(draws, many, 4).to_double();

  for (Eigen::Index n = 0; n < 100; ++n) {
    EXPECT_EQ(started(n, 0), chosen(Purpose::start_component, n, 0));
    EXPECT_EQ(drawn(n, 0), chosen(Purpose::draw_component, n, 0));
    EXPECT_EQ(repeated(n, 0), chosen(Purpose::draw_component, n, 0, 4));
  }
}

TEST_P(Noise, ChoosesComponentsOfTransitionsByTheUniformOfTheStep) {
  const Mixture points = sixteen_points();
  const MixtureTransition transition{.t = {0.0, 1.0}, .s = {1.0, 0.0}, .alpha_ts = 0.0, .sigma_ts = 1.0};
  Plan plan = draw_plan(std::span(&points, 1));
  plan.kind = PlanKind::sample;
  plan.steps = {affine(1.0, 0.0), affine(1.0, 0.0), transition};
  plan.times.assign(4, 0.0);
  Options many = options(Precision::f64);
  many.count = 100;

  const Points x = run(plan, many).to_double();

  for (Eigen::Index n = 0; n < 100; ++n)
    EXPECT_EQ(x(n, 0), chosen(Purpose::transition_component, n, 2)) << "particle " << n;
}

INSTANTIATE_TEST_SUITE_P(Devices, Noise, testing::ValuesIn(test::devices_under_test()), test::device_name);

}  // namespace
}  // namespace gmdiff
