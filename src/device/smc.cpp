#include <gmdiff/device/smc.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "base/log_mean_exp.hpp"
#include "base/random.hpp"
#include "device/chain_remarks.hpp"
#include "device/executor.hpp"
#include "device/kept_levels.hpp"
#include "device/precision_warning.hpp"
#include "device/result_values.hpp"
#include "device/rotation.hpp"
#include "device/run_checks.hpp"
#include "device/thread_session.hpp"

// Runs of SMC: the part that all devices share, like run.cpp for particles without weights.

namespace gmdiff {
namespace {

void check(std::span<const SmcPlan> plans, const Options& options) {
  require(!plans.empty(), "run: no SMC plan given");
  check_range(options, "chains");
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
        options_(options),
        executor_(executor),
        chains_(static_cast<std::int64_t>(plans.size()) * options.count),
        N_(plans.front().particles),
        rows_(rows_of_a_chain(plans.front(), options.history)) {
    require(chains_ / options.count == std::ssize(plans), "run: more than 2^63 chains");
    const auto chains = static_cast<std::uint64_t>(chains_);
    const auto values_each = static_cast<std::uint64_t>(rows_ * plans.front().dim());
    const std::uint64_t values = result_bytes(chains, values_each, options.precision);
    // A result that stays on the device is allocated first; the tasks then fit into the remaining memory.
    std::unique_ptr<DeviceMemory> memory = options.keep_on_device ? executor.keep(values) : nullptr;
    require_memory(saturating_sum(memory == nullptr ? values : 0, bytes_of_reports(chains)),
                   "the results of ", chains_, " chains of ", N_, " particles");
    values_.emplace(std::move(memory), chains, values_each, options.precision, "chains");
    resize_chains(chains);
    if (keeps_weights()) log_weights_.resize(static_cast<std::size_t>(chains_ * N_));
    if (options.smc_history) make_history();
  }

  SmcSamples operator()() {
    for (std::size_t problem = 0; problem < plans_.size(); ++problem) run_problem(problem);
    return finish(plans_.size() == 1 ? std::vector{options_.count}
                                     : std::vector{std::ssize(plans_), options_.count});
  }

 private:
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
    const auto weightings = static_cast<std::size_t>(chains_) * history_.steps.size();
    const std::uint64_t bytes =
        saturating_product(saturating_product(weightings, static_cast<std::uint64_t>(N_)), 12);
    require(bytes < (std::uint64_t{1} << 36), "run: the history of ", chains_, " chains of ", N_,
            " particles at ", history_.steps.size(), " weightings takes ", bytes, " bytes, more than 2^36");
    require_memory(bytes, "the history of ", chains_, " chains of ", N_, " particles");
    history_.ess.resize(weightings);
    history_.resampled.resize(weightings);
    history_.log_weights.resize(weightings * static_cast<std::size_t>(N_));
    history_.ancestors.resize(weightings * static_cast<std::size_t>(N_));
  }

  void run_problem(std::size_t problem) {
    const SmcPlan& plan = plans_[problem];
    const std::int64_t most = executor_->chains_at_once(plan, options_);
    const particle::AnySmcTables tables = executor_->lower(plan, options_.precision);
    const std::vector<int> kept = kept_levels(plan, options_.history);
    for (std::int64_t first = 0; first < options_.count;) {
      if (options_.stop.stop_requested()) interrupt();
      const std::int64_t count = std::min(most, options_.count - first);
      run_chains(problem, tables, kept, first, count);
      first += count;
    }
  }

