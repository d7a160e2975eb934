#include "device/cpu/chains.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

#include <gmdiff/device/samples.hpp>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "device/cpu/chain_weights.hpp"
#include "device/cpu/scratch.hpp"
#include "device/rotation.hpp"
#include "device/smallest_ess.hpp"
#include "device/work.hpp"
#include "lowering/smc_table_builder.hpp"

namespace gmdiff::cpu {
namespace {

// the interval of progress reports, and the longest wait of a stop request
constexpr double operations_per_batch = 2e9;

/// Runs one chain after the other in the same memory.
template <class Real>
class Chain {
 public:
  /// @param pool threads that share the particles of a chain; null: only the calling thread.
  Chain(const SmcTask& task, const particle::SmcTables<Real>& tables, const Unit<Real>& unit,
        ThreadPool* pool)
      : task_(task),
        unit_(unit),
        pieces_(task.plan.particles, unit.lanes, pool),
        scratch_(pieces_.threads(), unit.chain_scratch_bytes(tables.law().table(), tables.map())),
        weights_(task.plan, task.seed, unit, pieces_),
        weightings_(task.plan.weightings()) {
    for (auto& states : states_) states.resize(static_cast<std::size_t>(pieces_.padded() * task.plan.dim()));
    job_.tables = tables.chain(task.seed);
    job_.map = tables.map();
    job_.log_weights = weights_.log_weights();
    job_.has_start = task.start != nullptr;
  }

  ChainFailure run(std::int64_t chain);
  /// Bytes that one active chain needs.
  static std::size_t bytes(const SmcPlan& plan, const Unit<Real>& unit);

 private:
  void place_start();
  double effective_sample_size();
  bool resample(int step);
  std::int64_t history_row(int step) const;
  void keep_history(std::int64_t row, double ess, bool resampled);
  void finish();
  Real* place_of(int level) const;
  void write_draw();
  ChainFailure failure(int step) const {
    return {.chain = chain_, .step = step, .all_weights_zero = weights_.all_zero()};
  }

  const SmcTask& task_;
  const Unit<Real>& unit_;
  ChainPieces pieces_;
  ScratchMemory scratch_;
  ChainWeights<Real> weights_;
  std::vector<int> weightings_;
  Samples::Values<Real> states_[2];

