#include "plan/remarks.hpp"

#include <algorithm>
#include <variant>

#include "base/check.hpp"

namespace gmdiff {
namespace {

/// alpha_T max |mu_k|, the largest distance of a mean of p_T from 0, the centre of a Gaussian start (§5.2).
double remaining_mean(std::span<const Mixture> mixtures, double alpha) {
  double largest = 0.0;
  for (const Mixture& mixture : mixtures) {
    for (Eigen::Index k = 0; k < mixture.num_components(); ++k) {
      if (mixture.weights()(k) > 0.0) largest = std::max(largest, mixture.means().row(k).norm());
    }
  }
  return alpha * largest;
}

}  // namespace

std::vector<std::string> run_warnings(std::span<const Mixture> mixtures, const ForwardProcess& process,
                                      const TimeGrid& grid, const StartTable& start) {
  std::vector<std::string> warnings;
  constexpr double noticeable_mean = 0.05;
  const double mean = remaining_mean(mixtures, start.level.alpha);
  if (start.law == Start::gaussian && mean > noticeable_mean) {
    warnings.push_back(concat("gaussian start: alpha_T max|mu| = ", mean, " > ", noticeable_mean,
                              ", so N(0, sigma_T^2 I) is far from p_T"));
  }
  if (const auto* ve = std::get_if<Ve>(&process.description());
      ve != nullptr && grid.level(grid.num_steps()).sigma > 0.0L) {
    warnings.push_back(concat("ve: the data at t = 0 are blurred by sigma_min = ", ve->sigma_min));
  }
  return warnings;
}

std::string note_of_function(const char* kind, const std::string& id) {
  return concat("the values are those of the ", kind, " \"", id,
                "\", which the plan's hash knows by its name alone");
}

void add_function_notes(std::vector<std::string>& notes, const Target& target) {
  if (const CustomTarget* custom = target.custom()) notes.push_back(note_of_function("target", custom->id));
  const NonlinearObservation* const observation = target.observation();
  if (const CustomMap* map = observation == nullptr ? nullptr : observation->custom())
    notes.push_back(note_of_function("map", map->id));
}

void add_end_note(std::vector<std::string>& notes, const TimeGrid& grid) {
  const GridLevel& last = grid.level(grid.num_steps());
  if (last.sigma == 0.0L) return;
  notes.push_back(concat("the samples are x_t at t = ", last.t, " (alpha = ", static_cast<double>(last.alpha),
                         ", sigma = ", static_cast<double>(last.sigma), "), not x_0"));
}

}  // namespace gmdiff
