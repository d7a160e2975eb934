#include "device/cpu/chains.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

#include <gmdiff/samples.hpp>

#include "device/cpu/floating_point.hpp"
#include "device/cpu/scratch.hpp"
#include "device/particle/resampling.hpp"
#include "device/particle/smc_table_builder.hpp"
#include "device/random.hpp"
#include "device/work.hpp"
#include "model/check.hpp"

namespace gmdiff::cpu {
namespace {

constexpr std::int64_t piece_size = 4096;     // particles that a thread takes at once, where a chain is shared
constexpr double operations_per_batch = 2e9;  // what progress is told of and a request to stop waits for

/// One chain after the other in the same memory.
template <class Real>
class Chain {
 public:
  /// @param pool shares the particles of a chain; null: the calling thread alone.
  Chain(const SmcTask& task, const particle::SmcTables<Real>& tables, const Unit<Real>& unit, ThreadPool* pool)
      : task_(task),
        unit_(unit),
        pool_(pool),
        N_(task.plan.particles),
        d_(task.plan.dim()),
        blocks_((N_ + unit.lanes - 1) / unit.lanes),
        per_piece_(std::max<std::int64_t>(piece_size / unit.lanes, 1)),
        scratch_(pool == nullptr ? 1 : pool->threads(), unit.chain_scratch_bytes(tables.law().table())),
        weightings_(task.plan.weightings()) {
    if (pool == nullptr) per_piece_ = blocks_;
    const auto padded = static_cast<std::size_t>(blocks_ * unit.lanes);
    states_[0].resize(padded * static_cast<std::size_t>(d_));
    states_[1].resize(states_[0].size());
    log_weights_.resize(padded);
    e_.resize(padded);
    sums_.resize(static_cast<std::size_t>(N_));
    if (task.plan.resampling == Resampling::residual) rests_.resize(sums_.size());
    ancestors_.resize(padded);
    pieces_.resize(static_cast<std::size_t>((blocks_ + per_piece_ - 1) / per_piece_));
    job_.tables = tables.chain(task.seed);
    job_.log_weights = log_weights_.data();
  }

  ChainFailure run(std::int64_t chain);

 private:
  /// Of a piece, or of all of them.
  struct Piece {
    std::uint64_t largest = 0, smallest = 0;  // order keys
    std::uint64_t first_sum = 0;
    particle::WeightSums sums{};
    std::uint64_t copies = 0, rests = 0;  // residual
  };

  template <class Body>
  void for_each_piece(Body body) {
    if (pool_ == nullptr) return body(0, 0, N_, pieces_.front());
    pool_->run(std::ssize(pieces_), [&](int thread, std::int64_t p) {
      const std::int64_t begin = p * per_piece_ * unit_.lanes;
      body(thread, begin, std::min(begin + per_piece_ * unit_.lanes, N_), pieces_[static_cast<std::size_t>(p)]);
    });
  }
  /// body(block, scratch) for all blocks.
  template <class Body>
  void for_each_block(Body body) {
    for_each_piece([&](int thread, std::int64_t begin, std::int64_t end, Piece&) {
      for (std::int64_t block = begin / unit_.lanes; block * unit_.lanes < end; ++block) body(block, scratch_.of(thread));
    });
  }

  std::uint64_t uniform(std::int64_t index, Purpose purpose, int number) const {
    return uniform_u64({.seed = task_.seed, .index = static_cast<std::uint64_t>(index), .purpose = purpose},
                       static_cast<std::uint64_t>(number));
  }

  bool find_extremes();
  void sum_weights();
  void make_running_sums(std::uint64_t Piece::*total, std::uint64_t* sums);
  void find_ancestors(int step);
  void find_residual_ancestors(int step);
  std::uint64_t slot_uniform(std::int64_t n, int step) const { return uniform(first_slot_ + n, Purpose::resampling, step); }
  /// Whether particles are resampled before the step.
  bool decide(int step);
  void keep_history(int step, double ess, bool resampled);
  void write_log_weights(double* to) const;
  void finish();
  void write_states();
  ChainFailure failure(int step) const;

  const SmcTask& task_;
  const Unit<Real>& unit_;
  ThreadPool* pool_;
  std::int64_t N_;
  Eigen::Index d_;
  std::int64_t blocks_;
  std::int64_t per_piece_;  // blocks
  ScratchMemory scratch_;
  std::vector<int> weightings_;
  Samples::Values<Real> states_[2];
  std::vector<double> log_weights_;
  std::vector<Real> e_;
  std::vector<std::uint64_t> sums_, rests_;  // inclusive
  std::vector<std::uint32_t> ancestors_;
  std::vector<Piece> pieces_;

