#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/sampler/sampler.hpp>

// A device executes a plan: flat tables, computed on the host in extended precision and rounded once (numerics.md §2).
// A plan is independent of schedules, integrators, seeds and devices.

namespace gmdiff {

/// One affine step (mathematics.md §5). Coefficients of unused terms leave the result unchanged.
///     x  <- c_x x + c_n eps0            churn, when c_n != 0 or c_x != 1
///     D1 = D(x; level1)                 when evaluations >= 1
///     u  = p_x x + p_1 D1               when evaluations == 2
///     D2 = D(u; level2)
///     x  <- a x + b_1 D1 + b_2 D2 + b_p D_previous + e eps
/// D_previous is D1 of the step before.
struct AffineStep {
  double c_x = 1.0, c_n = 0.0;
  int evaluations = 0;
  Level level1;
  double p_x = 0.0, p_1 = 0.0;
  Level level2;
  double a = 1.0, b_1 = 0.0, b_2 = 0.0, b_p = 0.0, e = 0.0;
};

/// The exact reverse transition from level t to level s of the plan's mixture (mathematics.md §5.1).
struct MixtureTransition {
  Level t;
  Level s;
  double alpha_ts;  ///< alpha_{t|s} = alpha_t / alpha_s
  double sigma_ts;  ///< sigma_{t|s}
};

using Step = std::variant<AffineStep, MixtureTransition>;

/// The arrays of a mixture that a device reads.
struct MixtureTable {
  CovarianceType structure;     ///< spherical, diag, tied, full or common_basis
  Eigen::VectorXd log_weights;  ///< (K)
  std::vector<std::uint64_t>
      thresholds;  ///< (K): component of a 64-bit uniform U is the smallest k with U < thresholds[k], else the last of weight > 0
  Points means;    ///< (K, d)
  Points
      rotated_means;  ///< (K, d) in the common basis (tied, common basis); otherwise empty. Follows from means and bases: not hashed
  Points eigenvalues;                  ///< as Mixture::eigenvalues()
  std::vector<Eigen::MatrixXd> bases;  ///< as Mixture::bases(): the coordinates of the noise
  std::vector<Eigen::MatrixXd>
      covariances;  ///< dense Sigma as given (tied 1, full K); empty when eigenvalues or factors were given, or none is dense

  Eigen::Index dim() const { return means.cols(); }
  Eigen::Index num_components() const { return means.rows(); }
};

/// Law of the first state, unless the run is given one.
struct StartTable {
  Start law = Start::exact;  ///< exact: a draw of the mixture at `level`; gaussian: N(0, level.sigma^2 I)
  Level level;
};

/// Kind of a run; it selects the random streams of numerics.md §5.
enum class PlanKind { sample, forward, draw };

/// Tables of one run over a batch of problems of one shape.
struct Plan {
  PlanKind kind = PlanKind::sample;
  StartTable start;
  std::vector<Step> steps;  ///< shared by all problems
  std::vector<double>
      times;  ///< times of the levels in order, shape (steps + 1). The first step of a forward plan leads to its
              ///< first level: shape (steps)
  std::vector<MixtureTable> problems;  ///< at least one; same K, d and structure
  std::vector<std::string> warnings;
  std::vector<std::string> notes;

  Eigen::Index dim() const { return problems.front().dim(); }
  /// FNV-1a hash of all tables, without warnings and notes. Every result names it; all ranges of one run have the same hash.
  std::uint64_t hash() const;
};

/// Plan of reverse-time sampling of each mixture. @throws std::invalid_argument for a parameter out of range (named), for mixtures of
/// different shapes, or for a sampler that does not support the process or the grid.
Plan sampling_plan(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid,
                   const Sampler& sampler);

/// Plan of forward paths x_t at the grid's times, from data to T; x_0 is drawn from the mixture or given (§1).
Plan forward_plan(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid);

/// Plan of exact draws of each mixture diffused to `level` (§2.6).
Plan draw_plan(std::span<const Mixture> mixtures, Level level = {});

/// Prints the tables of the plan.
std::ostream& operator<<(std::ostream& out, const Plan& plan);

}  // namespace gmdiff
