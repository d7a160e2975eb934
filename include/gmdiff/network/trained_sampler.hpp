#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/base/precision.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/network/adam.hpp>
#include <gmdiff/network/network.hpp>

// Samplers of an unnormalised density that are trained: diffusions from a Gaussian mixture to the target
// (mathematics.md §17.7 to §17.13).

namespace gmdiff {

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

/// Shape of each network.
NetworkShape sampler_network(const SamplerSettings& settings, Eigen::Index dim);

/// Parameters that are not those of networks, in their order: mu (K, d), s (K, d), dt, fr (d), and where they
/// are used b (N), logits (K) and log_z (mathematics.md §17.7).
/// @throws std::invalid_argument for settings outside their range.
std::vector<NetworkTensor> sampler_tensors(const SamplerSettings& settings, Eigen::Index dim);

/// A sampler during or after training: what a run needs to continue.
struct SamplerTraining {
  SamplerSettings settings;
  Eigen::Index dim = 0;
  std::string target;            ///< its name, and the id of a `CustomTarget` or `CustomMap`
  std::int64_t iteration = 0;    ///< iterations done
  Eigen::VectorXd parameters;    ///< in the order of `sampler_tensors`
  Eigen::VectorXd networks;      ///< u, v; each in the order of `network_tensors`
  AdamState adam, network_adam;  ///< of both vectors
  int active = 0;                ///< components that take part: 0, 1, ..., active - 1
  Points chains;                 ///< states of the chains of a refinement, shape (chains, d); else empty
  double chain_step = 0.0;       ///< their h

  NetworkShape shape() const { return sampler_network(settings, dim); }
};

/// One iteration, as progress and logs report it.
struct SamplerReport {
  std::int64_t iteration;  ///< from 1
  std::int64_t iterations;
  double loss;
  double elbo;        ///< mean of log w over the batch
  double step;        ///< h after the iteration
  std::int64_t lost;  ///< NaN entries of the gradient, which count as 0
  int components;     ///< that took part
};

/// How a training runs; nothing here changes its result.
struct SamplerTrainingOptions {
  int threads = 0;  ///< 0: one per usable processor
  /// Called on the calling thread after every iteration.
  std::function<void(const SamplerReport&)> progress = {};
  /// Every so many iterations `checkpoint` is called; 0: never. It is also called before an error with the
  /// state of the last iteration that succeeded.
  std::int64_t checkpoint_every = 0;
  std::function<void(const SamplerTraining&)> checkpoint = {};
  /// A stop request ends the training after the current iteration; the result can be continued.
  std::stop_token stop = {};
};

/// A training before its first iteration.
/// @throws std::invalid_argument naming the setting, its range and the value given, and for a custom target
///   without the Hessian products that the loss needs; MemoryError when the memory does not suffice;
///   NonFiniteError when no chain of a refinement is at a finite density.
SamplerTraining start_sampler(const Target& target, const SamplerSettings& settings);

/// Continues a training to its last iteration. In several parts it gives the bits of one run.
/// @throws std::invalid_argument for settings outside their range and for another target; NonFiniteError
///   naming iteration and path when log w of a path is not finite, or naming the component of a refinement
///   for which no candidate has a finite score; MemoryError when the memory does not suffice.
SamplerTraining continue_sampler(SamplerTraining training, const Target& target,
                                 const SamplerTrainingOptions& options = {});

/// Trains from the start. @throws as the two functions above.
SamplerTraining train_sampler(const Target& target, const SamplerSettings& settings = {},
                              const SamplerTrainingOptions& options = {});

/// Samples with their weights: E[w f(x)] = Z E_target[f] for every value of the parameters.
struct WeightedDraws {
  Points x;                     ///< (count, d)
  Eigen::VectorXd log_weights;  ///< (count)
};

/// The sampler of a training; immutable, cheap to copy.
class TrainedSampler {
 public:
  /// @param threads that runs use; 0: one per usable processor. The bits do not depend on it.
  /// @throws std::invalid_argument for a training whose arrays have wrong sizes or settings out of range, and
  ///   for another target than that of the training; MemoryError when the memory does not suffice.
  TrainedSampler(const SamplerTraining& training, const Target& target, int threads = 1);

  Eigen::Index dim() const;
  /// Ends of the paths number first, first + 1, ... and their log w, which may be -inf. Path n depends on
  /// seed and n only, and never is a path of a training.
  /// @throws std::invalid_argument for no range of paths; NonFiniteError naming the path when log w is NaN or
  ///   +inf; MemoryError when the memory does not suffice.
  WeightedDraws draws(std::int64_t count, std::uint64_t seed, std::int64_t first = 0) const;
  /// log w of backward paths from exact draws of the target, x (count, d); path n starts at row n - first.
  /// @throws as above, and for another dimension.
  Eigen::VectorXd backward_log_weights(const Points& x, std::uint64_t seed, std::int64_t first = 0) const;

  class Runner;  // internal

 private:
  std::shared_ptr<const Runner> runner_;
};

}  // namespace gmdiff
