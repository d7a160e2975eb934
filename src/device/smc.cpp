#include <gmdiff/device/smc.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "base/log_mean_exp.hpp"
#include "device/chain_remarks.hpp"
#include "device/executor.hpp"
#include "device/kept_levels.hpp"
#include "device/precision_warning.hpp"
#include "device/rotation.hpp"
#include "device/run_checks.hpp"
#include "device/run_frame.hpp"
#include "device/thread_session.hpp"

// Runs of SMC: the part that all devices share.

namespace gmdiff {
namespace {

void check(std::span<const SmcPlan> plans, const Options& options) {
  require(!plans.empty(), "run: no SMC plan given");
  check_range(options, "chains");
  check_no_velocities(options);
  const SmcPlan& first = plans.front();
  require(options.history == 0 || first.output == SmcOutput::particles,
          "run: history keeps the states of all particles of a chain, so it expects SmcOutput::particles");
  for (const SmcPlan& plan : plans) {
    require(plan.dim() == first.dim() && plan.particles == first.particles && plan.output == first.output,
            "run: the problems of a batch must have one dimension, number of particles and output; the first "
            "has d = ",
            first.dim(), ", N = ", first.particles, ", another d = ", plan.dim(), ", N = ", plan.particles);
    require(plan.times.size() == plan.steps.size() + 1, "run: the SMC plan has ", plan.steps.size(),
            " steps but ", plan.times.size(), " times");
    check_streams(plan.steps.size(), plan.dim(), options.precision);
    require(!options.smc_history || plan.weightings() == first.weightings(),
            "run: with smc_history the problems of a batch must be weighted at the same steps");
    require(options.history == 0 || plan.times == first.times,
            "run: with history the problems of a batch must have the same times");
    const std::int64_t last = options.first + (options.count - 1);
    require(last < (std::int64_t{1} << 62) / plan.particles, "run: chain ", last, " of ", plan.particles,
            " particles reaches beyond particle 2^62");
  }
  if (options.start) {
    const std::uint64_t chains = saturating_product(plans.size(), static_cast<std::uint64_t>(options.count));
    check_states(*options.start, saturating_product(chains, static_cast<std::uint64_t>(first.particles)),
                 first.dim());
  }
}

std::vector<int> kept_levels(const SmcPlan& plan, int history) {
  const auto steps = static_cast<int>(plan.steps.size());
  if (history == 0) return {steps};
  return evenly_spaced_levels(0, steps + 1, history);
}

/// Rows of the result for one chain, over all levels kept.
std::int64_t rows_of_a_chain(const SmcPlan& plan, int history) {
  if (plan.output == SmcOutput::draw) return 1;
  return std::ssize(kept_levels(plan, history)) * plan.particles;
}

/// A run in progress, with the results of all chains of all problems, one after the other.
class SmcRun {
 public:
  SmcRun(std::span<const SmcPlan> plans, const Options& options, const Executor& executor)
      : plans_(plans),
        N_(plans.front().particles),
        rows_(rows_of_a_chain(plans.front(), options.history)),
        frame_(plans.size(), options, executor, "chains") {
    const auto chains = static_cast<std::uint64_t>(frame_.total());
    frame_.allocate(rows_ * plans.front().dim(), bytes_of_reports(chains), concat(" of ", N_, " particles"));
    resize_chains(chains);
    if (keeps_weights()) log_weights_.resize(chains * static_cast<std::size_t>(N_));
    if (options.smc_history) make_history();
  }

  SmcSamples operator()() {
    for (std::size_t problem = 0; problem < plans_.size(); ++problem) run_problem(problem);
    return finish();
  }

 private:
  const Options& options() const { return frame_.options(); }
  bool keeps_weights() const { return plans_.front().output == SmcOutput::particles; }