  ChainJob<Real> job_{};
  std::int64_t chain_ = 0;  // its place in the task
  std::int64_t index_ = 0;
  std::int64_t first_slot_ = 0;
  double log_Z_ = 0.0;
  double largest_ = 0.0, smallest_ = 0.0;
  int scale_ = 0;
  particle::WeightSums total_{};
};

/// The largest and smallest log-weight. @returns false when no particle has a weight, or one has none that is a number.
template <class Real>
bool Chain<Real>::find_extremes() {
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece& piece) {
    piece.largest = 0;
    piece.smallest = ~std::uint64_t{0};
    for (std::int64_t n = begin; n < end; ++n) {
      const std::uint64_t key = particle::order_key(log_weights_[static_cast<std::size_t>(n)]);
      piece.largest = std::max(piece.largest, key);
      piece.smallest = std::min(piece.smallest, key);
    }
  });
  std::uint64_t largest = 0, smallest = ~std::uint64_t{0};
  for (const Piece& piece : pieces_) {
    largest = std::max(largest, piece.largest);
    smallest = std::min(smallest, piece.smallest);
  }
  largest_ = particle::from_order_key(largest);
  smallest_ = particle::from_order_key(smallest);
  return std::isfinite(largest_);
}

/// Integer weights and their inclusive sums.
template <class Real>
void Chain<Real>::sum_weights() {
  const auto N = static_cast<std::uint64_t>(N_);
  const int first_scale = particle::first_scale(N);
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece& piece) {
    const std::int64_t padded = (end - begin + unit_.lanes - 1) / unit_.lanes * unit_.lanes;
    unit_.exponentials(log_weights_.data() + begin, largest_, e_.data() + begin, padded);
    std::uint64_t sum = 0;
    for (std::int64_t n = begin; n < end; ++n) sum += particle::integer_weight(e_[static_cast<std::size_t>(n)], first_scale);
    piece.first_sum = sum;
  });
  std::uint64_t first_sum = 0;
  for (const Piece& piece : pieces_) first_sum += piece.first_sum;
  scale_ = particle::final_scale(first_sum, N);
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece& piece) {
    particle::WeightSums sums{};
    for (std::int64_t n = begin; n < end; ++n) {
      const auto place = static_cast<std::size_t>(n);
      particle::add_weight(sums, particle::integer_weight(e_[place], scale_), scale_);
      sums_[place] = sums.sum;
    }
    piece.sums = sums;
  });
  total_ = {};
  std::uint64_t before = 0;
  for (Piece& piece : pieces_) {
    total_.sum += piece.sums.sum;
    total_.squares_high += piece.sums.squares_high;
    total_.squares_low += piece.sums.squares_low;
    piece.first_sum = before;
    before += piece.sums.sum;
  }
  if (pieces_.size() == 1) return;
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece& piece) {
    for (std::int64_t n = begin; n < end; ++n) sums_[static_cast<std::size_t>(n)] += piece.first_sum;
  });
}

template <class Real>
void Chain<Real>::find_ancestors(int step) {
  const Resampling scheme = task_.plan.resampling;
  if (scheme == Resampling::residual) return find_residual_ancestors(step);
  const std::uint64_t S = total_.sum;
  const auto N = static_cast<std::uint64_t>(N_);
  // point(n) is asked for ascending n.
  const auto find = [&](std::int64_t begin, std::int64_t end, auto point) {
    std::int64_t j = -1;
    for (std::int64_t n = begin; n < end; ++n) {
      const std::uint64_t p = point(n);
      if (scheme == Resampling::multinomial || j < 0) {
        j = particle::ancestor_of(sums_.data(), N_, p);
      } else {
        while (sums_[static_cast<std::size_t>(j)] <= p) ++j;  // spaced points ascend
      }
      ancestors_[static_cast<std::size_t>(n)] = static_cast<std::uint32_t>(j);
    }
  };
  const std::uint64_t common = scheme == Resampling::systematic ? particle::point_below(S, uniform(index_, Purpose::resampling, step)) : 0;
  const particle::SpacedPoints spaced(S, N);
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece&) {
    if (scheme == Resampling::systematic) {
      particle::AscendingPoints points(S, N, static_cast<std::uint64_t>(begin), common);
      return find(begin, end, [&](std::int64_t) { return points.next(); });
    }
    find(begin, end, [&](std::int64_t n) {
      const std::uint64_t t = particle::point_below(S, slot_uniform(n, step));
      return scheme == Resampling::multinomial ? t : spaced(static_cast<std::uint64_t>(n), t);
    });
  });
}

