#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/model/process.hpp>

#include "support/expect_invalid.hpp"

// Bad arguments of forward processes: each has its own message.

namespace gmdiff::test {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void expect_invalid_process(const ProcessDescription& description, const std::string& text) {
  expect_invalid([&] { ForwardProcess process(description); }, text);
}

CustomProcess custom(std::function<double(double)> alpha, std::function<double(double)> sigma) {
  return {.alpha = std::move(alpha), .sigma = std::move(sigma)};
}

double one(double) { return 1.0; }
double identity(double t) { return t; }

}  // namespace

TEST(ProcessErrors, LargestTimes) {
  expect_invalid_process(Vp{.T = 0.0}, "Vp: T must be finite and > 0, got 0");
  expect_invalid_process(Vp{.beta = CosineBeta{}, .T = -1.0}, "Vp: T must be finite and > 0, got -1");
  expect_invalid_process(SubVp{.T = nan}, "SubVp: T must be finite and > 0, got nan");
  expect_invalid_process(Ou{.T = inf}, "Ou: T must be finite and > 0, got inf");
  expect_invalid_process(Ve{.T = 0.0}, "Ve: T must be finite and > 0, got 0");
  expect_invalid_process(Edm{.T = -80.0}, "Edm: T must be finite and > 0, got -80");
  expect_invalid_process(CustomProcess{.alpha = one, .sigma = identity, .T = 0.0},
                         "CustomProcess: T must be finite and > 0, got 0");
}

TEST(ProcessErrors, BetasOfVp) {
  expect_invalid_process(Vp{.beta = LinearBeta{.min = -0.5, .max = 1.0}},
                         "Vp: beta min must be finite and >= 0, got -0.5");
  expect_invalid_process(Vp{.beta = LinearBeta{.min = 0.5, .max = nan}},
                         "Vp: beta max must be finite and >= 0, got nan");
  expect_invalid_process(SubVp{.beta = {.min = inf, .max = 1.0}},
                         "SubVp: beta min must be finite and >= 0, got inf");
  expect_invalid_process(SubVp{.beta = {.min = 0.0, .max = 0.0}},
                         "SubVp: beta min and max must not both be 0");
  expect_invalid_process(Vp{.beta = CosineBeta{.offset = 0.0}},
                         "Vp: the offset of the cosine schedule must lie in (0, 1), got 0");
  expect_invalid_process(Vp{.beta = CosineBeta{.offset = 1.0}},
                         "Vp: the offset of the cosine schedule must lie in (0, 1), got 1");
  expect_invalid_process(Vp{.beta = CosineBeta{.offset = nan}},
                         "Vp: the offset of the cosine schedule must lie in (0, 1), got nan");
}

TEST(ProcessErrors, DeviationsOfOuAndVe) {
  expect_invalid_process(Ou{.stationary_std = 0.0}, "Ou: stationary_std must be finite and > 0, got 0");
  expect_invalid_process(Ou{.stationary_std = nan}, "Ou: stationary_std must be finite and > 0, got nan");
  expect_invalid_process(Ve{.sigma_min = 0.0}, "Ve: sigma_min must be finite and > 0, got 0");
  expect_invalid_process(Ve{.sigma_min = 2.0, .sigma_max = 2.0},
                         "Ve: sigma_max must be finite and greater than sigma_min = 2, got 2");
  expect_invalid_process(Ve{.sigma_max = inf},
                         "Ve: sigma_max must be finite and greater than sigma_min = 0.01, got inf");
}

