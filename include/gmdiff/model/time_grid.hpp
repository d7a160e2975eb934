#pragma once

#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/process.hpp>

namespace gmdiff {

/// t_i = t_start + (i / steps)(t_end - t_start) (mathematics.md §4). t_start defaults to T; T >= t_start >
/// t_end >= 0.
struct UniformGrid {
  int steps = 100;
  std::optional<double> t_start = {};
  double t_end = 0.0;
};

/// Karras et al. (2022), eq. 5, in n = sigma / alpha: steps - 1 steps from n_max to n_min, then one step to n
/// = 0; with steps = 1 the only step goes from n_max to 0. Range: 0 < n_min < n_max <= n(T); rho > 0.
struct KarrasGrid {
  int steps = 100;
  double rho = 7.0;
  double n_min = 0.002;
  double n_max = 80.0;
};

/// Uniform in lambda = log(alpha / sigma) from t_start to t_end; with end_at_data the last of the `steps`
/// goes to sigma = 0. t_start defaults to T and is required where alpha(T) = 0; sigma(t_end) > 0.
struct LogSnrGrid {
  int steps = 100;
  std::optional<double> t_start = {};
  double t_end = 0.0;  // Required and > 0; there is no good default.
  bool end_at_data = true;
};

/// DDIM subset of a `Ddpm` table of M steps: indices floor(M i / S) (linear) or floor(M i^2 / S^2)
/// (quadratic), duplicates removed (Song, Meng & Ermon 2021, §D.2).
struct DdimGrid {
  int steps = 100;
  enum class Spacing { linear, quadratic } spacing = Spacing::linear;
};

/// The grid adapted to an observation of mathematics.md §4 on a `Ddpm` table: `points` levels, points - 1
/// steps (more only where a forced level lies beyond alpha = 0.01). It uses the singular values and the noise
/// variance of the whitened observation.
struct McgdiffGrid {
  int points = 101;
};

/// Explicit times, strictly decreasing, in [0, T].
struct ListGrid {
  std::vector<double> t;
};

/// A description of any time grid.
using GridDescription = std::variant<UniformGrid, KarrasGrid, LogSnrGrid, DdimGrid, McgdiffGrid, ListGrid>;

/// One level of a grid; alpha and sigma in extended precision, t rounded to double.
struct GridLevel {
  double t;  ///< time; -inf for the level n = 0 of a process that never reaches it (`Ve`)
  long double alpha;
  long double sigma;
};

/// The `num_steps() + 1` levels of a run from noisy to clean; sigma / alpha strictly decreases
/// (mathematics.md §4). Immutable.
class TimeGrid {
 public:
  /// @param observation required by `McgdiffGrid`, unused by the others.
  /// @throws std::invalid_argument naming parameter, range and value; zero steps; a grid that does not fit
  ///   the process.
  TimeGrid(const ForwardProcess& process, const GridDescription& description,
           const LinearObservation* observation = nullptr);

  static TimeGrid uniform(const ForwardProcess& process, int steps, double t_end = 0.0);
  static TimeGrid list(const ForwardProcess& process, std::vector<double> t);

  int num_steps() const { return static_cast<int>(levels_.size()) - 1; }
  /// Level i, 0 (noisiest) to num_steps().
  const GridLevel& level(int i) const { return levels_[static_cast<std::size_t>(i)]; }
  const std::vector<GridLevel>& levels() const { return levels_; }
  /// Times, shape (num_steps() + 1), decreasing.
  std::vector<double> times() const;
  const GridDescription& description() const { return description_; }

 private:
  GridDescription description_;
  std::vector<GridLevel> levels_;
};

}  // namespace gmdiff
