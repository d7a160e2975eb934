#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/device/device.hpp>
#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/thread_pool.hpp"
#include "device/distance_sums.hpp"
#include "device/sample_values.hpp"
#include "lowering/any_smc_tables.hpp"

// What a device implements. src/device/run.cpp does everything that devices share: checks, shapes, problems, ranges, progress, stopping,
// provenance.

namespace gmdiff {

/// How many particles go through a step together. The bits are the same: of programs, and of all steps of laws of more
/// than four coordinates.
enum class Extent {
  fastest,  ///< registers where the plan's steps have that form, else tiles
  tile,     ///< a tile goes through all stages of many steps
  batch,    ///< all particles go through one stage, then through the next
};

/// One block of particles of one problem.
struct Task {
  const Plan& plan;
  const MixtureTable& problem;
  const GuidanceTable* guidance;  ///< of this problem, or null
  std::uint64_t seed;             ///< of this problem
  Precision precision;
  MathMode math;            ///< devices without a fast mode do not look at it
  std::uint32_t replicate;  ///< of the streams of a draw (0 but for distances)
  std::int64_t first;       ///< index of the first particle
  std::int64_t count;
  const double* start;           ///< (count, d) row-major given states, or null
  const std::vector<int>& kept;  ///< levels kept, ascending: 0 is the start, s + 1 the state after step s
  std::variant<float*, double*>
      out;         ///< (count, kept.size(), d) row-major, in host memory or in what `Executor::keep` gave
  bool keeps_out;  ///< whether it is the latter
  std::size_t memory_limit;  ///< as `block_size` was told
  std::stop_token stop;
  Extent extent = Extent::fastest;
};

/// Given points at one level; results that are null are not asked for.
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
  const particle::AnySmcTables& tables;  ///< as `Executor::lower` gave them
  std::uint64_t seed;                    ///< of this problem
  Precision precision;
  std::int64_t first;  ///< index of the first chain
  std::int64_t count;
  const double* start;  ///< (count, N, d) given first particles in data coordinates, or null
  /// Levels kept, ascending: 0 is the start, s + 1 the states after step s. The last is the result, and the
  /// only one where each chain draws a particle.
  const std::vector<int>& kept;
  /// (count, d), or (count, kept.size(), N, d) where particles are asked for: in host memory and in the
  /// plan's coordinates, or in what `Executor::keep` gave and in data coordinates.
  std::variant<float*, double*> out;
  bool keeps_out;          ///< whether it is the latter
  double* log_evidence;    ///< (count), without the plan's constant
  double* smallest_ess;    ///< (count) as in `ChainReport`
  int* smallest_ess_step;  ///< (count)
  double* log_weights;     ///< (count, N) normalised, or null
  /// What is told of the W weightings, or null: (count, W), (count, W), (count, W, N), (count, W, N) as in `SmcHistory`.
  double* ess;
  std::uint8_t* resampled;
  double* weight_history;
  std::uint32_t* ancestors;
  std::size_t memory_limit;
  std::stop_token stop;
};

/// The first chain of a task that failed, and why.
struct ChainFailure {
  std::int64_t chain = -1;       ///< its place in the task; -1: none
  int step = 0;                  ///< before whose move it was seen; the number of steps: at the end
  bool all_weights_zero = true;  ///< else a weight or a state is not finite
  bool is_result = false;        ///< whether it went on, to a result on the device that is not finite

  bool found() const { return chain >= 0; }
  void add(const ChainFailure& other) {
    if (other.found() && (!found() || other.chain < chain)) *this = other;
  }
};

/// States that came out NaN or infinite.
struct NonFinite {
  std::int64_t particles = 0;
  int first_step = -1;  ///< smallest step after which one was, -1: the start

  /// Those of other particles as well.
  void add(const NonFinite& others) {
    if (others.particles == 0) return;
    if (particles == 0 || others.first_step < first_step) first_step = others.first_step;
    particles += others.particles;
  }
  /// The same particles after more steps. A state that is not finite stays so: the last window counts all of them, the first that has one
  /// knows the step.
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
  /// Particles of a block that the device likes best within `memory_limit` bytes (0: no limit), when `num_kept` levels are kept.
  /// @throws std::invalid_argument when not even one particle fits.
  virtual std::int64_t block_size(const Plan& plan, Precision precision, std::size_t num_kept,
                                  std::size_t memory_limit) const = 0;
  /// Memory of the device for a result of so many bytes that stays there; null where results are in host memory anyway.
  /// @throws DeviceError when there is not enough, std::invalid_argument when one memory cannot hold what this device computes.
  virtual std::unique_ptr<DeviceMemory> keep(std::size_t /*bytes*/) const { return nullptr; }
  /// Runs one block; the output is complete at the end. Returns early, with the output undefined, when stop is requested.
  virtual NonFinite run(const Task& task) const = 0;
  /// The tables of a plan, which all tasks of a run share: with full covariances they take longer than the chains of a task. Null where
  /// the device needs none.
  virtual particle::AnySmcTables lower(const SmcPlan& /*plan*/, Precision /*precision*/) const { return {}; }
  /// Chains of a task that the device likes best within the options' `memory_limit`.
  /// @throws std::invalid_argument when not even one chain fits.
  virtual std::int64_t chains_at_once(const SmcPlan& plan, const Options& options) const = 0;
  /// Runs chains of SMC; after a failure or a request to stop the output is undefined.
  virtual ChainFailure run(const SmcTask& task) const = 0;
  /// Sums of distances on this device. They may outlive the executor.
  virtual std::unique_ptr<DistanceSums> sums() const = 0;
  /// Threads of the host that the device computes on; null where it computes elsewhere, or on the calling thread alone.
  virtual ThreadPool* threads() const { return nullptr; }
  /// Called when a run has ended: gives back memory that only a run under way needs.
  virtual void rest() const noexcept {}
  /// Densities and means at given points. Returns early, with the output undefined, when stop is requested.
  virtual void evaluate(const PointTask& task) const = 0;
};

/// An executor that a run uses.
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
/// The same on a given executor, whatever the options' device.
Samples run(const Plan& plan, const Options& options, std::uint32_t replicate, const Executor& executor,
            Extent extent = Extent::fastest);
/// Writes the values of such a run of a draw of one problem in double to `points` (count, d), without the copy that samples would need.
void draw_points(const Plan& plan, std::uint64_t seed, std::uint32_t replicate, const Executor& executor,
                 Points& points);

/// `run` of smc.hpp on a given executor.
SmcSamples run(std::span<const SmcPlan> plans, const Options& options, const Executor& executor);
/// `evaluate` of evaluate.hpp on a given executor.
Evaluation evaluate(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options,
                    const Executor& executor);

}  // namespace gmdiff