  void run_chains(std::size_t problem, const particle::AnySmcTables& tables, const std::vector<int>& kept,
                  std::int64_t first, std::int64_t count) {
    const SmcPlan& plan = plans_[problem];
    const std::int64_t W = std::ssize(history_.steps);
    const auto place = [](auto& values, std::int64_t begin) {
      return values.empty() ? nullptr : values.data() + begin;
    };
    const std::int64_t d = plan.dim();
    const SmcTask task{.plan = plan,
                       .tables = tables,
                       .seed = problem_seed(options_.seed, problem),
                       .precision = options_.precision,
                       .first = options_.first + first,
                       .count = count,
                       .start = options_.start ? options_.start->data() + done_ * N_ * d : nullptr,
                       .kept = kept,
                       .out = values_->from(done_ * rows_ * d),
                       .keeps_out = values_->on_device(),
                       .log_evidence = report_.log_evidence.data() + done_,
                       .smallest_ess = report_.smallest_ess.data() + done_,
                       .smallest_ess_step = report_.smallest_ess_step.data() + done_,
                       .log_weights = place(log_weights_, done_ * N_),
                       .ess = place(history_.ess, done_ * W),
                       .resampled = place(history_.resampled, done_ * W),
                       .weight_history = place(history_.log_weights, done_ * W * N_),
                       .ancestors = place(history_.ancestors, done_ * W * N_),
                       .memory_limit = options_.memory_limit,
                       .stop = options_.stop};
    const ChainFailure failure = executor_->run(task);
    if (options_.stop.stop_requested()) interrupt();
    if (failure.found()) fail_with(failure, plan, problem, task.first);
    if (!task.keeps_out) std::visit([&](auto* rows) { take(plan, rows, count, task.first); }, task.out);
    for (std::int64_t c = 0; c < count; ++c) task.log_evidence[c] += plan.log_constant;
    particle_steps_ +=
        static_cast<double>(count) * static_cast<double>(N_) * static_cast<double>(plan.steps.size());
    done_ += count;
    if (options_.progress) options_.progress({.done = done_, .total = chains_});
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
                             where, options_.precision == Precision::f32 ? " (in float32)" : ""));
  }

  /// Throws `SmcInterrupted` with the finished chains; for several problems, the chains of whole problems.
  [[noreturn]] void interrupt() {
    std::vector<std::int64_t> shape{done_};
    if (plans_.size() > 1) {
      shape = {done_ / options_.count, options_.count};
      done_ = shape[0] * shape[1];
    }
    const std::string message = concat("run: stopped after ", done_, " of ", chains_, " chains");
    throw SmcInterrupted(message, finish(std::move(shape)));
  }

  SmcSamples finish(std::vector<std::int64_t> shape) {
    const SmcPlan& plan = plans_.front();
    const auto chains = static_cast<std::size_t>(done_);
    const auto N = static_cast<std::size_t>(N_);
    std::vector<double> times;
    if (options_.history > 0) {
      shape.push_back(options_.history);
      for (const int level : kept_levels(plan, options_.history))
        times.push_back(plan.times[static_cast<std::size_t>(level)]);
    }
    if (plan.output == SmcOutput::particles) shape.push_back(N_);
    shape.push_back(plan.dim());
    const std::size_t size = chains * static_cast<std::size_t>(rows_ * plan.dim());
    resize_chains(chains);
    if (!log_weights_.empty()) log_weights_.resize(chains * N);
    const std::size_t weightings = chains * history_.steps.size();
    history_.ess.resize(weightings);
    history_.resampled.resize(weightings);
    history_.log_weights.resize(weightings * N);
    history_.ancestors.resize(weightings * N);
    return {Samples(values_->take(size), std::move(shape), std::move(times), provenance()),
            std::move(report_), std::move(log_weights_), std::move(history_)};
  }

  Provenance provenance() const {
    Provenance provenance;
    provenance.seed = options_.seed;
    for (std::size_t p = 0; p < plans_.size(); ++p)
      provenance.problem_seeds.push_back(problem_seed(options_.seed, p));
    provenance.first = options_.first;
    provenance.plan_hash = hash(plans_);
    provenance.math = options_.math;
    provenance.device = executor_->name();
    provenance.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    provenance.particle_steps = particle_steps_;
    const auto add = [](std::vector<std::string>& texts, const std::vector<std::string>& more) {
      for (const std::string& text : more) {
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
      }
    };
    for (const SmcPlan& plan : plans_) {
      add(provenance.warnings, plan.warnings);
      add(provenance.notes, plan.notes);
    }
    if (const auto warning = precision_warning(plans_, options_.precision))
      provenance.warnings.push_back(*warning);
    add(provenance.warnings, warnings_of_chains());
    return provenance;
  }

  /// Warnings of the finished chains, problem by problem.
  std::vector<std::string> warnings_of_chains() const {
    std::vector<std::string> warnings;
    for (std::int64_t first = 0; first < done_; first += options_.count) {
      const std::int64_t count = std::min(options_.count, done_ - first);
      const ChainReport chains =
          part_of(report_, static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      const std::string of_problem =
          plans_.size() == 1 ? std::string() : concat("problem ", first / options_.count, ": ");
      for (const std::string& warning : chain_warnings(chains, N_)) warnings.push_back(of_problem + warning);
    }
    return warnings;
  }

  std::span<const SmcPlan> plans_;
  const Options& options_;
  InUse executor_;
  std::int64_t chains_;  // chains of all problems
  std::int64_t N_;
  std::int64_t rows_;  // rows of a chain's result
  std::int64_t done_ = 0;
  double particle_steps_ = 0.0;
  std::optional<ResultValues> values_;
  ChainReport report_;
  std::vector<double> log_weights_;
  SmcHistory history_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
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
