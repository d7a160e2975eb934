#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/paths.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/network/adam.hpp>
#include <gmdiff/network/network.hpp>
#include <gmdiff/sampler/learned.hpp>

// Samplers of an unnormalised density that are trained: diffusions from a Gaussian mixture to the target
// (mathematics.md §17.7 to §17.13).

namespace gmdiff {

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
  std::string target;            ///< its name and a hash of its numbers, or the id of a `CustomTarget`
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
  /// Where the paths of an iteration and their gradient are computed: `cpu`, or one GPU. On a GPU the host
  /// still evaluates the target, draws first states and makes the steps of the optimiser.
  Device device = Device::cpu();
  int threads = 0;  ///< of the host; 0: the number of the device `cpu`, or one per usable processor
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
///   for which no candidate has a finite score; MemoryError when the memory does not suffice;
///   DeviceUnavailable for a GPU that this build or this machine does not have, DeviceError when its memory
///   does not suffice.
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

  /// The paths for runs: `run` of paths.hpp and `Session::run`. The hash of the plan covers the settings, the
  /// parameters and the target.
  PathPlan plan() const;

  class Paths;  // internal

 private:
  std::shared_ptr<const Paths> paths_;
};

/// The density of a mixture, times exp(log_scale), as the target of a trained sampler; its id contains a hash
/// of the mixture. With the posterior of an observation and its log-evidence, Z is the evidence.
/// @throws std::invalid_argument for a mixture without density.
Target mixture_target(const Mixture& mixture, double log_scale = 0.0);

}  // namespace gmdiff