  /// Bytes of the weights and the report of every chain.
  std::uint64_t bytes_of_reports(std::uint64_t chains) const {
    const auto N = static_cast<std::uint64_t>(N_);
    return saturating_product(chains, keeps_weights() ? N + 3 : 3, sizeof(double));
  }

  void resize_chains(std::size_t count) {
    report_.log_evidence.resize(count);
    report_.smallest_ess.resize(count);
    report_.smallest_ess_step.resize(count);
  }

  void make_history() {
    history_.steps = plans_.front().weightings();
    const auto weightings = static_cast<std::size_t>(frame_.total()) * history_.steps.size();
    const std::uint64_t bytes =
        saturating_product(saturating_product(weightings, static_cast<std::uint64_t>(N_)), 12);
    require(bytes < (std::uint64_t{1} << 36), "run: the history of ", frame_.total(), " chains of ", N_,
            " particles at ", history_.steps.size(), " weightings takes ", bytes, " bytes, more than 2^36");
    require_memory(bytes, "the history of ", frame_.total(), " chains of ", N_, " particles");
    history_.ess.resize(weightings);
    history_.resampled.resize(weightings);
    history_.log_weights.resize(weightings * static_cast<std::size_t>(N_));
    history_.ancestors.resize(weightings * static_cast<std::size_t>(N_));
  }

  void run_problem(std::size_t problem) {
    const SmcPlan& plan = plans_[problem];
    const std::int64_t most = frame_.executor().chains_at_once(plan, options());
    const particle::AnySmcTables tables = frame_.executor().lower(plan, options().precision);
    const std::vector<int> kept = kept_levels(plan, options().history);
    while (const auto batch = frame_.next(problem, most)) run_chains(*batch, tables, kept);
  }

  void run_chains(const RunFrame::Batch& batch, const particle::AnySmcTables& tables,
                  const std::vector<int>& kept) {
    throw_if_stopped();
    const SmcPlan& plan = plans_[batch.problem];
    const SmcTask task = task_of(batch, tables, kept);
    const ChainFailure failure = frame_.executor().run(task);
    throw_if_stopped();
    if (failure.found()) fail_with(failure, plan, batch.problem, task.first);
    if (!task.keeps_out) std::visit([&](auto* rows) { take(plan, rows, batch.count, task.first); }, task.out);
    for (std::int64_t c = 0; c < batch.count; ++c) task.log_evidence[c] += plan.log_constant;
    particle_steps_ +=
        static_cast<double>(batch.count) * static_cast<double>(N_) * static_cast<double>(plan.steps.size());
    frame_.finish(batch);
  }

  SmcTask task_of(const RunFrame::Batch& batch, const particle::AnySmcTables& tables,
                  const std::vector<int>& kept) {
    const SmcPlan& plan = plans_[batch.problem];
    const std::int64_t done = frame_.done();
    const std::int64_t W = std::ssize(history_.steps);
    const auto place = [done](auto& values, std::int64_t values_per_chain) {
      return values.empty() ? nullptr : values.data() + done * values_per_chain;
    };
    return {.plan = plan,
            .tables = tables,
            .seed = batch.seed,
            .precision = options().precision,
            .first = options().first + batch.first,
            .count = batch.count,
            .start = options().start ? options().start->row(done * N_).data() : nullptr,
            .kept = kept,
            .out = frame_.place(),
            .keeps_out = frame_.keeps_on_device(),
            .log_evidence = report_.log_evidence.data() + done,
            .smallest_ess = report_.smallest_ess.data() + done,
            .smallest_ess_step = report_.smallest_ess_step.data() + done,
            .log_weights = place(log_weights_, N_),
            .ess = place(history_.ess, W),
            .resampled = place(history_.resampled, W),
            .weight_history = place(history_.log_weights, W * N_),
            .ancestors = place(history_.ancestors, W * N_),
            .memory_limit = options().memory_limit,
            .stop = options().stop};
  }