/// Copies in the order of the particles, then multinomial draws from what is left.
template <class Real>
void Chain<Real>::find_residual_ancestors(int step) {
  const std::uint64_t S = total_.sum;
  // In the place of the sums come those of the copies.
  std::uint64_t all_copies = 0, all_rests = 0;
  std::uint64_t before = 0;
  for (std::size_t n = 0; n < sums_.size(); ++n) {
    const std::uint64_t weight = sums_[n] - before;
    before = sums_[n];
    const particle::ResidualShare share = particle::residual_share(weight, S, static_cast<std::uint64_t>(N_));
    all_copies += share.copies;
    all_rests += share.rest;
    sums_[n] = all_copies;
    rests_[n] = all_rests;
  }
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece&) {
    for (std::int64_t n = begin; n < end; ++n) {
      const auto place = static_cast<std::uint64_t>(n);
      const bool is_copy = place < all_copies;
      const std::uint64_t point =
          is_copy ? place : particle::point_below(all_rests, slot_uniform(static_cast<std::int64_t>(place - all_copies), step));
      ancestors_[static_cast<std::size_t>(n)] =
          static_cast<std::uint32_t>(particle::ancestor_of(is_copy ? sums_.data() : rests_.data(), N_, point));
    }
  });
}

template <class Real>
bool Chain<Real>::decide(int step) {
  const bool all_equal = largest_ == smallest_;
  double ess = static_cast<double>(N_);
  if (!all_equal) {
    sum_weights();
    ess = particle::effective_sample_size(total_, scale_);
  }
  const bool resampled = !all_equal && ess < task_.plan.ess_threshold * static_cast<double>(N_);
  if (resampled) find_ancestors(step);
  keep_history(step, ess, resampled);
  if (resampled) {
    log_Z_ += largest_ + (particle::log_sum(total_.sum, scale_) - job_.tables.log_particles);
    std::fill(log_weights_.begin(), log_weights_.end(), 0.0);
  }
  return resampled;
}

template <class Real>
void Chain<Real>::keep_history(int step, double ess, bool resampled) {
  if (task_.ess == nullptr) return;
  const auto W = std::ssize(weightings_);
  const std::int64_t w = std::lower_bound(weightings_.begin(), weightings_.end(), step) - weightings_.begin();
  const std::int64_t place = chain_ * W + w;
  task_.ess[place] = ess;
  task_.resampled[place] = resampled ? 1 : 0;
  write_log_weights(task_.weight_history + place * N_);
  for (std::int64_t n = 0; n < N_; ++n) {
    task_.ancestors[place * N_ + n] = resampled ? ancestors_[static_cast<std::size_t>(n)] : static_cast<std::uint32_t>(n);
  }
}

/// Normalised; the maximum is taken off first.
template <class Real>
void Chain<Real>::write_log_weights(double* to) const {
  const double log_sum = largest_ == smallest_ ? job_.tables.log_particles : particle::log_sum(total_.sum, scale_);
  for (std::int64_t n = 0; n < N_; ++n) to[n] = (log_weights_[static_cast<std::size_t>(n)] - largest_) - log_sum;
}

template <class Real>
ChainFailure Chain<Real>::failure(int step) const {
  return {.chain = chain_, .step = step, .all_weights_zero = largest_ == -std::numeric_limits<double>::infinity()};
}

template <class Real>
ChainFailure Chain<Real>::run(std::int64_t chain) {
  chain_ = chain;
  index_ = task_.first + chain;
  first_slot_ = index_ * N_;
  log_Z_ = 0.0;
  job_.first_slot = static_cast<std::uint64_t>(first_slot_);
  job_.from = states_[0].data();
  job_.to = states_[1].data();
  for_each_block([&](std::int64_t block, void* scratch) { unit_.chain_start(job_, block, scratch); });
  const int num_steps = job_.tables.num_steps;
  for (int s = 0; s < num_steps && !task_.stop.stop_requested(); ++s) {
    bool resampled = false;
    if (job_.tables.weighs_before) {
      for_each_block([&](std::int64_t block, void* scratch) { unit_.chain_weigh(job_, s, block, scratch); });
    }
    if (!job_.tables.weighs_before || job_.tables.steps[s].is_weighted) {
      if (!find_extremes()) return failure(s);
      resampled = decide(s);
    }
    const std::uint32_t* ancestors = resampled ? ancestors_.data() : nullptr;
    for_each_block([&](std::int64_t block, void* scratch) { unit_.chain_move(job_, s, ancestors, block, scratch); });
    std::swap(job_.from, job_.to);
  }
  if (!find_extremes()) return failure(num_steps);
  finish();
  return {};
}

