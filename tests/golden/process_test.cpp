#include <cmath>

#include <gtest/gtest.h>

#include "support/golden_process.hpp"

// Every process at many times, and the inversions of n and lambda: 50-digit values, 1e-14 relative.

namespace gmdiff::test {

namespace {

constexpr double tolerance = 1e-14;

void expect_close(double actual, double expected, const std::string& what) {
  if (actual == expected) return;  // includes infinities
  EXPECT_LE(std::abs(actual - expected), tolerance * std::abs(expected))
      << what << ": " << actual << " instead of " << expected;
}

/// Compares `field` of every case that has times with `value(process, t)`.
template <class Value>
void expect_field(const char* field, Value value) {
  const json file = load_golden("process");
  int compared = 0;
  for (const json& golden_case : file["cases"]) {
    if (!golden_case.contains(field) || !golden_case.contains("alpha") || !golden_case.contains("t"))
      continue;
    const ForwardProcess forward = process(golden_case);
    const Eigen::VectorXd t = vector(golden_case["t"]), expected = vector(golden_case[field]);
    for (Eigen::Index i = 0; i < t.size(); ++i, ++compared)
      expect_close(value(forward, t(i)), expected(i),
                   golden_case["name"].get<std::string>() + " " + field + " at t = " + std::to_string(t(i)));
  }
  EXPECT_GT(compared, 100);
}

const json& find_case(const json& file, const std::string& name) {
  for (const json& golden_case : file["cases"])
    if (golden_case["name"] == name) return golden_case;
  throw std::runtime_error("no case " + name);
}

void expect_levels(const char* name, const ForwardProcess& forward) {
  const json file = load_golden("process");
  const json& golden_case = find_case(file, name);
  const Eigen::VectorXd n = vector(golden_case["n"]), alpha = vector(golden_case["alpha"]),
                        sigma = vector(golden_case["sigma"]);
  ASSERT_GT(n.size(), 0);
  for (Eigen::Index i = 0; i < n.size(); ++i) {
    const ProcessValues values = forward.values_at_noise_to_signal(n(i));
    expect_close(static_cast<double>(values.alpha), alpha(i), std::string(name) + " alpha");
    expect_close(static_cast<double>(values.sigma), sigma(i), std::string(name) + " sigma");
  }
}

}  // namespace

TEST(GoldenProcess, Alpha) {
  expect_field("alpha", [](const ForwardProcess& f, double t) { return f.alpha(t); });
}

TEST(GoldenProcess, Sigma) {
  expect_field("sigma", [](const ForwardProcess& f, double t) { return f.sigma(t); });
}

TEST(GoldenProcess, TimeDerivatives) {
  expect_field("dalpha",
               [](const ForwardProcess& f, double t) { return static_cast<double>(f.values(t).dalpha); });
  expect_field("dsigma",
               [](const ForwardProcess& f, double t) { return static_cast<double>(f.values(t).dsigma); });
}

TEST(GoldenProcess, DriftAndSquaredDiffusion) {
  expect_field("f", [](const ForwardProcess& f, double t) { return f.drift(t); });
  expect_field("g2", [](const ForwardProcess& f, double t) { return f.squared_diffusion(t); });
}

TEST(GoldenProcess, HalfLogSnr) {
  expect_field("lam", [](const ForwardProcess& f, double t) { return f.log_snr(t); });
}

TEST(GoldenProcess, VelocityCoefficients) {
  expect_field("p", [](const ForwardProcess& f, double t) { return f.p(t); });
  expect_field("q", [](const ForwardProcess& f, double t) { return f.q(t); });
}

TEST(GoldenProcess, LevelsOfNoiseToSignalRatios) {
  expect_levels("inverse_vp", vp());
  expect_levels("inverse_vp", vp(CosineBeta{}));
  expect_levels("inverse_vp", ForwardProcess(Ddpm{.betas = {0.5}}));
  expect_levels("inverse_vp", ForwardProcess(Ou{}));
  expect_levels("inverse_sub_vp", ForwardProcess(SubVp{}));
  expect_levels("inverse_ve", ForwardProcess(Ve{}));
  expect_levels("inverse_ve", ForwardProcess(Edm{}));
  expect_levels("inverse_rectified_flow", ForwardProcess(RectifiedFlow{}));
}

TEST(GoldenProcess, TimesOfHalfLogSnr) {
  const json file = load_golden("process");
  const json& golden_case = find_case(file, "vp_linear_time_of_lambda");
  const ForwardProcess forward = process(golden_case);
  const Eigen::VectorXd lambda = vector(golden_case["lam"]), t = vector(golden_case["t"]);

  ASSERT_GT(t.size(), 0);
  for (Eigen::Index i = 0; i < t.size(); ++i)
    expect_close(
        static_cast<double>(forward.time_of_noise_to_signal(std::exp(-static_cast<long double>(lambda(i))))),
        t(i), "t");
}

}  // namespace gmdiff::test
