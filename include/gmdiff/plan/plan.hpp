#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/model/dynamics.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/model/vector_field.hpp>
#include <gmdiff/plan/program.hpp>
#include <gmdiff/sampler/guided.hpp>
#include <gmdiff/sampler/mcmc.hpp>
#include <gmdiff/sampler/sampler.hpp>

// A device executes a plan: flat tables, computed on the host in extended precision and rounded once
// (numerics.md §2). A plan is independent of schedules, integrators, seeds and devices.

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

/// A step of a shape that devices run with the state in registers.
using Move = std::variant<AffineStep, MixtureTransition>;

/// Any step. `program` writes the first two as stages.
using Step = std::variant<AffineStep, MixtureTransition, Program>;

/// The stages of a step, with D1 in vector 1, u in 2, D2 in 4. D_previous is vector 3, which a step updates
/// when `keeps_denoiser`.
Program program(const Step& step, bool keeps_denoiser);

/// The arrays of a mixture that a device reads.
struct MixtureTable {
  CovarianceType structure;     ///< spherical, diag, tied, full or common_basis
  Eigen::VectorXd log_weights;  ///< (K)
  /// (K): component of a 64-bit uniform U is the smallest k with U < thresholds[k], else the last
  /// component of weight > 0
  std::vector<std::uint64_t> thresholds;
  Points means;  ///< (K, d)
  /// (K, d) in the common basis (tied, common basis); otherwise empty. Follows from means and bases: not
  /// hashed
  Points rotated_means;
  Points eigenvalues;                  ///< as Mixture::eigenvalues()
  std::vector<Eigen::MatrixXd> bases;  ///< as Mixture::bases(): the coordinates of the noise
  /// dense Sigma as given (tied 1, full K); empty when eigenvalues or factors were given, or none is dense
  std::vector<Eigen::MatrixXd> covariances;

  Eigen::Index dim() const { return means.cols(); }
  Eigen::Index num_components() const { return means.rows(); }
};

/// The observation of a guided plan with a map (mathematics.md §10.3).
struct MapRows {
  NonlinearObservation observation;
  /// Whether y - Phi and J are multiplied by L^-1, R = L L^T
  bool whitened = true;
  /// The operations of y - Phi (m), followed by J row by row (m d), at a point.
  const expressions::Tape& tape() const;
};

/// The observation of a guided plan, in the form that its guidance stages read: m rows with independent noise
/// of variance `noise_variance` = sigma_y^2. A (m, d) is diag(s) V^T of the singular value decomposition with
/// the singular values s (m), or the rows as given, without singular values. `unexplained` is the squared
/// norm of the part of y outside the range of A, which |y - A D|^2 contains in addition to the rows.
/// With a map, A, y and the singular values are empty.
struct GuidanceTable {
  Eigen::MatrixXd A = {};
  Eigen::VectorXd y = {};
  Eigen::VectorXd singular_values = {};
  double noise_variance = 0.0;
  double unexplained = 0.0;
  std::optional<MapRows> map = {};

  Eigen::Index num_rows() const { return map ? map->observation.y().size() : A.rows(); }
};

/// Law of the first state, unless the run is given first states.
struct StartTable {
  /// exact: a draw of the target, or of the mixture at `level`; gaussian: N(0, level.sigma^2 I)
  Start law = Start::exact;
  Level level;
  /// (d): mean of a gaussian start, for plans without a common basis; empty: 0
  Eigen::VectorXd mean = {};
};

/// Kind of a run; it selects the random streams of numerics.md §5.
enum class PlanKind { sample, forward, draw, dynamics };

/// Tables of one run over a batch of problems of one shape.
struct Plan {
  PlanKind kind = PlanKind::sample;
  StartTable start;
  Program prologue;         ///< stages of the first state, before the first step
  Program search;           ///< then the repeated stages by which chains find the steps that they start with
  std::vector<Step> steps;  ///< shared by all problems
  /// Number of the first step in the random streams. A plan with another one than 0 continues a run and needs
  /// its last states as `Options::start`.
  std::uint64_t first_step = 0;
  /// times of the levels in order, shape (num_steps() + 1); (num_steps()) for a forward plan, whose first
  /// step leads to its first level
  std::vector<double> times;
  /// Levels of the result, ascending, where level s + 1 is the state after step s; `Options::history`
  /// replaces them. Empty: the last level.
  std::vector<int> kept;
  /// at least one; same K, d and structure. K = 0 for a custom denoiser
  std::vector<MixtureTable> problems;
  /// Target of the stages `EvaluateTarget` and of an exact start, instead of the mixtures; then there is one
  /// problem, without components
  std::optional<Target> target;
  std::vector<VectorField> fields;  ///< of the stages `EvaluateField`
  /// Times at which stages evaluate fields: rows of one time for each step
  std::vector<std::vector<double>> field_times;
  std::vector<GuidanceTable> guidance;  ///< one per problem; empty without guidance stages
  /// Matrices of the stages `Product`: (d, 1) the diagonal of a diagonal matrix, or (d, d). Devices skip the
  /// upper triangle of a lower triangular matrix.
  std::vector<Eigen::MatrixXd> matrices;
  std::vector<Denoiser> denoisers;  ///< evaluated by stages; the hash covers their names
  std::vector<std::string> warnings;
  std::vector<std::string> notes;

