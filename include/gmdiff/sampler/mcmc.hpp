#pragma once

#include <optional>
#include <variant>

#include <Eigen/Core>

#include <gmdiff/sampler/sampler.hpp>

// Markov chains whose law tends to a target pi (mathematics.md §12). Each particle of a run is one chain. `l`
// is log pi, g its gradient and h the step.

namespace gmdiff {

/// Result of a chain: its last state, the states after its warm-up, or its last state and the moments of the
/// states after its warm-up (`Samples::moments`).
enum class ChainOutput { draw, trace, moments };

/// How a method that accepts and rejects finds its step, if none is given.
enum class StepAdaptation {
  pilot,  ///< one step for all chains, from a pilot run (`tuned`)
  chain,  ///< every chain finds its own in its warm-up, then keeps it (`Acceptance::step`)
};

/// Length, start and result of chains. The chain takes `warmup` + `steps` steps, at most 10^7.
struct ChainRun {
  int warmup = 0;    ///< >= 0: steps that neither the trace nor the acceptance contains
  int steps = 1000;  ///< >= 1, for moments >= 16: steps after the warm-up
  int thin = 1;      ///< 1 to `steps`: the trace has every thin-th state after the warm-up
  ChainOutput output = ChainOutput::draw;
  /// gaussian: N(start_mean, start_std^2 I), which is best taken wider than the target; exact: a draw of the
  /// target
  Start start = Start::gaussian;
  double start_std = 1.0;  ///< > 0
  /// (d): the mean of the start `gaussian`; empty: 0
  Eigen::VectorXd start_mean = {};
  /// 0 to 10^9: number of the first step. A run without a warm-up that starts from the last states of a run
  /// of `first_step` steps (`Options::start`) continues it: both together have the bits of one run. `baoab` and
  /// `obabo` also start from its last velocities (`Options::start_velocities`).
  int first_step = 0;
  /// L of the preconditioner M = L L^T: its diagonal (d, 1), or (d, d) lower triangular, of positive
  /// diagonal; empty: the identity. It replaces the gradient by L^T grad l and a move v of the state by L v.
  Eigen::MatrixXd preconditioner = {};
};

/// Unadjusted Langevin algorithm: x' = x + (h/2) grad l(x) + sqrt(h) z, h = speed step. Its stationary law is
/// biased by O(h).
struct Ula {
  static constexpr const char* name = "ula";
  std::optional<double> step = {};  ///< > 0
  double speed = 1.0;               ///< > 0: c of dX = (c/2) grad l dt + sqrt(c) dW
  ChainRun run = {};
};

/// Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996): the step of ULA as a proposal. Its
/// stationary law is the target.
struct Mala {
  static constexpr const char* name = "mala";
  std::optional<double> step = {};  ///< > 0; without it `adapt` finds one
  double speed = 1.0;               ///< > 0; 1 if every chain adapts its step
  StepAdaptation adapt = StepAdaptation::pilot;
  ChainRun run = {};
};

/// Hamiltonian Monte Carlo (Duane et al. 1987) with a fresh velocity of law N(0, I) in every step. Its
/// stationary law is the target.
struct Hmc {
  static constexpr const char* name = "hmc";
  std::optional<double> step = {};  ///< > 0: time of a leapfrog; without it `adapt` finds one
  int leapfrogs = 10;               ///< 1 to 1000
  /// Each step of each chain draws its number of leapfrogs uniformly from 1 to 2 leapfrogs - 1, so that no
  /// chain follows a closed orbit for ever. A step then costs 2 leapfrogs - 1 evaluations.
  bool jitter = false;
  StepAdaptation adapt = StepAdaptation::pilot;
  ChainRun run = {};
};

/// Underdamped Langevin dynamics, splitting BAOAB (Leimkuhler & Matthews 2013). Its stationary law is biased
/// by O(h^2); its variance is exact for Gaussians.
struct Baoab {
  static constexpr const char* name = "baoab";
  std::optional<double> step = {};  ///< > 0: a time
  double friction = 1.0;            ///< >= 0
  ChainRun run = {};
};

/// Underdamped Langevin dynamics, splitting OBABO; with `metropolis` the generalised hybrid Monte Carlo of
/// Horowitz (1991), whose stationary law is the target.
struct Obabo {
  static constexpr const char* name = "obabo";
  std::optional<double> step = {};  ///< > 0: a time; without it, with `metropolis`, `adapt` finds one
  double friction = 1.0;            ///< >= 0
  bool metropolis = false;
  StepAdaptation adapt = StepAdaptation::pilot;
  ChainRun run = {};
};

/// Exact transitions of the Langevin diffusion on a normal law, an Ornstein-Uhlenbeck process: the target is
/// a mixture of one component, of any covariance. Its stationary law is the target for every step. It takes
/// no preconditioner.
struct OrnsteinUhlenbeck {
  static constexpr const char* name = "ou";
  std::optional<double> step = {};  ///< > 0
  double speed = 1.0;               ///< > 0: c of dX = (c/2) grad l dt + sqrt(c) dW
  ChainRun run = {};
};

/// Moreau-Yosida unadjusted Langevin algorithm (Durmus, Moulines & Pereyra 2018), for a `Regularised` target
/// whose prior has a proximal map (sparse_prior.hpp): x' = x + (h/2) b(x) + sqrt(h) z with
/// b = grad log N(y; Phi(x), R) - (x - prox_{weight theta}(x)) / theta. Its stationary law is that of the
/// prior with the Moreau envelope of its logarithm, biased by O(h); with `metropolis` it is the target. It
/// takes no preconditioner.
struct Myula {
  static constexpr const char* name = "myula";
  /// > 0: strength of the smoothing; by default 1/L with the Lipschitz constant L of the gradient of the
  /// log-likelihood, which is known for the map `identity`
  std::optional<double> theta = {};
  std::optional<double> step = {};  ///< > 0, at most theta; by default theta/2
  bool metropolis = false;
  ChainRun run = {};
};

using McmcSampler = std::variant<Ula, Mala, Hmc, Baoab, Obabo, OrnsteinUhlenbeck, Myula>;

}  // namespace gmdiff
