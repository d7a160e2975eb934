#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/expression.hpp>
#include <gmdiff/model/generator.hpp>
#include <gmdiff/model/vector_field.hpp>
#include <gmdiff/plan/plan.hpp>

#include "device/cases.hpp"
#include "device/executor.hpp"
#include "support/expect_invalid.hpp"

// Drifts and noises that a program brings itself (mathematics.md §16.1): what their functions are given, the
// bits of paths, and how errors come out.

namespace gmdiff::custom_field_tests {
namespace {

using Eigen::Index;
using test::expect_invalid;
using Texts = std::vector<std::string>;

/// The drift x2 + t, x1 x2 - x1 of `by_text`, whose operations it makes in the same order. `on_call` gets the
/// number of rows of each call.
template <class OnCall>
CustomField by_hand(OnCall on_call) {
  return {.dim = 2,
          .evaluate =
              [on_call](double t, Index n, const double* x, double* f) {
                on_call(n);
                for (Index i = 0; i < n; ++i, x += 2, f += 2) {
                  f[0] = x[1] + t;
                  f[1] = x[0] * x[1] - x[0];
                }
              },
          .id = "by hand"};
}
CustomField by_hand() {
  return by_hand([](Index /*n*/) {});
}

Dynamics by_text(Scheme scheme, const DynamicsNoise& noise) {
  return {.drift = {"x2 + t", "x1*x2 - x1"},
          .noise = noise,
          .t_start = 0.25,
          .steps = 9,
          .scheme = scheme,
          .start = GaussianStart{.mean = {0.5, -1.0}, .std = 0.5}};
}
Dynamics with_noise(Dynamics dynamics, const CustomField& noise) {
  dynamics.custom_noise = noise;
  return dynamics;
}
Dynamics by_function(Scheme scheme, const DynamicsNoise& noise, const CustomField& drift = by_hand()) {
  Dynamics dynamics = by_text(scheme, noise);
  dynamics.drift.clear();
  dynamics.custom_drift = drift;
  return dynamics;
}

struct Case {
  Scheme scheme;
  DynamicsNoise noise;
};
std::vector<Case> every_case() {
  const Texts additive{"1/2 + t", "t"}, multiplicative{"x1/4", "t + x2"};
  return {{Scheme::euler_maruyama, 0.5},
          {Scheme::euler_maruyama, std::vector<double>{0.5, 0.0}},
          {Scheme::euler_maruyama, multiplicative},
          {Scheme::milstein, multiplicative},
          {Scheme::heun, additive},
          {Scheme::sra1, additive},
          {Scheme::euler, 0.0},
          {Scheme::heun, 0.0},
          {Scheme::rk4, 0.0}};
}

Points paths(const Dynamics& dynamics, const Options& options) {
  return run(dynamics_plan(dynamics), options).to_double();
}

TEST(CustomFields, GiveThePathsOfTheirTextToTheBit) {
  for (const Case& of : every_case()) {
    const Dynamics dynamics = by_function(of.scheme, of.noise);
    Options options{
        .count = 600, .seed = 3, .device = Device::cpu(1), .precision = Precision::f64, .first = 7};
    const Points expected = paths(by_text(of.scheme, of.noise), options);
    EXPECT_EQ(paths(dynamics, options), expected) << dynamics_plan(dynamics);
    options.device = Device::cpu(3);
    EXPECT_EQ(paths(dynamics, options), expected);
    const Plan plan = dynamics_plan(dynamics);
    EXPECT_EQ(paths(dynamics, test::in_batches(plan, options, *make_executor(options.device))), expected);
    EXPECT_EQ(paths(dynamics, {.count = 10, .seed = 3, .precision = Precision::f64, .first = 597}),
              expected.bottomRows(10));
    options = {
        .count = 600, .seed = 3, .device = Device::reference(), .precision = Precision::f64, .first = 7};
    EXPECT_LT((paths(dynamics, options) - expected).cwiseAbs().maxCoeff(), 1e-12);
  }
}

TEST(CustomFields, MayBeTheNoise) {
  const CustomField noise{.dim = 2,
                          .evaluate =
                              [](double t, Index n, const double* x, double* f) {
                                for (Index i = 0; i < n; ++i, x += 2, f += 2) {
                                  f[0] = x[0] * x[1];
                                  f[1] = t + x[1];
                                }
                              },
                          .id = "noise by hand"};
  const Options options{.count = 300, .precision = Precision::f64};
  const Points expected = paths(by_text(Scheme::euler_maruyama, Texts{"x1*x2", "t + x2"}), options);
  EXPECT_EQ(paths(with_noise(by_text(Scheme::euler_maruyama, 0.0), noise), options), expected);
  const Dynamics both = with_noise(by_function(Scheme::euler_maruyama, 0.0), noise);
  EXPECT_EQ(paths(both, options), expected);
  EXPECT_EQ(dynamics_plan(both).notes.size(), 2U);
}

TEST(CustomFields, AreGivenTheRowsOfARunInDouble) {
  std::atomic<int> in_double{0}, calls{0};
  CustomField drift = by_hand([](Index /*n*/) {});
  drift.evaluate = [&, function = drift.evaluate](double t, Index n, const double* x, double* f) {
    for (Index i = 0; i < 2 * n; ++i) in_double += x[i] != static_cast<double>(static_cast<float>(x[i]));
    ++calls;
    function(t, n, x, f);
  };
  const Dynamics dynamics = by_function(Scheme::heun, 0.5, drift);
  paths(dynamics, {.count = 100, .precision = Precision::f32});
  EXPECT_EQ(in_double, 0);
  EXPECT_EQ(calls, 18);  // two evaluations of each step
  paths(dynamics, {.count = 100, .precision = Precision::f64});
  EXPECT_GT(in_double, 2000);
  calls = 0;
  paths(dynamics, {.count = 100, .device = Device::reference()});
  EXPECT_EQ(calls, 18);
}

TEST(CustomFields, AreCalledByOneThreadAtATimeIfTheyAskForIt) {
  std::atomic<int> inside{0}, most{0};
  CustomField drift = by_hand([&](Index /*n*/) {
    const int now = ++inside;
    if (now > most) most = now;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    --inside;
  });
  drift.concurrent = false;
  paths(by_function(Scheme::euler, 0.0, drift), {.count = 2048, .device = Device::cpu(4)});
  EXPECT_EQ(most, 1);
}

TEST(CustomFields, PassTheirErrorsOn) {
  struct Own {};
  const CustomField throws = by_hand([](Index /*n*/) { throw Own(); });
  CustomField forgets = by_hand();
  forgets.evaluate = [](double t, Index n, const double* /*x*/, double* f) {
    for (Index i = t < 0.5 ? 0 : 1; i < 2 * n; ++i) f[i] = 1.0;
  };
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    const Options options{.count = 7, .device = device, .precision = Precision::f64};
    EXPECT_THROW(paths(by_function(Scheme::euler, 0.0, throws), options), Own);
    Dynamics dynamics = by_function(Scheme::euler, 0.0, forgets);
    dynamics.t_start = 0.0;
    dynamics.steps = 4;
    try {
      paths(dynamics, options);
      ADD_FAILURE() << "no error";
    } catch (const NonFiniteError& error) {
      EXPECT_STREQ(
          error.what(),
          "run: 1 of 7 particles are not finite, first after step 3 of 4; the step may be too large, "
          "or a function gives no number there");
    }
  }
}

TEST(CustomFields, EnterTheHashThePrintAndTheNotesByTheirName) {
  const auto plan = [](std::string id) {
    CustomField drift = by_hand();
    drift.id = std::move(id);
    return dynamics_plan(by_function(Scheme::rk4, 0.0, drift));
  };
  EXPECT_EQ(plan("a").hash(), plan("a").hash());
  EXPECT_NE(plan("a").hash(), plan("b").hash());
  EXPECT_NE(plan("a").hash(), dynamics_plan(by_text(Scheme::rk4, 0.0)).hash());
  std::ostringstream out;
  out << plan("a");
  EXPECT_NE(out.str().find("\nfield 0  function a\n"), std::string::npos) << out.str();
  EXPECT_EQ(run(plan("a"), {.count = 3}).provenance().notes.back(),
            "the values are those of the function \"a\", which the plan's hash knows by its name alone");
}

TEST(CustomFields, HaveAGenerator) {
  const Expression F("x1^2*x2", {.dim = 2});
  const Points x{{0.5, -1.25}, {2.0, 0.25}};
  EXPECT_EQ(generator(by_function(Scheme::euler_maruyama, 0.75), F, x, 0.5),
            generator(by_text(Scheme::euler_maruyama, 0.75), F, x, 0.5));
}

TEST(CustomFields, NameBadDescriptions) {
  const auto refused = [](const CustomField& field, const std::string& message) {
    expect_invalid([&] { const VectorField checked(field); }, message);
  };
  CustomField field = by_hand();
  field.id.clear();
  refused(field, "custom field: the id is empty; it names the field in results");
  refused({.id = "none"}, "custom field \"none\": has no function");
  field = by_hand();
  field.dim = 0;
  refused(field, "custom field \"by hand\": dim must be at least 1, got 0");
  expect_invalid([] { VectorField(by_hand()).diagonal_derivative(); },
                 "VectorField: the function \"by hand\" has no derivative");
  EXPECT_FALSE(VectorField(by_hand()).affine().has_value());
  EXPECT_FALSE(VectorField(by_hand()).constant_jacobian().has_value());
}

TEST(CustomFields, OfTheMemoryOfAGpuNeedOne) {
  CustomField on_gpu = by_hand();
  on_gpu.evaluate = nullptr;
  on_gpu.device = [](const DeviceFieldRows& /*rows*/) { ADD_FAILURE() << "called on the host"; };
  const Plan plan = dynamics_plan(by_function(Scheme::euler, 0.0, on_gpu));
  for (const Device& device : {Device::reference(), Device::cpu(1)})
    expect_invalid(
        [&] { run(plan, {.count = 2, .device = device}); },
        "custom field \"by hand\": works in the memory of a GPU, so the plan needs the device cuda");
  on_gpu.device = nullptr;
  expect_invalid([&] { dynamics_plan(by_function(Scheme::euler, 0.0, on_gpu)); },
                 "custom field \"by hand\": has no function");
}

TEST(CustomFields, NameDynamicsWithoutTheirDerivatives) {
  const auto refused = [](const Dynamics& dynamics, const std::string& message) {
    expect_invalid([&] { dynamics_plan(dynamics); }, message);
  };
  refused(
      by_function(Scheme::exact, 0.5),
      "dynamics: the scheme exact needs drift and noise as numbers or texts, given the function \"by hand\"");
  refused(
      with_noise(by_text(Scheme::exact, 0.0), by_hand()),
      "dynamics: the scheme exact needs drift and noise as numbers or texts, given the function \"by hand\"");
  refused(
      with_noise(by_text(Scheme::milstein, 0.0), by_hand()),
      "dynamics: the scheme milstein needs the derivative of the noise, which the function \"by hand\" does "
      "not give; use euler-maruyama");
  refused(with_noise(by_text(Scheme::sra1, 0.0), by_hand()),
          "dynamics: the scheme sra1 needs additive noise, as numbers or texts in t; given the function \"by "
          "hand\"; use euler-maruyama");
  refused(with_noise(by_function(Scheme::rk4, 0.0), by_hand()),
          "dynamics: the scheme rk4 integrates ODEs; expected noise 0");
  Dynamics dynamics = by_function(Scheme::euler, 0.0);
  dynamics.drift = {"x1", "x2"};
  refused(dynamics, "dynamics: drift and custom_drift exclude each other, given both");
  refused(with_noise(by_text(Scheme::euler_maruyama, 0.5), by_hand()),
          "dynamics: noise and custom_noise exclude each other, given both");
  CustomField wide = by_hand();
  wide.dim = 3;
  refused(by_function(Scheme::euler, 0.0, wide),
          "dynamics: expected 3 coordinates of the start, one for each drift, got 2");
  refused(with_noise(by_text(Scheme::euler_maruyama, 0.0), wide),
          "dynamics: custom_noise has dimension 3, expected 2, that of the drift");
  for (const Dynamics& of_function :
       {by_function(Scheme::euler, 0.0), with_noise(by_text(Scheme::euler_maruyama, 0.0), by_hand())}) {
    expect_invalid([&] { to_json(DynamicsProblem{.dynamics = of_function}); },
                   "to_json: a drift or a noise given by a function (CustomField) has no JSON form");
  }
}

}  // namespace
}  // namespace gmdiff::custom_field_tests