  Eigen::Index dim() const { return problems.front().dim(); }
  /// Number of steps, where the steps of a repeated program count each.
  std::int64_t num_steps() const;
  /// FNV-1a hash of all tables, without warnings and notes. Every result names it; all ranges of one run have
  /// the same hash.
  std::uint64_t hash() const;
};

/// Plan of reverse-time sampling of each mixture. @throws std::invalid_argument for a parameter out of range
/// (named), for mixtures of different shapes, or for a sampler that does not support the process or the grid.
Plan sampling_plan(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid,
                   const Sampler& sampler);

/// Plan of sampling by a custom denoiser in dimension `dim`. The law of the start must be `gaussian`.
/// @throws std::invalid_argument as above, for a sampler that draws from a mixture, and for a denoiser
///   without function or name.
Plan sampling_plan(const Denoiser& denoiser, Eigen::Index dim, const ForwardProcess& process,
                   const TimeGrid& grid, const Sampler& sampler);

/// Plan of guided sampling of each observation of one prior (mathematics.md §10).
/// @throws std::invalid_argument as above, and for observations of different shapes, A = 0, or a singular
///   noise covariance other than 0.
Plan guided_plan(const Mixture& prior, std::span<const LinearObservation> observations,
                 const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler);

/// Plan of guided sampling of an observation with a map (§10.3). The coordinates of the noise are those of
/// the data for every covariance structure.
/// @throws std::invalid_argument for a parameter out of range (named), for a sampler without a form for maps,
///   and for a map of another dimension.
Plan guided_plan(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
                 const TimeGrid& grid, const GuidedSampler& sampler);

/// Plans of guided sampling by a custom denoiser, which has the product J^T v (§10.5), in the dimension of
/// the observation. The law of the start must be `gaussian`.
/// @throws std::invalid_argument as above, and for `exact`, which needs more than D and J^T v.
Plan guided_plan(const Denoiser& denoiser, const LinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler);
Plan guided_plan(const Denoiser& denoiser, const NonlinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler);

/// Plan whose result is the guided denoiser D_g(x; level) at its start states, for the methods that replace
/// the denoiser.
/// @throws std::invalid_argument for methods without a guided denoiser (dps, dps-gsg, pigdm-alg1).
Plan guided_denoiser_plan(const Mixture& prior, const LinearObservation& observation, Level level,
                          const GuidedSampler& sampler);
Plan guided_denoiser_plan(const Mixture& prior, const NonlinearObservation& observation, Level level,
                          const GuidedSampler& sampler);

/// Plan of Markov chains with each mixture as their target. The coordinates of the noise are those of the
/// data for every covariance structure.
/// @throws std::invalid_argument for a parameter out of range (named), for mixtures of different shapes, and
///   for a mixture without a density.
Plan mcmc_plan(std::span<const Mixture> targets, const McmcSampler& sampler);
Plan mcmc_plan(const Mixture& target, const McmcSampler& sampler);
/// Plan of Markov chains with another target.
/// @throws std::invalid_argument as above, and for the start `exact` of a target without exact draws.
Plan mcmc_plan(const Target& target, const McmcSampler& sampler);

/// Plan of forward paths x_t at the grid's times, from data to T; x_0 is drawn from the mixture or given
/// (§1).
Plan forward_plan(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid);

/// Plan of paths of an SDE or ODE. Level s is the state at t_start + s (t_end - t_start) / steps.
/// @throws std::invalid_argument for texts that are no expressions, which names the drift or noise, its
///   number and the column; for a wrong number of texts; for a number out of range; and for a scheme that
///   does not support the noise or the drift.
Plan dynamics_plan(const Dynamics& dynamics);

/// Plan of exact draws of each mixture diffused to `level` (§2.6).
Plan draw_plan(std::span<const Mixture> mixtures, Level level = {});
/// Plan of exact draws of another target (§13). @throws std::invalid_argument for a target without them.
Plan draw_plan(const Target& target);

/// Prints the tables of the plan.
std::ostream& operator<<(std::ostream& out, const Plan& plan);

}  // namespace gmdiff
