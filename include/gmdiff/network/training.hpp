#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include <gmdiff/base/points.hpp>
#include <gmdiff/base/precision.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/network/adam.hpp>
#include <gmdiff/network/network.hpp>

// Learning a denoiser from data (mathematics.md §17.4, §17.5).

namespace gmdiff {

/// How D is built from the network's output F: what F estimates.
enum class Parametrisation {
  x0,   ///< the data
  eps,  ///< the noise (Ho et al. 2020)
  v,    ///< velocity of a variance-preserving process (Salimans & Ho 2022)
  edm,  ///< a mix whose variance is 1 at every level (Karras et al. 2022)
};

/// Its name: "x0", "eps", "v", "edm".
const char* to_string(Parametrisation parametrisation);
/// The parametrisation of a name. @throws std::invalid_argument listing the names.
Parametrisation parametrisation_of(const std::string& name);

/// Levels that are trained: n_l = n_min (n_max / n_min)^((l + 1/2) / count), n = sigma / alpha.
struct NoiseLadder {
  int count = 512;       ///< L >= 1
  double n_min = 0.002;  ///< > 0
  double n_max = 80.0;   ///< > n_min, finite
};

/// Law of ln n of the trained levels: normal, or uniform on the ladder.
struct NoiseLaw {
  double mean = -1.2;      ///< of ln n
  double deviation = 1.2;  ///< > 0
  bool uniform = false;    ///< mean and deviation have no effect
};

/// Everything that the parameters after training depend on besides the data. Two runs with equal settings and
/// data give the same bits for every number of threads and on every processor.
struct DenoiserSettings {
  Parametrisation parametrisation = Parametrisation::edm;
  /// The weight of the loss at each level; by default the one that makes the loss |F - target|^2.
  std::optional<Parametrisation> weight = {};
  Eigen::Index hidden = 128;  ///< see `NetworkShape`
  int layers = 2;
  NoiseLadder ladder = {};
  NoiseLaw law = {};
  Eigen::Index batch = 1024;       ///< rows of an iteration, >= 1
  std::int64_t iterations = 4000;  ///< >= 1, below 2^24
  double rate = 1e-3;              ///< of Adam, > 0
  double decay = 0.5;              ///< last part of the iterations, in which the rate falls to 0, in [0, 1]
  double ema = 0.999;              ///< largest weight of the past in the mean of the parameters, in [0, 1)
  std::uint64_t seed = 0;
  /// Precision of the network; the optimiser computes in double.
  Precision precision = Precision::f32;
};

/// A denoiser during or after training: what a run needs to continue.
struct DenoiserTraining {
  DenoiserSettings settings;
  Eigen::VectorXd mean;        ///< m (d) of the data
  double scale = 1.0;          ///< sd: root of the mean variance of a coordinate
  std::int64_t iteration = 0;  ///< iterations done
  Eigen::VectorXd parameters;  ///< in the order of `network_tensors`
  Eigen::VectorXd averaged;    ///< exponential moving average of the parameters; sampling uses it
  AdamState adam;

  NetworkShape shape() const {
    return {.dim = mean.size(), .hidden = settings.hidden, .layers = settings.layers};
  }
};

/// Data of a training: rows (n, d), or a mixture whose exact draws are fresh in every iteration.
using TrainingData = std::variant<Points, Mixture>;

/// One iteration, as progress and logs report it.
struct TrainingReport {
  std::int64_t iteration;  ///< from 1
  std::int64_t iterations;
  double loss;        ///< mean over the batch
  double rate;        ///< of Adam
  std::int64_t lost;  ///< NaN entries of the gradient, which count as 0
};

/// How a training runs; nothing here changes its result.
struct TrainingOptions {
  int threads = 0;  ///< 0: one per usable processor
  /// Called on the calling thread after every iteration.
  std::function<void(const TrainingReport&)> progress = {};
  /// Every so many iterations `checkpoint` is called; 0: never.
  std::int64_t checkpoint_every = 0;
  std::function<void(const DenoiserTraining&)> checkpoint = {};
  /// A stop request ends the training after the current iteration; the result can be continued.
  std::stop_token stop = {};
};

/// A training before its first iteration.
/// @throws std::invalid_argument naming the setting, its range and the value given; for data that are empty,
///   not finite or all equal. MemoryError when the memory does not suffice.
DenoiserTraining start_training(const TrainingData& data, const DenoiserSettings& settings);

/// Continues a training to its last iteration. In several parts it gives the bits of one run.
/// @throws std::invalid_argument for settings outside their range, and for data of another dimension, mean or
///   scale than the training began with; NonFiniteError naming the iteration when the loss is not finite;
///   MemoryError when the memory does not suffice.
DenoiserTraining continue_training(DenoiserTraining training, const TrainingData& data,
                                   const TrainingOptions& options = {});

/// Trains from the start. @throws as the two functions above.
DenoiserTraining train_denoiser(const TrainingData& data, const DenoiserSettings& settings = {},
                                const TrainingOptions& options = {});

}  // namespace gmdiff
