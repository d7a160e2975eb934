#pragma once

#include <vector>

#include <gmdiff/plan/smc_plan.hpp>

#include "plan/rotated_observation.hpp"

namespace gmdiff {

/// The potentials g_s of an observation at the levels of a grid (mathematics.md §7.2).
class Potentials {
 public:
  /// Variant A if `kappa` >= 0 is given, otherwise C. Variant A inserts the levels tau_i into the grid.
  Potentials(const RotatedObservation& observation, const ForwardProcess& process, const TimeGrid& grid,
             const double* kappa);

  const std::vector<GridLevel>& levels() const { return levels_; }
  Eigen::Index num_observed() const { return static_cast<Eigen::Index>(coordinates_.size()); }
  /// The potential g of level l.
  Potential at(std::size_t l) const;
  /// The factors of g at level l that are still active at the next level.
  Potential divided(std::size_t l) const;
  /// Whether the factor of some coordinate at the last level is too narrow to weight particles (§7.4),
  /// because the observation has little or no noise.
  enum class End { wide, nearly_exact, exact };
  End end() const;
  /// The part of log p(y) that weights with the potentials of all levels omit: the sum of log alpha_tau over
  /// the pins.
  long double log_constant() const;

 private:
  /// Observed coordinate x~_i.
  struct Coordinate {
    long double y, n;
    bool is_pinned;
    std::size_t tau;  ///< level of the pin; the last level without a pin
  };

  bool is_narrow(long double n) const;
  std::size_t insert(long double n, const ForwardProcess& process);
  bool is_active(const Coordinate& coordinate, std::size_t l) const { return l <= coordinate.tau; }
  long double variance(const Coordinate& coordinate, std::size_t l) const;
  Potential potential(std::size_t l, std::size_t active_at) const;

  double kappa_;
  std::vector<GridLevel> levels_;
  std::vector<Coordinate> coordinates_;
};

}  // namespace gmdiff
