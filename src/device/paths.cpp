#include <gmdiff/device/paths.hpp>

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "device/executor.hpp"
#include "device/kept_levels.hpp"
#include "device/run_checks.hpp"
#include "device/run_frame.hpp"
#include "device/thread_session.hpp"

// Runs of weighted paths: the part that all sources share.

namespace gmdiff {
namespace {

// Paths that a thread computes between two looks at the stop token.
constexpr std::int64_t paths_of_a_thread = 256;
// A GPU needs more paths at a time to be busy.
constexpr std::int64_t paths_of_a_gpu = 1 << 16;

void check(const PathPlan& plan, const Options& options) {
  require(plan.source != nullptr, "run: the plan of paths has no source");
  check_range(options, "paths");
  check_no_velocities(options);
  require(!options.start,
          "run: a trained sampler draws its first states from its own start law; it takes no start states");
  require(!options.smc_history, "run: smc_history records weightings of SMC, and paths have none");
}

std::vector<int> kept_states(const PathSource& source, int history) {
  if (history == 0) return {source.steps()};
  return evenly_spaced_levels(0, source.steps() + 1, history);
}

/// A run in progress.
class PathRun {
 public:
  /// @param most paths between two looks at the stop token  @param notes of the run, beside those of the plan
  PathRun(const PathPlan& plan, const Options& options, const Executor& executor,
          std::unique_ptr<PathRunner> runner, std::int64_t most, std::vector<std::string> notes)
      : plan_(plan),
        notes_(std::move(notes)),
        frame_(1, options, executor, "paths"),
        runner_(std::move(runner)),
        kept_(kept_states(*plan.source, options.history)),
        most_(most) {
    const auto paths = static_cast<std::uint64_t>(frame_.total());
    frame_.allocate(values_of_a_path(), saturating_product(paths, sizeof(double)), " with their weights");
    log_weights_.resize(paths);
  }

  PathSamples operator()() {
    while (const auto batch = frame_.next(0, paths_to_block_end())) run_paths(*batch);
    return finish();
  }

 private:
  const Options& options() const { return frame_.options(); }
  std::int64_t values_of_a_path() const { return std::ssize(kept_) * plan_.dim(); }

  /// Batches end at multiples of their size, so that no block of paths is computed for two of them.
  std::int64_t paths_to_block_end() const { return most_ - (options().first + frame_.done()) % most_; }

  void run_paths(const RunFrame::Batch& batch) {
    throw_if_stopped();
    std::visit([&](auto* to) { run_paths(batch, to); }, frame_.place());
    particle_steps_ += static_cast<double>(batch.count) * plan_.source->steps();
    frame_.finish(batch);
  }

  void run_paths(const RunFrame::Batch& batch, double* to) {
    runner_->run(options().first + batch.first, batch.count, batch.seed, kept_, to,
                 log_weights_.data() + batch.first);
  }
  void run_paths(const RunFrame::Batch& batch, float* to) {
    values_.resize(static_cast<std::size_t>(batch.count * values_of_a_path()));
    run_paths(batch, values_.data());
    std::ranges::transform(values_, to, [](double value) { return static_cast<float>(value); });
  }

  void throw_if_stopped() {
    if (!options().stop.stop_requested()) return;
    const std::string message = frame_.stop();
    throw PathsInterrupted(message, finish());
  }

  PathSamples finish() {
    std::vector<std::int64_t> shape = frame_.leading_shape();
    std::vector<double> times;
    if (options().history > 0) {
      shape.push_back(options().history);
      const std::vector<double> all = plan_.source->times();
      times.reserve(kept_.size());
      for (const int state : kept_) times.push_back(all[static_cast<std::size_t>(state)]);
    }
    shape.push_back(plan_.dim());
    log_weights_.resize(static_cast<std::size_t>(frame_.done()));
    Provenance provenance = frame_.provenance(plan_.hash(), particle_steps_);
    provenance.warnings = plan_.warnings;
    provenance.notes = plan_.notes;
    provenance.notes.insert(provenance.notes.end(), notes_.begin(), notes_.end());
    return {Samples(frame_.take_values(), std::move(shape), std::move(times), std::move(provenance)),
            std::move(log_weights_)};
  }

  const PathPlan& plan_;
  std::vector<std::string> notes_;
  RunFrame frame_;
  std::unique_ptr<PathRunner> runner_;
  std::vector<int> kept_;
  std::int64_t most_;
  double particle_steps_ = 0.0;
  std::vector<double> log_weights_;
  std::vector<double> values_;  // of a batch, before they are rounded
};

}  // namespace

PathSamples run(const PathPlan& plan, const Options& options, const Executor& executor) {
  check(plan, options);
  const auto on_threads = [&](const Executor& host, std::vector<std::string> notes) {
    ThreadPool& pool = *host.threads();
    return PathRun(plan, options, host, plan.source->on(pool), paths_of_a_thread * pool.threads(),
                   std::move(notes))();
  };
  if (executor.threads() != nullptr) return on_threads(executor, {});
  if (!options.keep_on_device) {
    if (std::unique_ptr<PathRunner> runner = executor.paths(*plan.source))
      return PathRun(plan, options, executor, std::move(runner), paths_of_a_gpu, {})();
  }
  const std::shared_ptr<const Session> host = thread_session(Device::cpu());
  return on_threads(host->executor(),
                    {concat("trained samplers are computed on cpu, not on ", executor.name(),
                            options.keep_on_device ? " with a result that stays there" : "")});
}

PathSamples run(const PathPlan& plan, const Options& options) {
  check(plan, options);
  return run(plan, options, thread_session(options.device)->executor());
}

}  // namespace gmdiff
