#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>

// Runs of weighted paths, those of trained samplers (mathematics.md §17.7). This room knows them by an
// interface, as it knows a denoiser that a program supplies: `TrainedSampler::plan` implements it.

namespace gmdiff {

class ThreadPool;   // internal
struct PathTables;  // internal

/// Paths on the threads of a pool; one call at a time. Internal.
class PathRunner {
 public:
  virtual ~PathRunner() = default;
  /// Computes the paths number first ... first + count - 1. A path depends on the seed and its number only.
  /// @param kept states that are wanted, ascending: 0 is the first, `PathSource::steps` the last one.
  /// @param x (count, kept.size(), d), to be written.
  /// @param log_weights (count) log w, to be written; may be -inf.
  /// @throws NonFiniteError naming the path when log w is NaN or +inf.
  virtual void run(std::int64_t first, std::int64_t count, std::uint64_t seed, const std::vector<int>& kept,
                   double* x, double* log_weights) = 0;
};

/// The numbers that paths are computed from; immutable. Internal.
class PathSource {
 public:
  virtual ~PathSource() = default;
  virtual Eigen::Index dim() const = 0;
  virtual int steps() const = 0;
  /// Times of the states 0 ... steps, from 1 to 0.
  virtual std::vector<double> times() const = 0;
  /// Target evaluations of a path.
  virtual double evaluations() const = 0;
  /// Hash over everything that paths depend on besides the seed.
  virtual std::uint64_t hash() const = 0;
  /// @param pool must outlive the result. @throws MemoryError when the memory does not suffice.
  virtual std::unique_ptr<PathRunner> on(ThreadPool& pool) const = 0;
  /// The numbers themselves, for a device that computes paths without the threads of the host.
  virtual PathTables tables() const = 0;
  /// First states x_0 of the paths first ... first + count - 1, (count, d).
  virtual Points starts(std::int64_t first, std::int64_t count, std::uint64_t seed) const = 0;
};

/// Paths whose weights w satisfy E[w f(x)] = Z E_target[f] (mathematics.md §17.7).
struct PathPlan {
  std::shared_ptr<const PathSource> source = {};
  std::vector<std::string> warnings = {}, notes = {};

  Eigen::Index dim() const { return source->dim(); }
  std::uint64_t hash() const { return source->hash(); }
};

/// Target evaluations of a path.
inline double denoiser_evaluations(const PathPlan& plan) { return plan.source->evaluations(); }

/// Ends of paths, with their weights.
class PathSamples : public Samples {
 public:
  /// @param log_weights (count).
  PathSamples(Samples samples, std::vector<double> log_weights)
      : Samples(std::move(samples)), log_weights_(std::move(log_weights)) {}
  /// log w of each path, shape (count), not normalised: the mean of w estimates Z without bias. -inf for a
  /// weight of 0.
  const std::vector<double>& log_weights() const { return log_weights_; }

 private:
  std::vector<double> log_weights_;
};

/// `Interrupted` for a run of paths; holds the finished ones.
class PathsInterrupted : public Interrupted {
 public:
  PathsInterrupted(const std::string& what, PathSamples finished)
      : Interrupted(what, finished), finished_(std::move(finished)) {}
  const PathSamples& finished_paths() const { return finished_; }

 private:
  PathSamples finished_;
};

/// Computes paths: (count, d), or (count, M, d) with `Options::history`. `cuda` has the bits of `cpu`;
/// `reference` has no paths, and several GPUs do not share them, so that there the run takes
/// `Device::cpu()`, which the provenance names. States
/// and weights are computed in double; `Options::precision` is that of the result.
/// @throws std::invalid_argument for a range that is none, for start states and for `smc_history`;
///   NonFiniteError naming the path when its weight is not finite; MemoryError; PathsInterrupted.
PathSamples run(const PathPlan& plan, const Options& options = {});

}  // namespace gmdiff