TEST(ProcessErrors, Tables) {
  expect_invalid_process(Ddpm{}, "Ddpm: needs betas, or steps, first and last");
  expect_invalid_process(Ddpm{.betas = {0.5}, .steps = 3, .first = 0.1, .last = 0.2},
                         "Ddpm: takes either betas or steps, first and last, got both");
  expect_invalid_process(Ddpm{.betas = {0.5}, .last = 0.2},
                         "Ddpm: takes either betas or steps, first and last, got both");
  expect_invalid_process(Ddpm{.betas = {0.5, 1.0}}, "Ddpm: beta 1 must lie in (0, 1), got 1");
  expect_invalid_process(Ddpm{.betas = {0.0, 0.5}}, "Ddpm: beta 0 must lie in (0, 1), got 0");
  expect_invalid_process(Ddpm{.betas = {0.1, 0.2, nan}}, "Ddpm: beta 2 must lie in (0, 1), got nan");
  expect_invalid_process(Ddpm{.betas = {}, .steps = -3, .first = 0.1, .last = 0.2},
                         "Ddpm: steps must be at least 1, got -3");
  expect_invalid_process(Ddpm{.betas = {}, .first = 0.1, .last = 0.2},
                         "Ddpm: steps must be at least 1, got 0");
  expect_invalid_process(Ddpm{.betas = {}, .steps = 2'000'000'000, .first = 0.1, .last = 0.2},
                         "Ddpm: at most 1000000 steps, got 2000000000");
  expect_invalid_process(Ddpm{.betas = {}, .steps = 10, .last = 0.2},
                         "Ddpm: first must lie in (0, 1), got 0");
  expect_invalid_process(Ddpm{.betas = {}, .steps = 10, .first = 0.1, .last = 1.0},
                         "Ddpm: last must lie in (0, 1), got 1");
  expect_invalid_process(Ddpm{.betas = std::vector<double>(1'000'001, 0.01)},
                         "Ddpm: at most 1000000 betas, got 1000001");
}

TEST(ProcessErrors, CustomFunctions) {
  expect_invalid_process(custom(nullptr, identity), "CustomProcess: alpha is not given");
  expect_invalid_process(custom(one, nullptr), "CustomProcess: sigma is not given");
  expect_invalid_process(CustomProcess{.alpha = one, .sigma = identity, .dalpha = one},
                         "CustomProcess: give both derivatives or neither, only dalpha is given");
  expect_invalid_process(CustomProcess{.alpha = one, .sigma = identity, .dsigma = one},
                         "CustomProcess: give both derivatives or neither, only dsigma is given");
}

TEST(ProcessErrors, CustomValues) {
  expect_invalid_process(custom([](double t) { return 0.5 - t; }, identity),
                         "CustomProcess: alpha(0.503906) must be finite and >= 0, got -0.00390625");
  expect_invalid_process(custom([](double) { return nan; }, identity),
                         "CustomProcess: alpha(0) must be finite and >= 0, got nan");
  expect_invalid_process(custom(one, [](double t) { return -t; }),
                         "CustomProcess: sigma(0.00390625) must be finite and >= 0, got");
  expect_invalid_process(custom(one, [](double t) { return t / (1.0 - t); }),
                         "CustomProcess: sigma(1) must be finite and >= 0, got inf");
  expect_invalid_process(custom(identity, identity), "CustomProcess: alpha and sigma are both 0 at t = 0");
}

TEST(ProcessErrors, CustomNoiseThatDoesNotGrow) {
  expect_invalid_process(
      custom(one, [](double) { return 1.0; }),
      "CustomProcess: sigma / alpha must grow with t, but is 1 at t = 0 and 1 at t = 0.00390625");
  expect_invalid_process(custom(one, [](double t) { return t * (1.5 - t); }),
                         "CustomProcess: sigma / alpha must grow with t, but is 0.5625 at t = 0.75 and "
                         "0.562485 at t = 0.753906");
}

TEST(ProcessErrors, TimesOutsideTheProcess) {
  const ForwardProcess process = vp({.min = 0.02, .max = 7.0}, 2.0);

  expect_invalid([&] { process.values(2.5L); },
                 "ForwardProcess: t = 2.5 is outside [0, 2] of the process vp");
  expect_invalid([&] { process.alpha(-0.5); },
                 "ForwardProcess: t = -0.5 is outside [0, 2] of the process vp");
  expect_invalid([&] { process.level(nan); }, "ForwardProcess: t = nan is outside [0, 2] of the process vp");
}

TEST(ProcessErrors, NoiseToSignalRatios) {
  const ForwardProcess process = vp(), edm(Edm{}), ve(Ve{}), falling = vp(LinearBeta{.min = 2.0, .max = 0.0});
  const ForwardProcess bounded(CustomProcess{.alpha = one, .sigma = [](double t) { return 1.0 + t; }});

  expect_invalid([&] { process.values_at_noise_to_signal(-1.0L); },
                 "ForwardProcess: sigma / alpha must be >= 0, got -1");
  expect_invalid([&] { process.time_of_noise_to_signal(static_cast<long double>(nan)); },
                 "ForwardProcess: sigma / alpha must be >= 0, got nan");
  expect_invalid([&] { edm.values_at_noise_to_signal(static_cast<long double>(inf)); },
                 "Edm: sigma / alpha = inf is never reached");
  expect_invalid([&] { ve.time_of_noise_to_signal(static_cast<long double>(inf)); },
                 "Ve: sigma / alpha = inf is never reached");
  expect_invalid([&] { falling.time_of_noise_to_signal(100.0L); },
                 "ForwardProcess: beta falls to 0 before -2 log(alpha) = 9.21044");
  expect_invalid([&] { falling.time_of_noise_to_signal(static_cast<long double>(inf)); },
                 "ForwardProcess: beta falls to 0 before -2 log(alpha) = inf");
  expect_invalid([&] { bounded.values_at_noise_to_signal(0.5L); },
                 "CustomProcess: sigma / alpha = 0.5 is outside [1, 2], its range on [0, 1]");
  expect_invalid([&] { bounded.time_of_noise_to_signal(3.0L); },
                 "CustomProcess: sigma / alpha = 3 is outside [1, 2], its range on [0, 1]");
}

}  // namespace gmdiff::test
