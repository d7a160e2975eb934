#pragma once

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
};

/// A factor of a linear combination.
struct Term {
  int vector;
  double factor;
};

/// Streams of the normals that a combination adds (numerics.md §5).
enum class NoiseStream { step, churn };

/// to <- sum of factor vector, from left to right, + noise eps. It has at least two terms, unless it only
/// scales one vector.
struct Combine {
  int to = 0;
  std::vector<Term> terms = {};
  double noise = 0.0;
  NoiseStream stream = NoiseStream::step;
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
/// C = Cov[x_0 | x_t = from].
enum class ResidualWeight {
  moments,    ///< (A C A^T + sigma_y^2 I)^{-1} r
  row_sums,   ///< r_i / (|sum_j (A C A^T)_ij| + sigma_y^2)
  diffuse,    ///< three steps of conjugate gradients for (A C A^T / sigma_t + sigma_y^2 I) u = r
  isotropic,  ///< (variance A A^T + sigma_y^2 I)^{-1} r
  norm,       ///< r / (|r| + epsilon); 0 at r = 0
};

/// to <- C A^T w(y - A D), where vector `denoised` holds D = D(from; level) of the plan's mixture.
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
};

using Stage = std::variant<Evaluate, Combine, Transition, Guide>;

/// The stages of one step, in their order.
struct Program {
  std::vector<Stage> stages;
};

}  // namespace gmdiff
