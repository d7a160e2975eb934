#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/process/schedule.hpp"

// Discrete tables of Ho et al. (2020) as a process in continuous time (mathematics.md §3).

namespace gmdiff {

namespace {

// Bounds the memory of a table and keeps M i^2 of the quadratic DDIM subset within 64 bits.
constexpr std::size_t max_table_steps = 1'000'000;

/// `steps` equally spaced values with exact ends, computed as numpy.linspace does.
std::vector<double> equally_spaced(int steps, double first, double last) {
  std::vector<double> values(static_cast<std::size_t>(steps), first);
  if (steps == 1) return values;
  const double step = (last - first) / (steps - 1);
  for (int i = 1; i < steps - 1; ++i) values[static_cast<std::size_t>(i)] = i * step + first;
  values.back() = last;
  return values;
}

std::vector<double> betas_of(const Ddpm& ddpm) {
  const bool described = ddpm.steps != 0 || ddpm.first != 0.0 || ddpm.last != 0.0;
  require(described || !ddpm.betas.empty(), "Ddpm: needs betas, or steps, first and last");
  require(!described || ddpm.betas.empty(), "Ddpm: takes either betas or steps, first and last, got both");
  if (!described) return ddpm.betas;
  require(ddpm.steps >= 1, "Ddpm: steps must be at least 1, got ", ddpm.steps);
  require(static_cast<std::size_t>(ddpm.steps) <= max_table_steps, "Ddpm: at most ", max_table_steps,
          " steps, got ", ddpm.steps);
  require(ddpm.first > 0.0 && ddpm.first < 1.0, "Ddpm: first must lie in (0, 1), got ", ddpm.first);
  require(ddpm.last > 0.0 && ddpm.last < 1.0, "Ddpm: last must lie in (0, 1), got ", ddpm.last);
  return equally_spaced(ddpm.steps, ddpm.first, ddpm.last);
}

/// VP whose beta is the constant -log(1 - beta_{i+1}) on (i, i + 1].
class DdpmTable final : public ForwardProcess::Schedule {
 public:
  DdpmTable(const Ddpm& ddpm, const std::vector<double>& betas)
      : Schedule(ddpm, "ddpm", static_cast<double>(betas.size())), integral_(betas.size() + 1, 0.0L) {
    rates_.reserve(betas.size());
    for (const double beta : betas) rates_.push_back(-extended::log1p(-static_cast<long double>(beta)));
    for (std::size_t i = 0; i < rates_.size(); ++i) integral_[i + 1] = integral_[i] + rates_[i];
  }

  /// At an index i, the rates are those of the step from i down to i - 1.
  ProcessValues at(long double t) const override {
    const auto above = static_cast<std::size_t>(std::ceil(std::clamp(t, 1.0L, static_cast<long double>(T))));
    const long double B =
        integral_[above - 1] + (t - static_cast<long double>(above - 1)) * rates_[above - 1];
    return variance_preserving_values(t == static_cast<long double>(above) ? integral_[above] : B,
                                      rates_[above - 1]);
  }
  SignalAndNoise of_noise_to_signal(long double n) const override { return variance_preserving_levels(n); }

  /// Beyond N the last rate continues.
  long double time_of_noise_to_signal(long double n) const override {
    const long double B = extended::log1p(n * n);
    const auto above = std::lower_bound(integral_.begin() + 1, integral_.end() - 1, B);
    const auto i = static_cast<std::size_t>(above - integral_.begin()) - 1;
    return static_cast<long double>(i) + (B - integral_[i]) / rates_[i];
  }

 private:
  std::vector<long double> rates_;     // rate on the interval (i, i + 1]
  std::vector<long double> integral_;  // -log alpha_bar_i, i = 0..N
};

}  // namespace

SchedulePointer schedule_of(const Ddpm& description) {
  const std::vector<double> betas = betas_of(description);
  require(betas.size() <= max_table_steps, "Ddpm: at most ", max_table_steps, " betas, got ", betas.size());
  for (std::size_t i = 0; i < betas.size(); ++i)
    require(betas[i] > 0.0 && betas[i] < 1.0, "Ddpm: beta ", i, " must lie in (0, 1), got ", betas[i]);
  return std::make_shared<DdpmTable>(description, betas);
}

}  // namespace gmdiff
