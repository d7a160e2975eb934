#include <cmath>
#include <limits>
#include <utility>

#include <gmdiff/model/process.hpp>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/process/schedule.hpp"

namespace gmdiff {

namespace {

constexpr long double not_a_number = std::numeric_limits<long double>::quiet_NaN();

void require_noise_to_signal(long double n) {
  require(n >= 0.0L, "ForwardProcess: sigma / alpha must be >= 0, got ", n);
}

}  // namespace

void require_positive_time(const char* process, double T) {
  require(std::isfinite(T) && T > 0.0, process, ": T must be finite and > 0, got ", T);
}

ForwardProcess::ForwardProcess(ProcessDescription description)
    : schedule_(std::visit([](const auto& process) { return schedule_of(process); }, description)) {}

const ProcessDescription& ForwardProcess::description() const { return schedule_->description; }

std::string ForwardProcess::name() const { return schedule_->name; }

double ForwardProcess::T() const { return schedule_->T; }

bool ForwardProcess::has_derivatives() const { return schedule_->has_derivatives(); }

ProcessValues ForwardProcess::values(long double t) const {
  require(t >= 0.0L && t <= static_cast<long double>(T()), "ForwardProcess: t = ", t, " is outside [0, ", T(),
          "] of the process ", name());
  return schedule_->at(t);
}

double ForwardProcess::alpha(double t) const { return static_cast<double>(values(t).alpha); }

double ForwardProcess::sigma(double t) const { return static_cast<double>(values(t).sigma); }

Level ForwardProcess::level(double t) const {
  const ProcessValues v = values(t);
  return {.alpha = static_cast<double>(v.alpha), .sigma = static_cast<double>(v.sigma)};
}

double ForwardProcess::log_snr(double t) const {
  const ProcessValues v = values(t);
  return static_cast<double>(extended::log(v.alpha / v.sigma));  // inf at sigma = 0, -inf at alpha = 0
}

double ForwardProcess::drift(double t) const { return static_cast<double>(values(t).f); }

double ForwardProcess::squared_diffusion(double t) const { return static_cast<double>(values(t).g2); }

double ForwardProcess::p(double t) const { return static_cast<double>(values(t).p); }

double ForwardProcess::q(double t) const { return static_cast<double>(values(t).q); }

ProcessValues ForwardProcess::values_at_noise_to_signal(long double n) const {
  require_noise_to_signal(n);
  const SignalAndNoise level = schedule_->of_noise_to_signal(n);
  const long double t = schedule_->time_of_noise_to_signal(n);
  const bool never_reached = std::isinf(t) && t > 0.0L;
  ProcessValues v = never_reached ? ProcessValues{.alpha = level.alpha,
                                                  .sigma = level.sigma,
                                                  .dalpha = not_a_number,
                                                  .dsigma = not_a_number,
                                                  .p = not_a_number,
                                                  .q = not_a_number,
                                                  .f = not_a_number,
                                                  .g2 = not_a_number}
                                  : schedule_->at(t);
  v.alpha = level.alpha;
  v.sigma = level.sigma;
  return v;
}

long double ForwardProcess::time_of_noise_to_signal(long double n) const {
  require_noise_to_signal(n);
  return schedule_->time_of_noise_to_signal(n);
}

}  // namespace gmdiff
