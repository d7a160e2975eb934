#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/device/device.hpp>
#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/paths.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/thread_pool.hpp"
#include "device/distance_sums.hpp"
#include "device/path_gradients.hpp"
#include "device/sample_values.hpp"
#include "lowering/any_smc_tables.hpp"

// The interface that a device implements. What devices share is in run_frame.hpp (problems, batches, progress,
// stopping, provenance) and in run.cpp and smc.cpp (checks, shapes, results).

namespace gmdiff {

/// Number of particles that go through a step together. It does not change the bits of programs, nor of any
/// step of a law of more than four coordinates.
enum class Extent {
  fastest,  ///< registers if the plan's steps have that form, else tiles
  tile,     ///< a tile goes through all stages of many steps
  batch,    ///< all particles go through one stage, then through the next
};

/// A batch of particles of one problem.
struct Task {
  const Plan& plan;
  const MixtureTable& problem;
  const GuidanceTable* guidance;  ///< of this problem, or null
  std::uint64_t seed;             ///< of this problem
  Precision precision;
  MathMode math;            ///< devices without a fast mode ignore it
  std::uint32_t replicate;  ///< replicate of the streams of a draw; 0 except for distances
  std::int64_t first;       ///< index of the first particle
  std::int64_t count;
  const double* start;  ///< (count, d) row-major given states, or null
  /// (count, d) velocities of kinetic chains with which given states go on, instead of those that the prologue
  /// draws; or null
  const double* start_velocities;
  const std::vector<int>& kept;  ///< levels kept, ascending: 0 is the start, s + 1 the state after step s
  /// (count, kept.size(), d) row-major, in host memory or in memory of `Executor::keep`
  std::variant<float*, double*> out;
  bool keeps_out;  ///< whether it is the latter
  /// (count) sums of min(1, ratio), and numbers of proposals that are not finite, over the steps that count;
  /// null for a plan without `Accept`
  double* acceptance;
  double* non_finite;
  double* steps;    ///< (count) steps eps that the chains have adapted; null for a plan without `Adapt`
  double* moments;  ///< (count, num_moments(plan)) as `MomentPlaces`; null for a plan without `Accumulate`
  /// (count, d) velocities of kinetic chains after the last step; null if nobody asks for them
  double* velocities;
  std::size_t memory_limit;  ///< the limit given to `batch_size`
  std::stop_token stop;
  Extent extent = Extent::fastest;
};

/// Given points at one level. Only the results that are not null are computed.
struct PointTask {
  const MixtureTable& problem;
  Level level;
  Precision precision;
  const double* points;  ///< (count, d) row-major
  std::int64_t count;
  double* log_density;           ///< (count)
  double* log_responsibilities;  ///< (count, K)
  double* score;                 ///< (count, d)
  double* denoiser;              ///< (count, d)
  std::stop_token stop;
};

/// Chains of SMC of one problem.
struct SmcTask {
  const SmcPlan& plan;
  const particle::AnySmcTables& tables;  ///< from `Executor::lower`
  std::uint64_t seed;                    ///< of this problem
  Precision precision;
  std::int64_t first;  ///< index of the first chain
  std::int64_t count;
  const double* start;  ///< (count, N, d) given first particles in data coordinates, or null
  /// Levels kept, ascending: 0 is the start, s + 1 the states after step s. The last is the result, and the
  /// only level kept if each chain draws a particle.
  const std::vector<int>& kept;
  /// (count, d), or (count, kept.size(), N, d) for all particles. Host memory receives the plan's
  /// coordinates, memory of `Executor::keep` data coordinates.
  std::variant<float*, double*> out;
  bool keeps_out;          ///< whether it is the latter
  double* log_evidence;    ///< (count), without the plan's constant
  double* smallest_ess;    ///< (count) as in `ChainReport`
  int* smallest_ess_step;  ///< (count)
  double* log_weights;     ///< (count, N) normalised, or null
  /// Record of the W weightings, or null: (count, W), (count, W), (count, W, N), (count, W, N) as in
  /// `SmcHistory`.
  double* ess;
  std::uint8_t* resampled;
  double* weight_history;
  std::uint32_t* ancestors;
  std::size_t memory_limit;
  std::stop_token stop;
};

/// The first chain of a task that failed, and why.
struct ChainFailure {
  std::int64_t chain = -1;  ///< number of the chain in the task; -1: none
  int step = 0;  ///< step before whose move the failure was detected; the number of steps at the end
  bool all_weights_zero = true;  ///< false: a weight or a state is not finite
  bool is_result = false;        ///< whether only the result, kept on the device, is not finite

  bool found() const { return chain >= 0; }
  void add(const ChainFailure& other) {
    if (other.found() && (!found() || other.chain < chain)) *this = other;
  }
};

/// A Markov chain that starts where the log-density of its target is not finite, so that it has no law.
struct BadStart {
  std::int64_t chain;  ///< number in the task
  double log_density;
};

/// The first chain of a task whose search for a step has found none. @param has_ended whether that of a chain
/// has ended
inline std::optional<std::int64_t> find_endless_search(std::int64_t count, auto has_ended) {
  for (std::int64_t n = 0; n < count; ++n) {
    if (!has_ended(n)) return n;
  }
  return {};
}

/// The first chain of a task with a bad start. @param log_density_of l of a chain at its first state
inline std::optional<BadStart> find_bad_start(std::int64_t count, auto log_density_of) {
  for (std::int64_t n = 0; n < count; ++n) {
    const double l = log_density_of(n);
    if (!std::isfinite(l)) return BadStart{n, l};
  }
  return {};
}

/// Particles whose states became NaN or infinite.
struct NonFinite {
  std::int64_t particles = 0;
  int first_step = -1;                     ///< first step after which a state was not finite; -1: the start
  std::optional<BadStart> bad_start = {};  ///< then the run ended after the start
  /// Number of a chain in the task that found no step to start with; then the run ended there
  std::optional<std::int64_t> endless_search = {};

