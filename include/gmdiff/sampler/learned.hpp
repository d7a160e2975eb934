#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <Eigen/Core>

#include <gmdiff/base/precision.hpp>

// Samplers of an unnormalised density that are trained: diffusions from a Gaussian mixture to the target
// (mathematics.md §17.7 to §17.13). `train_sampler` trains them.

namespace gmdiff {

/// A trained sampler, which samples the target, the prior or the posterior that it was trained for, with
/// weights (mathematics.md §17.7).
struct Learned {
  static constexpr const char* name = "learned";
  std::string model = {};  ///< the .npz file that `write_sampler` and the verb train write
  /// `compare` judges the points with their weights, by moments and, of a mixture, by sliced distances and mode
  /// weights; else all points weigh the same.
  bool reweight = false;
};

using LearnedSampler = std::variant<Learned>;

/// The drift f of both directions and the networks u (forward) and v (backward).
enum class PathMethod {
  dis,   ///< f: score of the start law; u
  ula,   ///< f: annealed score; no network
  mcd,   ///< f: annealed score; v
  cmcd,  ///< f: annealed score; u and v = -u
  dbs,   ///< f: `PathDrift`; u and v
};

/// The law of x_0, with diagonal covariances.
enum class PathPrior {
  fixed,  ///< N(0, init_std^2 I), not learned
  gp,     ///< one component, learned
  gmp,    ///< several components of equal weight, learned
};

/// The drift of `dbs`.
enum class PathDrift { annealed, target, zero };

/// Relative step sizes c_n: of a squared cosine, from 1 at the start law to 0.01 at the target; all 1; or
/// linear between the same ends.
enum class PathSchedule { cosine, constant, linear };

enum class PathLoss {
  elbo,                ///< -E[log w], with derivatives through the path
  log_variance,        ///< Var[log w] / 2 with the states held fixed
  trajectory_balance,  ///< E[(log w - z)^2] / 2 with the states held fixed and a learned z
};

/// Score by which a refinement chooses the mean of a new component among its candidates (mathematics.md
/// §17.13).
enum class RefinementScore {
  elbo,      ///< mean log w of paths that start there
  ratio,     ///< log rho - log p0
  residual,  ///< log rho - log p0, with log p0 bounded below
};

/// Names as in `PathMethod` ...; `log_variance` is "log-variance".
const char* to_string(PathMethod method);
const char* to_string(PathPrior prior);
const char* to_string(PathDrift drift);
const char* to_string(PathSchedule schedule);
const char* to_string(PathLoss loss);
const char* to_string(RefinementScore score);

/// Everything that the parameters after training depend on besides the target. Two runs with equal settings
/// and target give the same bits for every number of threads and instruction set.
struct SamplerSettings {
  PathMethod method = PathMethod::dis;
  PathPrior prior = PathPrior::gmp;
  int components = 10;     ///< K of `gmp`, in 1 ... 4096
  double init_std = 1.0;   ///< of every component before training, > 0
  double means_std = 0.0;  ///< of the means before training, >= 0; components of a multimodal target need it
  double step = 0.01;      ///< h before training, > 0
  int steps = 128;         ///< N, in 1 ... 2^20
  PathSchedule schedule = PathSchedule::cosine;
  PathDrift drift = PathDrift::annealed;  ///< of `dbs`; the other methods have their own
  Eigen::Index hidden = 128;              ///< see `NetworkShape`
  int layers = 2;
  bool langevin = false;  ///< networks add the target's score times a learned function of the step
  PathLoss loss = PathLoss::elbo;
  /// Omits the Hessian of the target from the gradient of `elbo`, which is biased then.
  bool detach_target_score = false;
  Eigen::Index batch = 2000;         ///< paths of an iteration, >= 1
  std::int64_t iterations = 10'000;  ///< >= 1, below 2^24
  double network_rate = 5e-4;        ///< of Adam for the networks, > 0
  double rate = 5e-4;                ///< of Adam for all other parameters, > 0
  double decay = 0.25;               ///< last part of the iterations, in which the rates fall to 0, in [0, 1]
  bool learn_prior = true;           ///< means and deviations
  bool learn_annealing = true;       ///< beta_n
  bool learn_weights = false;        ///< weights of `gmp`; only with states held fixed
  /// h and the relative step sizes of coordinates. By default learned with `elbo` only: with states held
  /// fixed their gradient ignores that they also move the states.
  std::optional<bool> learn_step = {}, learn_friction = {};
  /// Refinement of the start law (mathematics.md §17.13): `gmp` begins with one component, and after every
  /// so many iterations the next one begins, at the state of a Markov chain on the target. 0: off, all
  /// components begin together.
  int refine_every = 0;
  RefinementScore refine_score = RefinementScore::elbo;
  Eigen::Index chains = 512;  ///< in 1 ... 2^20
  int first_moves = 200;      ///< of each chain before the first iteration, in 0 ... 2^20
  int moves = 100;            ///< of each chain before every further component, in 0 ... 2^20
  double support_std = 0.0;   ///< of the chains' first states, >= 0; 0: `init_std`
  std::uint64_t seed = 0;
  /// Precision of the networks; states, weights and the optimiser are in double.
  Precision precision = Precision::f32;
};

}  // namespace gmdiff