/// The chain's evidence and output from the last weights.
template <class Real>
void Chain<Real>::finish() {
  const bool all_equal = largest_ == smallest_;
  // Equal weights are summed all the same where a particle is drawn by them.
  if (!all_equal || task_.plan.output == SmcOutput::draw) sum_weights();
  log_Z_ += all_equal ? largest_ : largest_ + (particle::log_sum(total_.sum, scale_) - job_.tables.log_particles);
  task_.log_evidence[chain_] = log_Z_;
  if (task_.log_weights != nullptr) write_log_weights(task_.log_weights + chain_ * N_);
  write_states();
}

template <class Real>
void Chain<Real>::write_states() {
  Real* out = std::get<Real*>(task_.out);
  const auto write = [&](std::int64_t n, Real* row) {
    const Real* from = job_.from + n / unit_.lanes * unit_.lanes * d_ + n % unit_.lanes;
    for (Eigen::Index i = 0; i < d_; ++i) row[i] = from[i * unit_.lanes];
  };
  if (task_.plan.output == SmcOutput::draw) {
    const std::uint64_t point = particle::point_below(total_.sum, uniform(index_, Purpose::final_choice, 0));
    return write(particle::ancestor_of(sums_.data(), N_, point), out + chain_ * d_);
  }
  for_each_piece([&](int, std::int64_t begin, std::int64_t end, Piece&) {
    for (std::int64_t n = begin; n < end; ++n) write(n, out + (chain_ * N_ + n) * d_);
  });
}

/// Bytes that one chain under way takes.
template <class Real>
std::size_t chain_bytes(const SmcPlan& plan, const Unit<Real>& unit) {
  const auto lanes = static_cast<std::size_t>(unit.lanes);
  const std::size_t padded = (static_cast<std::size_t>(plan.particles) + lanes - 1) / lanes * lanes;
  const std::size_t sums = plan.resampling == Resampling::residual ? 2 : 1;
  return padded * ((2 * static_cast<std::size_t>(plan.dim()) + 1) * sizeof(Real) + sizeof(double) + sums * sizeof(std::uint64_t) +
                   sizeof(std::uint32_t));
}

}  // namespace

template <class Real>
ChainFailure run_chains(const SmcTask& task, const Unit<Real>& unit, ThreadPool& pool) {
  const FloatingPointEnvironment environment;  // what a shared chain computes between its pieces
  const particle::SmcTables<Real> tables(task.plan);
  ChainFailure first;
  if (task.count < pool.threads()) {
    Chain<Real> chain(task, tables, unit, &pool);
    for (std::int64_t c = 0; c < task.count && !first.found() && !task.stop.stop_requested(); ++c) first.add(chain.run(c));
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
std::int64_t chains_at_once(const SmcPlan& plan, const Unit<Real>& unit, int threads, std::size_t memory_limit) {
  const std::size_t fixed = particle::SmcTables<Real>::bytes(plan);
  const std::size_t chain = chain_bytes(plan, unit);
  require(memory_limit == 0 || memory_limit >= fixed + chain, "cpu: memory_limit is ", memory_limit, " bytes, one chain of ",
          plan.particles, " particles needs ", fixed + chain);
  // As many chains as threads are under way; a limit that has no room for them leaves one, shared by the threads.
  if (memory_limit != 0 && (memory_limit - fixed) / chain < static_cast<std::size_t>(threads)) return 1;
  return static_cast<std::int64_t>(std::max(operations_per_batch / operations(plan), static_cast<double>(threads)));
}

template ChainFailure run_chains<float>(const SmcTask&, const Unit<float>&, ThreadPool&);
template ChainFailure run_chains<double>(const SmcTask&, const Unit<double>&, ThreadPool&);
template std::int64_t chains_at_once<float>(const SmcPlan&, const Unit<float>&, int, std::size_t);
template std::int64_t chains_at_once<double>(const SmcPlan&, const Unit<double>&, int, std::size_t);

}  // namespace gmdiff::cpu