  template <class Scalar>
  void take(const SmcPlan& plan, Scalar* rows, std::int64_t count, std::int64_t first) const {
    rotate_back(plan.V, rows, count * rows_);
    const std::int64_t of_a_chain = rows_ * plan.dim();
    for (std::int64_t i = 0; i < count * of_a_chain; ++i) {
      if (!std::isfinite(rows[i])) fail_with_result(first + i / of_a_chain);
    }
  }

  [[noreturn]] static void fail_with_result(std::int64_t chain) {
    throw NonFiniteError(concat("run: chain ", chain, " has a result that is not finite"));
  }

  [[noreturn]] void fail_with(const ChainFailure& failure, const SmcPlan& plan, std::size_t problem,
                              std::int64_t first) const {
    if (failure.is_result) fail_with_result(first + failure.chain);
    const std::string where = failure.step == static_cast<int>(plan.steps.size())
                                  ? std::string("at the end")
                                  : concat("at step ", failure.step + 1, " of ", plan.steps.size());
    const std::string of_problem = plans_.size() == 1 ? std::string() : concat(" of problem ", problem);
    throw WeightError(concat("run: chain ", first + failure.chain, of_problem,
                             failure.all_weights_zero ? ": all weights are 0 " : ": a weight is not finite ",
                             where, options().precision == Precision::f32 ? " (in float32)" : ""));
  }

  /// When the run is asked to stop, throws `SmcInterrupted` with the finished chains; for several problems,
  /// the chains of whole problems.
  void throw_if_stopped() {
    if (!options().stop.stop_requested()) return;
    const std::string message = frame_.stop();
    throw SmcInterrupted(message, finish());
  }

  SmcSamples finish() {
    const SmcPlan& plan = plans_.front();
    std::vector<std::int64_t> shape = frame_.leading_shape();
    std::vector<double> times;
    if (options().history > 0) {
      shape.push_back(options().history);
      for (const int level : kept_levels(plan, options().history))
        times.push_back(plan.times[static_cast<std::size_t>(level)]);
    }
    if (plan.output == SmcOutput::particles) shape.push_back(N_);
    shape.push_back(plan.dim());
    keep_finished_chains();
    return {Samples(frame_.take_values(), std::move(shape), std::move(times), provenance()),
            std::move(report_), std::move(log_weights_), std::move(history_)};
  }

  void keep_finished_chains() {
    const auto chains = static_cast<std::size_t>(frame_.done());
    const auto N = static_cast<std::size_t>(N_);
    resize_chains(chains);
    if (!log_weights_.empty()) log_weights_.resize(chains * N);
    const std::size_t weightings = chains * history_.steps.size();
    history_.ess.resize(weightings);
    history_.resampled.resize(weightings);
    history_.log_weights.resize(weightings * N);
    history_.ancestors.resize(weightings * N);
  }

  Provenance provenance() const {
    Provenance provenance = frame_.provenance(hash(plans_), particle_steps_);
    const auto add = [](std::vector<std::string>& texts, const std::vector<std::string>& more) {
      for (const std::string& text : more) {
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
      }
    };
    for (const SmcPlan& plan : plans_) {
      add(provenance.warnings, plan.warnings);
      add(provenance.notes, plan.notes);
    }
    if (const auto warning = precision_warning(plans_, options().precision))
      provenance.warnings.push_back(*warning);
    add(provenance.warnings, warnings_of_chains());
    return provenance;
  }

