#pragma once

#include <memory>
#include <string>

#include <gmdiff/model/process.hpp>

namespace gmdiff {

/// The pair (alpha, sigma) in extended precision.
struct SignalAndNoise {
  long double alpha;
  long double sigma;
};

/// The closed forms of one process of mathematics.md §3 in extended precision (numerics.md §2).
/// `ForwardProcess` checks the arguments.
struct ForwardProcess::Schedule {
  Schedule(ProcessDescription described, std::string called, double largest_time)
      : description(std::move(described)), name(std::move(called)), T(largest_time) {}
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;
  virtual ~Schedule() = default;

  /// Values at time t; also outside [0, T] if the formulas hold there.
  virtual ProcessValues at(long double t) const = 0;
  /// (alpha, sigma) with sigma / alpha = n, n in [0, inf].
  virtual SignalAndNoise of_noise_to_signal(long double n) const = 0;
  /// The time at which sigma / alpha = n, n in [0, inf].
  virtual long double time_of_noise_to_signal(long double n) const = 0;
  virtual bool has_derivatives() const { return true; }

  const ProcessDescription description;
  const std::string name;
  const double T;
};

using SchedulePointer = std::shared_ptr<const ForwardProcess::Schedule>;

// Each function checks its description and throws std::invalid_argument.
SchedulePointer schedule_of(const Vp& description);
SchedulePointer schedule_of(const SubVp& description);
SchedulePointer schedule_of(const Ou& description);
SchedulePointer schedule_of(const Ddpm& description);
SchedulePointer schedule_of(const Ve& description);
SchedulePointer schedule_of(const Edm& description);
SchedulePointer schedule_of(const RectifiedFlow& description);
SchedulePointer schedule_of(const CustomProcess& description);

/// alpha = exp(-B/2), sigma = scale sqrt(-expm1(-B)) with B' = beta > 0: the values of every
/// variance-preserving process.
ProcessValues variance_preserving_values(long double B, long double beta, long double scale = 1.0L);
/// alpha = 1 / sqrt(1 + n^2), sigma = n / sqrt(1 + n^2), without overflow, n = inf included.
SignalAndNoise variance_preserving_levels(long double n);

/// Throws unless T is finite and > 0.
void require_positive_time(const char* process, double T);

}  // namespace gmdiff