  ChainJob<Real> job_{};
  std::int64_t chain_ = 0;  // number of the chain in the task
  std::int64_t index_ = 0;
  double log_Z_ = 0.0;
  SmallestEss smallest_ess_{};
};

template <class Real>
ChainFailure Chain<Real>::run(std::int64_t chain) {
  chain_ = chain;
  index_ = task_.first + chain;
  log_Z_ = 0.0;
  smallest_ess_ = {static_cast<double>(pieces_.particles())};
  job_.first_slot = static_cast<std::uint64_t>(index_ * pieces_.particles());
  job_.from = states_[0].data();
  job_.to = states_[1].data();
  job_.kept = place_of(0);
  if (job_.has_start) place_start();
  pieces_.for_each_tile(
      [&](int thread, std::int64_t tile) { unit_.chain_start(job_, tile, scratch_.of(thread)); });
  const int num_steps = job_.tables.num_steps;
  for (int s = 0; s < num_steps && !task_.stop.stop_requested(); ++s) {
    bool resampled = false;
    if (!job_.tables.weighs_before || job_.tables.steps[s].is_weighted) {
      if (!weights_.find_extremes()) return failure(s);
      resampled = resample(s);
    }
    const std::uint32_t* ancestors = resampled ? weights_.ancestors() : nullptr;
    job_.kept = place_of(s + 1);
    pieces_.for_each_tile([&](int thread, std::int64_t tile) {
      unit_.chain_move(job_, s, ancestors, tile, scratch_.of(thread));
    });
    std::swap(job_.from, job_.to);
  }
  if (!weights_.find_extremes()) return failure(num_steps);
  finish();
  return {};
}

/// Loads the given first particles, rotated; lanes beyond the last particle are 0.
template <class Real>
void Chain<Real>::place_start() {
  std::fill(states_[0].begin(), states_[0].end(), Real(0));
  pieces_.for_each([&](int, std::int64_t, std::int64_t begin, std::int64_t end) {
    const Eigen::Index d = task_.plan.dim();
    std::vector<double> x(static_cast<std::size_t>(d));
    for (std::int64_t n = begin; n < end; ++n) {
      rotate(task_.plan.V, task_.start + (chain_ * pieces_.particles() + n) * d, x.data());
      Real* to = job_.from + n / unit_.lanes * unit_.lanes * d + n % unit_.lanes;
      for (const double value : x) {
        *to = static_cast<Real>(value);
        to += unit_.lanes;
      }
    }
  });
}

/// Sums the weights unless they are equal.
template <class Real>
double Chain<Real>::effective_sample_size() {
  if (weights_.all_equal()) return static_cast<double>(pieces_.particles());
  weights_.sum();
  return weights_.effective_sample_size();
}

/// Resamples before the step if the effective sample size requires it. @returns whether it did.
template <class Real>
bool Chain<Real>::resample(int step) {
  const auto N = static_cast<double>(pieces_.particles());
  const double ess = effective_sample_size();
  smallest_ess_.add(ess, step);
  const bool resamples = !weights_.all_equal() && ess < task_.plan.ess_threshold * N;
  if (task_.ess != nullptr) {
    weights_.write_normalised(job_.tables.log_particles,
                              task_.weight_history + history_row(step) * pieces_.particles());
  }
  if (resamples) {
    log_Z_ += weights_.log_mean(job_.tables.log_particles);
    weights_.resample(index_, step);
  }
  if (task_.ess != nullptr) keep_history(history_row(step), ess, resamples);
  return resamples;
}

/// Writes the row of the history for the weights before a step.
template <class Real>
std::int64_t Chain<Real>::history_row(int step) const {
  const std::int64_t w = std::lower_bound(weightings_.begin(), weightings_.end(), step) - weightings_.begin();
  return chain_ * std::ssize(weightings_) + w;
}

template <class Real>
void Chain<Real>::keep_history(std::int64_t row, double ess, bool resampled) {
  task_.ess[row] = ess;
  task_.resampled[row] = resampled ? 1 : 0;
  std::uint32_t* ancestors = task_.ancestors + row * pieces_.particles();
  for (std::int64_t n = 0; n < pieces_.particles(); ++n)
    ancestors[n] = resampled ? weights_.ancestors()[n] : static_cast<std::uint32_t>(n);
}

/// Computes the chain's evidence and output from the last weights.
template <class Real>
void Chain<Real>::finish() {
  smallest_ess_.add(effective_sample_size(), job_.tables.num_steps - 1);
  // Equal weights must be summed, too, if a particle is drawn by them.
  if (weights_.all_equal() && task_.plan.output == SmcOutput::draw) weights_.sum();
  task_.smallest_ess[chain_] = smallest_ess_.ess;
  task_.smallest_ess_step[chain_] = smallest_ess_.step;
  task_.log_evidence[chain_] = log_Z_ + weights_.log_mean(job_.tables.log_particles);
  if (task_.log_weights != nullptr) {
    weights_.write_normalised(job_.tables.log_particles, task_.log_weights + chain_ * pieces_.particles());
  }
  if (task_.plan.output == SmcOutput::draw) write_draw();
}

/// The destination of the particles of a level as rows; null if the level is not kept.
template <class Real>
Real* Chain<Real>::place_of(int level) const {
  const int slot = slot_of(task_.kept, level);
  if (task_.plan.output == SmcOutput::draw || slot < 0) return nullptr;
  const std::int64_t number = chain_ * std::ssize(task_.kept) + slot;
  return std::get<Real*>(task_.out) + number * pieces_.particles() * task_.plan.dim();
}

/// Writes the particle that the chain draws.
template <class Real>
void Chain<Real>::write_draw() {
  const Eigen::Index d = task_.plan.dim();
  const std::int64_t n = weights_.draw(index_);
  const Real* from = job_.from + n / unit_.lanes * unit_.lanes * d + n % unit_.lanes;
  Real* row = std::get<Real*>(task_.out) + chain_ * d;
  for (Eigen::Index i = 0; i < d; ++i) row[i] = from[i * unit_.lanes];
}

template <class Real>
std::size_t Chain<Real>::bytes(const SmcPlan& plan, const Unit<Real>& unit) {
  const auto padded = static_cast<std::size_t>(ChainPieces(plan.particles, unit.lanes, nullptr).padded());
  return padded * 2 * static_cast<std::size_t>(plan.dim()) * sizeof(Real) +
         ChainWeights<Real>::bytes(plan, padded);
}

}  // namespace

template <class Real>
ChainFailure run_chains(const SmcTask& task, const Unit<Real>& unit, ThreadPool& pool) {
  const FloatingPointEnvironment environment;  // for the computations of a shared chain between its pieces
  const particle::SmcTables<Real>& tables =
      *std::get<std::shared_ptr<const particle::SmcTables<Real>>>(task.tables);
  ChainFailure first;
  if (task.count < pool.threads()) {
    Chain<Real> chain(task, tables, unit, &pool);
    for (std::int64_t c = 0; c < task.count && !first.found() && !task.stop.stop_requested(); ++c)
      first.add(chain.run(c));
  } else {
    std::vector<std::unique_ptr<Chain<Real>>> chains(static_cast<std::size_t>(pool.threads()));
    std::mutex mutex;
    const auto run_chain = [&](int thread, std::int64_t c) {
      std::unique_ptr<Chain<Real>>& chain = chains[static_cast<std::size_t>(thread)];
      if (chain == nullptr) chain = std::make_unique<Chain<Real>>(task, tables, unit, nullptr);
      const ChainFailure failure = chain->run(c);
      if (!failure.found()) return;
      const std::lock_guard lock(mutex);
      first.add(failure);
    };
    pool.run(task.count, run_chain, task.stop);
  }
  const double left_out = tables.log_constant();
  for (std::int64_t c = 0; c < task.count; ++c) task.log_evidence[c] += left_out;
  return first;
}

template <class Real>
std::int64_t chains_at_once(const SmcPlan& plan, const Unit<Real>& unit, int threads,
                            std::size_t memory_limit) {
  const std::size_t fixed = particle::SmcTables<Real>::bytes(plan);
  const std::size_t chain = Chain<Real>::bytes(plan, unit);
  require(memory_limit == 0 || memory_limit >= fixed + chain, "cpu: memory_limit is ", memory_limit,
          " bytes, one chain of ", plan.particles, " particles needs ", fixed + chain);
  // One chain per thread is active; if memory has no room for that, one chain is shared by all threads.
  const std::uint64_t wanted =
      saturating_sum(fixed, saturating_product(chain, static_cast<std::uint64_t>(threads)));
  if (memory_limit == 0) require_memory(fixed + chain, "one chain of ", plan.particles, " particles");
  if (memory_limit == 0 ? !fits_memory(wanted) : wanted > memory_limit) return 1;
  return static_cast<std::int64_t>(
      std::max(operations_per_batch / operations(plan), static_cast<double>(threads)));
}

template ChainFailure run_chains<float>(const SmcTask&, const Unit<float>&, ThreadPool&);
template ChainFailure run_chains<double>(const SmcTask&, const Unit<double>&, ThreadPool&);
template std::int64_t chains_at_once<float>(const SmcPlan&, const Unit<float>&, int, std::size_t);
template std::int64_t chains_at_once<double>(const SmcPlan&, const Unit<double>&, int, std::size_t);

}  // namespace gmdiff::cpu
