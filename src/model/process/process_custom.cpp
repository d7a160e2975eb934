#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "model/process/schedule.hpp"

// A custom pair (alpha, sigma).

namespace gmdiff {

namespace {

constexpr int num_checked_times = 257;

class CustomSchedule final : public ForwardProcess::Schedule {
 public:
  explicit CustomSchedule(const CustomProcess& process)
      : Schedule(process, "custom", process.T), process_(process) {}

  ProcessValues at(long double t) const override {
    const auto time = static_cast<double>(t);
    const auto [alpha, sigma] = level(time);
    if (!has_derivatives()) return without_derivatives(alpha, sigma);
    const long double dalpha = process_.dalpha(time), dsigma = process_.dsigma(time);
    const long double p = dsigma / sigma, f = dalpha / alpha;
    return {.alpha = alpha,
            .sigma = sigma,
            .dalpha = dalpha,
            .dsigma = dsigma,
            .p = p,
            .q = dalpha - alpha * p,
            .f = f,
            .g2 = 2.0L * sigma * (dsigma - f * sigma)};
  }

  SignalAndNoise of_noise_to_signal(long double n) const override { return level(time_of(n)); }
  long double time_of_noise_to_signal(long double n) const override { return time_of(n); }
  bool has_derivatives() const override { return static_cast<bool>(process_.dalpha); }

  /// @throws std::invalid_argument unless sigma / alpha grows from each of the checked times to the next.
  void require_growing_noise() const {
    double previous_time = 0.0;
    SignalAndNoise previous = level(previous_time);
    for (int i = 1; i < num_checked_times; ++i) {
      const double t = i == num_checked_times - 1 ? T : T * i / (num_checked_times - 1);
      const SignalAndNoise next = level(t);
      require(ratio(next) > ratio(previous), "CustomProcess: sigma / alpha must grow with t, but is ",
              ratio(previous), " at t = ", previous_time, " and ", ratio(next), " at t = ", t);
      previous_time = t;
      previous = next;
    }
  }

 private:
  static ProcessValues without_derivatives(long double alpha, long double sigma) {
    constexpr long double none = std::numeric_limits<long double>::quiet_NaN();
    return {.alpha = alpha,
            .sigma = sigma,
            .dalpha = none,
            .dsigma = none,
            .p = none,
            .q = none,
            .f = none,
            .g2 = none};
  }

  static long double ratio(const SignalAndNoise& level) { return level.sigma / level.alpha; }

  SignalAndNoise level(double t) const {
    const double alpha = process_.alpha(t), sigma = process_.sigma(t);
    require(std::isfinite(alpha) && alpha >= 0.0, "CustomProcess: alpha(", t,
            ") must be finite and >= 0, got ", alpha);
    require(std::isfinite(sigma) && sigma >= 0.0, "CustomProcess: sigma(", t,
            ") must be finite and >= 0, got ", sigma);
    require(alpha > 0.0 || sigma > 0.0, "CustomProcess: alpha and sigma are both 0 at t = ", t);
    return {.alpha = alpha, .sigma = sigma};
  }

  /// Bisection down to neighbouring doubles.
  double time_of(long double n) const {
    const long double lowest = ratio(level(0.0)), highest = ratio(level(T));
    require(n >= lowest && n <= highest, "CustomProcess: sigma / alpha = ", n, " is outside [", lowest, ", ",
            highest, "], its range on [0, ", T, "]");
    if (n == lowest) return 0.0;
    double below = 0.0, above = T;  // ratio(below) < n <= ratio(above)
    for (double middle = 0.5 * above; below < middle && middle < above;
         middle = below + 0.5 * (above - below))
      (ratio(level(middle)) < n ? below : above) = middle;
    return above;
  }

  CustomProcess process_;
};

}  // namespace

SchedulePointer schedule_of(const CustomProcess& description) {
  require_positive_time("CustomProcess", description.T);
  require(static_cast<bool>(description.alpha), "CustomProcess: alpha is not given");
  require(static_cast<bool>(description.sigma), "CustomProcess: sigma is not given");
  require(static_cast<bool>(description.dalpha) == static_cast<bool>(description.dsigma),
          "CustomProcess: give both derivatives or neither, only ", description.dalpha ? "dalpha" : "dsigma",
          " is given");
  auto schedule = std::make_shared<CustomSchedule>(description);
  schedule->require_growing_noise();
  return schedule;
}

}  // namespace gmdiff