  /// Adds the counts of other particles.
  void add(const NonFinite& others) {
    if (others.particles == 0) return;
    if (particles == 0 || others.first_step < first_step) first_step = others.first_step;
    particles += others.particles;
  }
  /// Updates the counts of the same particles after more steps. A state that is not finite stays so: the last
  /// window counts them all, and the first window with one gives the step.
  void advance(const NonFinite& after) {
    if (particles == 0 && after.particles > 0) first_step = after.first_step;
    particles = after.particles;
  }
};

class Executor {
 public:
  virtual ~Executor() = default;
  /// As `Device::name()`.
  virtual std::string name() const = 0;
  /// The number of particles that the device prefers in a batch within `memory_limit` bytes (0: no limit),
  /// when `num_kept` levels are kept.
  /// @throws std::invalid_argument when not even one particle fits.
  virtual std::int64_t batch_size(const Plan& plan, Precision precision, std::size_t num_kept,
                                  std::size_t memory_limit) const = 0;
  /// Memory of the device for a result of `bytes` bytes that stays on it; null if results are in host memory
  /// anyway.
  /// @throws DeviceError when the memory does not suffice, std::invalid_argument when this device computes
  ///   in several memories.
  virtual std::unique_ptr<DeviceMemory> keep(std::size_t /*bytes*/) const { return nullptr; }
  /// Runs one batch; the output is complete at the end. Returns early, with the output undefined, when stop
  /// is requested.
  virtual NonFinite run(const Task& task) const = 0;
  /// The tables of a plan, which all tasks of a run share, because with full covariances they take longer to
  /// compute than the chains of a task. Null if the device needs none.
  virtual particle::AnySmcTables lower(const SmcPlan& /*plan*/, Precision /*precision*/) const { return {}; }
  /// The number of chains that the device prefers in a task within the options' `memory_limit`.
  /// @throws std::invalid_argument when not even one chain fits.
  virtual std::int64_t chains_at_once(const SmcPlan& plan, const Options& options) const = 0;
  /// Runs chains of SMC; after a failure or a request to stop the output is undefined.
  virtual ChainFailure run(const SmcTask& task) const = 0;
  /// Sums of distances on this device. They may outlive the executor.
  virtual std::unique_ptr<DistanceSums> sums() const = 0;
  /// Threads of the host that the device computes on; null if it computes elsewhere or only on the calling
  /// thread.
  virtual ThreadPool* threads() const { return nullptr; }
  /// Paths of a trained sampler on this device; null if it has no arithmetic for them.
  virtual std::unique_ptr<PathRunner> paths(const PathSource& /*source*/) const { return nullptr; }
  /// Gradients of the loss of a trained sampler on this device; null if it has no arithmetic for them.
  /// @param pool of the host, which evaluates the target; it must outlive the result.
  /// @param precision of the networks
  virtual std::unique_ptr<PathGradients> path_gradients(ThreadPool& /*pool*/, Precision /*precision*/) const {
    return nullptr;
  }
  /// Called when a run has ended; frees memory that only an active run needs.
  virtual void rest() const noexcept {}
  /// Densities and means at given points. Returns early, with the output undefined, when stop is requested.
  virtual void evaluate(const PointTask& task) const = 0;
};

/// Holds an executor during a run and lets it rest at the end.
class InUse {
 public:
  explicit InUse(const Executor& executor) : executor_(executor) {}
  ~InUse() { executor_.rest(); }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  const Executor* operator->() const { return &executor_; }
  const Executor& operator*() const { return executor_; }

 private:
  const Executor& executor_;
};

/// @throws std::invalid_argument unless the device can have its number of threads or its index.
void check_number(const Device& device);

/// @throws DeviceUnavailable when this build or this machine does not have the device, with the reason.
std::unique_ptr<Executor> make_executor(const Device& device);

/// `run` of sample.hpp with a replicate for the streams of a draw (judging uses 1 and above).
Samples run(const Plan& plan, const Options& options, std::uint32_t replicate);
/// The same on a given executor; the options' device has no effect.
Samples run(const Plan& plan, const Options& options, std::uint32_t replicate, const Executor& executor,
            Extent extent = Extent::fastest);
/// Runs a draw of one problem in double and writes the values to `points` (count, d), which saves the copy
/// that `Samples` would need.
void draw_points(const Plan& plan, std::uint64_t seed, std::uint32_t replicate, const Executor& executor,
                 Points& points);

/// `run` of smc.hpp on a given executor.
SmcSamples run(std::span<const SmcPlan> plans, const Options& options, const Executor& executor);
/// `run` of paths.hpp on a given executor.
PathSamples run(const PathPlan& plan, const Options& options, const Executor& executor);
/// `evaluate` of evaluate.hpp on a given executor.
Evaluation evaluate(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options,
                    const Executor& executor);

}  // namespace gmdiff
