#include <cmath>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/process/schedule.hpp"

// The processes of mathematics.md §3 with elementary formulas: EDM and VE (both with alpha = 1), and
// rectified flow.

namespace gmdiff {

namespace {

/// alpha = 1: every noise level is sigma = n, except n = inf.
SignalAndNoise unit_signal_level(const char* process, long double n) {
  require(std::isfinite(n), process, ": sigma / alpha = ", n, " is never reached, alpha is 1");
  return {.alpha = 1.0L, .sigma = n};
}

class EdmSchedule final : public ForwardProcess::Schedule {
 public:
  explicit EdmSchedule(const Edm& edm) : Schedule(edm, "edm", edm.T) {}

  ProcessValues at(long double t) const override {
    return {.alpha = 1.0L,
            .sigma = t,
            .dalpha = 0.0L,
            .dsigma = 1.0L,
            .p = 1.0L / t,
            .q = -1.0L / t,
            .f = 0.0L,
            .g2 = 2.0L * t};
  }
  SignalAndNoise of_noise_to_signal(long double n) const override { return unit_signal_level("Edm", n); }
  long double time_of_noise_to_signal(long double n) const override {
    return unit_signal_level("Edm", n).sigma;
  }
};

class VeGeometric final : public ForwardProcess::Schedule {
 public:
  explicit VeGeometric(const Ve& ve)
      : Schedule(ve, "ve", ve.T),
        sigma_min_(ve.sigma_min),
        rate_(extended::log(static_cast<long double>(ve.sigma_max) / sigma_min_) /
              static_cast<long double>(ve.T)) {}

  ProcessValues at(long double t) const override {
    const long double sigma = sigma_min_ * extended::exp(rate_ * t);
    return {.alpha = 1.0L,
            .sigma = sigma,
            .dalpha = 0.0L,
            .dsigma = rate_ * sigma,
            .p = rate_,
            .q = -rate_,
            .f = 0.0L,
            .g2 = 2.0L * rate_ * sigma * sigma};
  }
  SignalAndNoise of_noise_to_signal(long double n) const override { return unit_signal_level("Ve", n); }
  /// -inf for n = 0.
  long double time_of_noise_to_signal(long double n) const override {
    return extended::log(unit_signal_level("Ve", n).sigma / sigma_min_) / rate_;
  }

 private:
  long double sigma_min_, rate_;
};

class RectifiedFlowSchedule final : public ForwardProcess::Schedule {
 public:
  explicit RectifiedFlowSchedule(const RectifiedFlow& flow) : Schedule(flow, "rectified-flow", 1.0) {}

  ProcessValues at(long double t) const override {
    const long double alpha = 1.0L - t;
    return {.alpha = alpha,
            .sigma = t,
            .dalpha = -1.0L,
            .dsigma = 1.0L,
            .p = 1.0L / t,
            .q = -1.0L / t,
            .f = -1.0L / alpha,
            .g2 = 2.0L * t / alpha};
  }
  SignalAndNoise of_noise_to_signal(long double n) const override {
    return {.alpha = 1.0L / (1.0L + n), .sigma = n <= 1.0L ? n / (1.0L + n) : 1.0L / (1.0L + 1.0L / n)};
  }
  long double time_of_noise_to_signal(long double n) const override { return of_noise_to_signal(n).sigma; }
};

}  // namespace

SchedulePointer schedule_of(const Edm& description) {
  require_positive_time("Edm", description.T);
  return std::make_shared<EdmSchedule>(description);
}

SchedulePointer schedule_of(const Ve& description) {
  require_positive_time("Ve", description.T);
  require(std::isfinite(description.sigma_min) && description.sigma_min > 0.0,
          "Ve: sigma_min must be finite and > 0, got ", description.sigma_min);
  require(std::isfinite(description.sigma_max) && description.sigma_max > description.sigma_min,
          "Ve: sigma_max must be finite and greater than sigma_min = ", description.sigma_min, ", got ",
          description.sigma_max);
  return std::make_shared<VeGeometric>(description);
}

SchedulePointer schedule_of(const RectifiedFlow& description) {
  return std::make_shared<RectifiedFlowSchedule>(description);
}

}  // namespace gmdiff
