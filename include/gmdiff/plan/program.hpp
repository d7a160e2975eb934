#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <gmdiff/model/process.hpp>

// A step in its general form: a list of stages over the vectors of a particle (mathematics.md §5.3). Vector 0
// is the state x; the others hold intermediate values of a step and keep them until a stage writes them
// again. At the start of a run they are 0.

namespace gmdiff {

/// to <- D(from; level) of a denoiser: 0 is the plan's mixture, n > 0 number n - 1 of `Plan::denoisers`.
struct Evaluate {
  int denoiser = 0;
  Level level = {};
  int from = 0;
  int to = 1;
  /// c > 0, only with a denoiser of `Plan::denoisers`: to <- J^T v, J = dD/dx at `from`, v in vector c.
  int cotangent = 0;
};

/// Meaning of a factor f in chains that adapt their step eps (mathematics.md §12.3).
enum class StepFactor {
  none,    ///< f
  linear,  ///< f eps
  square,  ///< f eps^2
  decay,   ///< e^(-f eps)
  spread,  ///< sqrt(1 - e^(-2 f eps))
};

/// A factor of a linear combination.
struct Term {
  int vector;
  double factor;
  StepFactor of_step = StepFactor::none;
};

/// Streams of the normals that a combination adds (numerics.md §5). `search` has the same normals in every
/// step.
enum class NoiseStream { step, churn, velocity, search };

/// to <- sum of factor vector, from left to right, + noise eps. Without terms, to <- noise eps.
struct Combine {
  int to = 0;
  std::vector<Term> terms = {};
  double noise = 0.0;
  NoiseStream stream = NoiseStream::step;
  /// A step that adds several normals to one coordinate: normal i of step s is number (s draws + draw) d + i.
  int draws = 1;
  int draw = 0;
  /// Vector `to` keeps its value in chains whose 64-bit uniform number of the step, in the stream of
  /// trajectories, is below this. Such a combination has terms and no noise.
  std::uint64_t threshold = 0;
  StepFactor noise_of_step = StepFactor::none;
};

/// to <- a draw of x_s given x_t = from and the plan's mixture: the exact reverse transition
/// (mathematics.md §5.1). At s = (1, 0) it is a draw of x_0.
struct Transition {
  Level t = {};
  Level s = {};
  double alpha_ts = 1.0;  ///< alpha_{t|s} = alpha_t / alpha_s
  double sigma_ts = 0.0;  ///< sigma_{t|s}
  int from = 0;
  int to = 0;
};

/// Weight w(r) of the residual r = y - A D of a denoised point (mathematics.md §10).
/// C = Cov[x_0 | x_t = from]. With a map Phi, r is y - Phi(D) and A the Jacobian of Phi at D.
enum class ResidualWeight {
  moments,    ///< (A C A^T + sigma_y^2 I)^{-1} r
  row_sums,   ///< r_i / (|sum_j (A C A^T)_ij| + sigma_y^2)
  diffuse,    ///< three steps of conjugate gradients for (A C A^T / sigma_t + sigma_y^2 I) u = r
  isotropic,  ///< (variance A A^T + sigma_y^2 I)^{-1} r
  norm,       ///< r / (|r| + epsilon); 0 at r = 0
  unit,       ///< e_row, whatever r is: A^T w is row number `row` of A
  ones,       ///< 1 in every row, whatever r is
};

/// to <- C A^T w(y - A D), where vector `denoised` holds D = D(from; level) of the plan's mixture.
///
/// A custom denoiser has no C but the products J^T v with J = dD/dx (mathematics.md §10.5). A stage with
/// `products` p > 0 has (sigma^2 / alpha) J in place of C in its weight: for `moments` and `diffuse` the
/// vectors p, p + 1, ... hold J^T A_a^T, one for each row A_a, and to <- J^T A^T w; for `row_sums` vector p
/// holds J^T A^T 1, and to <- A^T w.
struct Guide {
  Level level = {};
  int from = 0;
  int denoised = 1;
  int to = 2;
  ResidualWeight weight = ResidualWeight::moments;
  double variance = 0.0;  ///< for `isotropic`
  double epsilon = 0.0;   ///< for `norm`
  /// Q > 0: v = A^T w is replaced by its estimate (1/Q) sum_q u_q <u_q, v>, u_q ~ N(0, I).
  int directions = 0;
  bool has_covariance = true;  ///< false: the factor C is left out
  int row = 0;                 ///< for `unit`
  int products = 0;            ///< see above; 0: the weight reads the mixture's C, or none
};

/// l <- log pi(from), to <- its gradient, where pi is the plan's target or its mixture. A particle has two
/// numbers l, in double: one of its state and one of its proposal.
struct EvaluateTarget {
  int from = 0;
  int to = 1;
  bool is_proposal = false;
};

/// to <- M from, or M^T from, with number `matrix` of `Plan::matrices`; `to` is not `from`.
struct Product {
  int matrix = 0;
  int from = 0;
  int to = 1;
  bool transposed = false;
};

/// Metropolis step: x, its l and its gradient become those of the proposal if log u < log ratio
/// (mathematics.md §12.2). A proposal whose l or gradient is not finite is rejected.
struct Accept {
  /// langevin: log ratio = l' - l - <q, z> - |q|^2 / 2 with q = factor (g + g') and z in `before`.
  /// energy: log ratio = l' - l - |v'|^2 / 2 + |v|^2 / 2 with v in `before` and v' in `after`, which becomes
  /// -v at a rejection.
  enum class Ratio { langevin, energy } ratio = Ratio::langevin;
  int to = 0;        ///< the state x
  int proposal = 2;  ///< x'
  int gradient = 1;  ///< g
  int proposed_gradient = 3;
  int before = 4;
  int after = 0;
  double factor = 0.0;
  /// if_accepted: moves if log u < log ratio. always: moves in any case, and the ratio is only counted.
  /// never: a trial, which stays with `after` as it is; only the ratio is used.
  enum class Moves { if_accepted, always, never } moves = Moves::if_accepted;
  /// Number of the first step whose min(1, ratio) is part of the run's acceptance.
  std::uint64_t counted_from = 0;
  bool of_step = false;  ///< whether `factor` is multiplied by the chain's step
  bool adapts = false;   ///< whether a stage `Adapt` follows, which reads min(1, ratio)
};

/// Changes the step eps of a chain (mathematics.md §12.3).
struct Adapt {
  enum class Rule {
    begin,    ///< eps <- 1
    search,   ///< doubles or halves eps, until the acceptance of a trial has crossed 1/2
    average,  ///< a step of dual averaging; the first one starts from eps
  } rule = Rule::begin;
  double target = 0.0;  ///< acceptance that `average` aims at
  /// Numbers of the first and last step with the rule `average`. After the last one eps is the average.
  std::uint64_t first = 0, last = 0;
};

/// to <- f(t, from) of number `field` of `Plan::fields`, at the step's time in row `times` of
/// `Plan::field_times`.
struct EvaluateField {
  int field = 0;
  int times = 0;
  int from = 0;
  int to = 1;
};

/// to <- a b, coordinate by coordinate.
struct Multiply {
  int to = 0;
  int a = 0;
  int b = 0;
};

/// Adds the state to the running moments of its chain, in double (mathematics.md §12.4): mean, second moments
/// about it, and the sums of batches.
struct Accumulate {
  /// Number of the first step whose state counts, and of the first one that is part of a batch.
  std::uint64_t counted_from = 0, batched_from = 0;
  std::uint64_t batch = 1;      ///< number of steps of each batch
  bool has_covariance = false;  ///< false: only the variances
};

/// Proximal maps of a prior (mathematics.md §13.3).
enum class ProximalMap {
  soft_threshold,   ///< F = I
  total_variation,  ///< F x = x_{i+1} - x_i
};

/// to <- argmin_u |u - from|^2 / 2 + strength |F u|_1.
struct Proximal {
  ProximalMap map = ProximalMap::soft_threshold;
  double strength = 0.0;
  int from = 0;
  int to = 1;
};

using Stage = std::variant<Evaluate, Combine, Transition, Guide, EvaluateTarget, Product, Accept,
                           EvaluateField, Multiply, Accumulate, Proximal, Adapt>;

/// The stages of a step, in their order. `repeats` such steps follow each other.
struct Program {
  std::vector<Stage> stages;
  int repeats = 1;
};

}  // namespace gmdiff