  /// Warnings of the finished chains, problem by problem.
  std::vector<std::string> warnings_of_chains() const {
    std::vector<std::string> warnings;
    const std::int64_t done = frame_.done(), of_a_problem = options().count;
    for (std::int64_t first = 0; first < done; first += of_a_problem) {
      const std::int64_t count = std::min(of_a_problem, done - first);
      const ChainReport chains =
          part_of(report_, static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      const std::string of_problem =
          plans_.size() == 1 ? std::string() : concat("problem ", first / of_a_problem, ": ");
      for (const std::string& warning : chain_warnings(chains, N_)) warnings.push_back(of_problem + warning);
    }
    return warnings;
  }

  std::span<const SmcPlan> plans_;
  std::int64_t N_;
  std::int64_t rows_;  // rows of a chain's result
  RunFrame frame_;
  double particle_steps_ = 0.0;
  ChainReport report_;
  std::vector<double> log_weights_;
  SmcHistory history_;
};

}  // namespace

SmcSamples run(std::span<const SmcPlan> plans, const Options& options, const Executor& executor) {
  check(plans, options);
  return SmcRun(plans, options, executor)();
}

SmcSamples run(std::span<const SmcPlan> plans, const Options& options) {
  check(plans, options);
  return SmcRun(plans, options, thread_session(options.device)->executor())();
}

SmcSamples run(const SmcPlan& plan, const Options& options) { return run(std::span(&plan, 1), options); }

SmcSamples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
                  const TimeGrid& grid, const SmcSampler& sampler, const Options& options) {
  return run(smc_plan(prior, observation, process, grid, sampler), options);
}

SmcSamples sample(const Mixture& prior, std::span<const LinearObservation> observations,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options) {
  std::vector<SmcPlan> plans;
  for (const LinearObservation& observation : observations)
    plans.push_back(smc_plan(prior, observation, process, grid, sampler));
  return run(plans, options);
}

SmcSamples sample(const Mixture& prior, const NonlinearObservation& observation,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options) {
  return run(smc_plan(prior, observation, process, grid, sampler), options);
}

SmcSamples sample(const Denoiser& denoiser, const LinearObservation& observation,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options) {
  return run(smc_plan(denoiser, observation, process, grid, sampler), options);
}

SmcSamples sample(const Denoiser& denoiser, const NonlinearObservation& observation,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options) {
  return run(smc_plan(denoiser, observation, process, grid, sampler), options);
}

SmcSamples sample(std::span<const SmcProblem> problems, const ForwardProcess& process,
                  const SmcSampler& sampler, const Options& options) {
  std::vector<SmcPlan> plans;
  for (const SmcProblem& problem : problems) {
    plans.push_back(smc_plan(problem.prior, problem.observation, process, problem.grid, sampler));
  }
  return run(plans, options);
}

std::int64_t SmcSamples::chains_per_problem() const {
  const auto problems =
      static_cast<std::int64_t>(std::max<std::size_t>(provenance().problem_seeds.size(), 1));
  return std::ssize(log_evidence()) / problems;
}

std::span<const double> SmcSamples::log_evidence_of(std::int64_t problem) const {
  const std::int64_t chains = chains_per_problem();
  require(problem >= 0 && chains > 0 && (problem + 1) * chains <= std::ssize(log_evidence()),
          "SmcSamples: problem must be from 0 to ", chains == 0 ? 0 : std::ssize(log_evidence()) / chains - 1,
          ", got ", problem);
  return std::span(log_evidence())
      .subspan(static_cast<std::size_t>(problem * chains), static_cast<std::size_t>(chains));
}

double SmcSamples::mean_log_evidence(std::int64_t problem) const {
  return log_mean_exp(log_evidence_of(problem));
}

double SmcSamples::log_evidence_sd(std::int64_t problem) const {
  return gmdiff::log_evidence_sd(log_evidence_of(problem));
}

std::vector<double> SmcSamples::chain_weights() const {
  const std::int64_t chains = chains_per_problem();
  std::vector<double> weights;
  double log_mean = 0.0;
  for (std::int64_t c = 0; c < std::ssize(log_evidence()); ++c) {
    if (c % chains == 0) log_mean = mean_log_evidence(c / chains);
    weights.push_back(std::exp(log_evidence()[static_cast<std::size_t>(c)] - log_mean) /
                      static_cast<double>(chains));
  }
  return weights;
}

}  // namespace gmdiff
