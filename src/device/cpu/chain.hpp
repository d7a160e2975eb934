#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <gmdiff/device/samples.hpp>

#include "device/cpu/chain_weights.hpp"
#include "device/cpu/scratch.hpp"
#include "device/executor.hpp"
#include "device/rotation.hpp"
#include "device/smallest_ess.hpp"
#include "device/work.hpp"
#include "lowering/smc_table_builder.hpp"

// A chain of SMC on the cpu (mathematics.md §7.3).

namespace gmdiff::cpu {

/// Runs one chain after the other in the same memory. With a custom denoiser, whose values another class
/// provides before each step, the steps of a chain are called one by one.
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
    for (auto& potentials : potentials_) {
      if (task.plan.map) potentials.resize(static_cast<std::size_t>(pieces_.padded()));
    }
    if (task.plan.denoiser) denoised_.resize(states_[0].size());
    job_.denoised = task.plan.denoiser ? denoised_.data() : nullptr;
  }

  ChainFailure run(std::int64_t chain);
  /// Sets the first particles of a chain.
  void begin(std::int64_t chain);
  /// Weighs, resamples and moves. @returns the failure of the weights before the move
  ChainFailure advance(int step);
  /// Computes the results. @returns the failure of the last weights
  ChainFailure end();
  /// Copies the states to the rows from number `first` on.
  void write_states(Points& rows, std::int64_t first) const;
  /// Sets D at the states from the rows from number `first` on.
  void take_denoised(const Points& rows, std::int64_t first);
  /// Bytes that one active chain needs.
  static std::size_t bytes(const SmcPlan& plan, const Unit<Real>& unit);

 private:
  void place_start();
  void weigh(int step);
  double effective_sample_size();
  bool resample(int step);
  std::int64_t history_row(int step) const;
  void keep_history(std::int64_t row, double ess, bool resampled);
  void finish();
  Real* place_of(int level) const;
  void write_draw();
  /// Place of coordinate 0 of particle n in an array (tiles, d, lanes); the next ones follow at a distance of
  /// `lanes`.
  std::int64_t place_of_particle(std::int64_t n) const {
    return n / unit_.lanes * unit_.lanes * task_.plan.dim() + n % unit_.lanes;
  }
  ChainFailure failure(int step) const {
    return {.chain = chain_, .step = step, .all_weights_zero = weights_.all_zero()};
  }

  const SmcTask& task_;
  const Unit<Real>& unit_;
  ChainPieces pieces_;
  ScratchMemory scratch_;
  ChainWeights<Real> weights_;
  std::vector<int> weightings_;
  Samples::Values<Real> states_[2], denoised_;
  Samples::Values<Real> potentials_[2];  // of a map

  ChainJob<Real> job_{};
  std::int64_t chain_ = 0;  // number of the chain in the task
  std::int64_t index_ = 0;
  double log_Z_ = 0.0;
  SmallestEss smallest_ess_{};
};

template <class Real>
ChainFailure Chain<Real>::run(std::int64_t chain) {
  begin(chain);
  for (int s = 0; s < job_.tables.num_steps && !task_.stop.stop_requested(); ++s) {
    const ChainFailure failure = advance(s);
    if (failure.found()) return failure;
  }
  return end();
}

template <class Real>
void Chain<Real>::begin(std::int64_t chain) {
  chain_ = chain;
  index_ = task_.first + chain;
  log_Z_ = 0.0;
  smallest_ess_ = {static_cast<double>(pieces_.particles())};
  job_.first_slot = static_cast<std::uint64_t>(index_ * pieces_.particles());
  job_.from = states_[0].data();
  job_.to = states_[1].data();
  job_.new_potentials = potentials_[0].data();
  job_.kept = place_of(0);
  if (job_.has_start) place_start();
  pieces_.for_each_tile(
      [&](int thread, std::int64_t tile) { unit_.chain_start(job_, tile, scratch_.of(thread)); });
}

template <class Real>
ChainFailure Chain<Real>::advance(int step) {
  if (job_.denoised != nullptr && (job_.tables.weighs_before || job_.map != nullptr)) weigh(step);
  bool resampled = false;
  if (!job_.tables.weighs_before || job_.tables.steps[step].is_weighted) {
    if (!weights_.find_extremes()) return failure(step);
    resampled = resample(step);
  }
  const std::uint32_t* ancestors = resampled ? weights_.ancestors() : nullptr;
  job_.kept = place_of(step + 1);
  job_.potentials = potentials_[step % 2].data();
  job_.new_potentials = potentials_[(step + 1) % 2].data();
  pieces_.for_each_tile([&](int thread, std::int64_t tile) {
    unit_.chain_move(job_, step, ancestors, tile, scratch_.of(thread));
  });
  std::swap(job_.from, job_.to);
  return {};
}

/// Weighs the states before a step, or after the last one.
template <class Real>
void Chain<Real>::weigh(int step) {
  job_.new_potentials = potentials_[step % 2].data();
  pieces_.for_each_tile(
      [&](int thread, std::int64_t tile) { unit_.chain_weigh(job_, step, tile, scratch_.of(thread)); });
}

template <class Real>
ChainFailure Chain<Real>::end() {
  if (job_.denoised != nullptr && job_.map != nullptr) weigh(job_.tables.num_steps);
  if (!weights_.find_extremes()) return failure(job_.tables.num_steps);
  finish();
  return {};
}

template <class Real>
void Chain<Real>::write_states(Points& rows, std::int64_t first) const {
  for (std::int64_t n = 0; n < pieces_.particles(); ++n) {
    const Real* from = job_.from + place_of_particle(n);
    for (Eigen::Index i = 0; i < rows.cols(); ++i)
      rows(first + n, i) = static_cast<double>(from[i * unit_.lanes]);
  }
}

template <class Real>
void Chain<Real>::take_denoised(const Points& rows, std::int64_t first) {
  for (std::int64_t n = 0; n < pieces_.particles(); ++n) {
    Real* to = denoised_.data() + place_of_particle(n);
    for (Eigen::Index i = 0; i < rows.cols(); ++i)
      to[i * unit_.lanes] = static_cast<Real>(rows(first + n, i));
  }
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
      Real* to = job_.from + place_of_particle(n);
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
  const Real* from = job_.from + place_of_particle(n);
  Real* row = std::get<Real*>(task_.out) + chain_ * d;
  for (Eigen::Index i = 0; i < d; ++i) row[i] = from[i * unit_.lanes];
}

template <class Real>
std::size_t Chain<Real>::bytes(const SmcPlan& plan, const Unit<Real>& unit) {
  const auto padded = static_cast<std::size_t>(ChainPieces(plan.particles, unit.lanes, nullptr).padded());
  const auto d = static_cast<std::size_t>(plan.dim());
  // Chains with a custom denoiser have its values, and rows of its arguments and results.
  const std::size_t of_denoiser = plan.denoiser ? padded * d * (sizeof(Real) + 2 * sizeof(double)) : 0;
  const std::size_t of_map = plan.map ? padded * 2 * sizeof(Real) : 0;
  return padded * 2 * d * sizeof(Real) + of_denoiser + of_map + ChainWeights<Real>::bytes(plan, padded);
}

}  // namespace gmdiff::cpu
