#pragma once

#include "kernels/particle.cuh"
#include "kernels/smc.hpp"

// Weights, effective sample size, ancestors and evidence of a chain in 64-bit integers (numerics.md §6), for
// the thread blocks that share it. Only integers are summed across threads and thread blocks, so that every
// split of a chain gives the same ancestors. A thread block sums over its part of the chain; in the next
// phase every thread block combines the sums of all parts.

namespace gmdiff::kernels {

/// A chain's arrays, in shared or global memory.
template <class Real>
struct ChainMemory {
  Real* states;
  const Real* denoised;  ///< D of a custom denoiser at the states before the step, or null
  Real* potentials;      ///< (2, padded): negative logarithms of the potentials of a map at the states
  double* log_weights;
  std::uint64_t *sums, *rests;
  std::uint32_t* ancestors;
  ChainPart* parts;
  ChainState* state;
};

/// The particles of a thread block.
struct ChainRange {
  std::int64_t chain;  ///< index in the job
  std::int64_t part, parts;
  std::int64_t begin, end;
};

/// Uniform number `number` of a stream, with all 64 bits.
GMDIFF_PARTICLE std::uint64_t uniform_number(const particle::StreamOrigin& origin, std::uint64_t index,
                                             int number) {
  Uniforms<particle::One<float>> stream(origin, index);
  const Uniform<particle::One<float>> U = stream(static_cast<std::uint64_t>(number));
  return std::uint64_t{U.high.v} << 32 | U.low.v;
}

template <class Real, class Block>
class ChainWeights {
 public:
  GMDIFF_PARTICLE ChainWeights(Block& block, const ChainsJob<Real>& job, const ChainMemory<Real>& memory,
                               const ChainRange& range)
      : block_(block), job_(job), memory_(memory), range_(range) {}

  GMDIFF_PARTICLE void find_extremes() {
    std::uint64_t largest = 0, not_smallest = 0;
    for_each_own([&](std::int64_t n) {
      const std::uint64_t key = particle::order_key(memory_.log_weights[n]);
      largest = largest < key ? key : largest;
      not_smallest = not_smallest < ~key ? ~key : not_smallest;
    });
    largest = block_.reduce_max(largest);
    not_smallest = block_.reduce_max(not_smallest);
    if (!is_leader()) return;
    part().largest = largest;
    part().smallest = ~not_smallest;
  }

  /// Checks that some weight is positive and all are finite, then computes S_0.
  GMDIFF_PARTICLE void sum_first(int step) {
    const double largest =
        particle::from_order_key(max_of_parts([](const ChainPart& part) { return part.largest; }));
    const double smallest =
        particle::from_order_key(~max_of_parts([](const ChainPart& part) { return ~part.smallest; }));
    const bool fails = particle::Exact::subtract(largest, largest) != 0.0;  // infinite or NaN
    const bool all_equal = largest == smallest;
    // Equal weights are summed only if a particle is drawn by them.
    const bool needs_sums = !fails && (!all_equal || (is_end(step) && job_.draws));
    std::uint64_t sum = 0;
    if (needs_sums) {
      const int scale = particle::first_scale(count());
      for_each_own([&](std::int64_t n) { sum += particle::integer_weight(exponential(n, largest), scale); });
    }
    sum = block_.reduce_sum(sum);
    if (!is_leader()) return;
    part().first_sum = sum;
    if (range_.part != 0) return;
    ChainState& chain = *memory_.state;
    chain.largest = largest;
    chain.all_equal = all_equal;
    chain.needs_sums = needs_sums;
    chain.resampled = false;
    if (fails && chain.failed_step < 0) {
      chain.failed_step = step;
      chain.all_weights_zero = largest == -std::numeric_limits<double>::infinity();
    }
  }

  /// Computes the integer weights, their sums, the sums of their squares, and running sums within the part.
  GMDIFF_PARTICLE void sum_weights() {
    if (!memory_.state->needs_sums) return;
    const double largest = memory_.state->largest;
    const std::uint64_t first_sum = sum_of_parts([](const ChainPart& part) { return part.first_sum; });
    const int scale = particle::final_scale(first_sum, count());
    particle::WeightSums own{};
    for_each_row([&](std::int64_t n, bool has, auto& row) {
      const std::uint64_t weight = has ? particle::integer_weight(exponential(n, largest), scale) : 0;
      particle::add_weight(own, weight, scale);
      row.running_sum(weight, memory_.sums);
    });
    own = {block_.reduce_sum(own.sum), block_.reduce_sum(own.squares_high),
           block_.reduce_sum(own.squares_low)};
    if (!is_leader()) return;
    part().sums = own;
    if (range_.part == 0) memory_.state->scale = scale;
  }

  /// Decides whether the chain is resampled before the step, or computes the evidence at the end. Turns
  /// running sums of the part into those of the chain.
  GMDIFF_PARTICLE void decide(int step) {
    // No thread block writes these values in this phase.
    const double largest = memory_.state->largest;
    const bool all_equal = memory_.state->all_equal;
    const int scale = memory_.state->scale;
    particle::WeightSums total{};
    if (memory_.state->needs_sums) {
      total = {sum_of_parts([](const ChainPart& part) { return part.sums.sum; }),
               sum_of_parts([](const ChainPart& part) { return part.sums.squares_high; }),
               sum_of_parts([](const ChainPart& part) { return part.sums.squares_low; })};
      add_those_before([](const ChainPart& part) { return part.sums.sum; }, memory_.sums);
    }
    const double N = static_cast<double>(job_.tables.particles);
    const double log_sum = all_equal ? job_.tables.log_particles : particle::log_sum(total.sum, scale);
    const double ess = all_equal ? N : particle::effective_sample_size(total, scale);
    const bool resampled =
        !is_end(step) && !all_equal && ess < particle::Exact::multiply(job_.ess_threshold, N);
    write_log_weights(step, largest, log_sum);
    if (!is_leader() || range_.part != 0) return;
    memory_.state->sums = total;
    memory_.state->resampled = resampled;
    if (ess < memory_.state->smallest_ess) {
      memory_.state->smallest_ess = ess;
      memory_.state->smallest_ess_step = is_end(step) ? step - 1 : step;
    }
    if (resampled || is_end(step)) {
      const double mean =
          all_equal ? largest : added(largest, subtracted(log_sum, job_.tables.log_particles));
      memory_.state->log_evidence = added(memory_.state->log_evidence, mean);
    }
    if (is_end(step) || job_.ess == nullptr) return;
    job_.ess[weighting(step)] = ess;
    job_.resampled[weighting(step)] = resampled ? 1 : 0;
  }

  /// Residual resampling: computes running sums within the part, of the copies of each particle and of the
  /// remainder of its weight.
  GMDIFF_PARTICLE void share() {
    const ChainState& chain = *memory_.state;
    if (!chain.resampled) return;
    std::uint64_t copies = 0, rests = 0;
    for_each_row([&](std::int64_t n, bool has, auto& row) {
      particle::ResidualShare of{0, 0};
      if (has)
        of = particle::residual_share(particle::integer_weight(exponential(n, chain.largest), chain.scale),
                                      chain.sums.sum, count());
      copies += of.copies;
      rests += of.rest;
      row.running_sum(of.copies, memory_.sums);
      row.running_sum(of.rest, memory_.rests);
    });
    copies = block_.reduce_sum(copies);
    rests = block_.reduce_sum(rests);
    if (!is_leader()) return;
    part().copies = copies;
    part().rests = rests;
  }
  /// Turns the running sums of the parts into running sums of the chain.
  GMDIFF_PARTICLE void sum_shares() {
    if (!memory_.state->resampled) return;
    const auto copies_of = [](const ChainPart& part) { return part.copies; };
    const auto rests_of = [](const ChainPart& part) { return part.rests; };
    const std::uint64_t copies = sum_of_parts(copies_of);
    const std::uint64_t rests = sum_of_parts(rests_of);
    add_those_before(copies_of, memory_.sums);
    add_those_before(rests_of, memory_.rests);
    if (!is_leader() || range_.part != 0) return;
    memory_.state->copies = copies;
    memory_.state->rests = rests;
  }

  /// Finds the ancestors of a resampled chain and resets its log-weights to 0. Without resampling each
  /// particle is its own ancestor, which is not stored.
  GMDIFF_PARTICLE void find_ancestors(int step) {
    const bool resampled = memory_.state->resampled;
    if (resampled) {
      const Points points(*this, step);
      for_each_own([&](std::int64_t n) {
        memory_.ancestors[n] = static_cast<std::uint32_t>(points.ancestor(n));
        memory_.log_weights[n] = 0.0;
      });
    }
    if (job_.ancestor_history == nullptr) return;
    std::uint32_t* const to = job_.ancestor_history + weighting(step) * job_.tables.particles;
    for_each_own(
        [&](std::int64_t n) { to[n] = resampled ? memory_.ancestors[n] : static_cast<std::uint32_t>(n); });
  }

  /// Draws the particle that is the result of the chain.
  GMDIFF_PARTICLE std::int64_t final_choice() const {
    const std::uint64_t U = uniform_number(origin(Purpose::final_choice), chain_index(), 0);
    return particle::ancestor_of(memory_.sums, job_.tables.particles,
                                 particle::point_below(memory_.state->sums.sum, U));
  }

 private:
  /// Finds the ancestors of the particles of a resampled chain.
  class Points {
   public:
    GMDIFF_PARTICLE Points(const ChainWeights& weights, int step)
        : weights_(weights),
          state_(*weights.memory_.state),
          step_(step),
          spaced_(state_.sums.sum, weights.count()) {
      if (scheme() == Scheme::systematic) common_ = below(state_.sums.sum, weights.chain_index());
    }

    GMDIFF_PARTICLE std::int64_t ancestor(std::int64_t n) const {
      const ChainMemory<Real>& memory = weights_.memory_;
      const std::uint64_t slot = weights_.first_slot() + static_cast<std::uint64_t>(n);
      const auto place = static_cast<std::uint64_t>(n);
      if (scheme() == Scheme::systematic) return search(memory.sums, spaced_(place, common_));
      if (scheme() == Scheme::stratified)
        return search(memory.sums, spaced_(place, below(state_.sums.sum, slot)));
      if (scheme() == Scheme::multinomial) return search(memory.sums, below(state_.sums.sum, slot));
      if (place < state_.copies) return search(memory.sums, place);
      return search(memory.rests, below(state_.rests, slot - state_.copies));
    }

   private:
    GMDIFF_PARTICLE Scheme scheme() const { return weights_.job_.scheme; }
    GMDIFF_PARTICLE std::uint64_t below(std::uint64_t sum, std::uint64_t index) const {
      return particle::point_below(sum, uniform_number(weights_.origin(Purpose::resampling), index, step_));
    }
    GMDIFF_PARTICLE std::int64_t search(const std::uint64_t* sums, std::uint64_t point) const {
      return particle::ancestor_of(sums, weights_.job_.tables.particles, point);
    }

    const ChainWeights& weights_;
    ChainState state_;
    int step_;
    particle::SpacedPoints spaced_;
    std::uint64_t common_ = 0;
  };

  /// Consecutive particles, one per thread of the thread block.
  class Row {
   public:
    GMDIFF_PARTICLE Row(Block& block, std::int64_t first, const ChainRange& range)
        : block_(block), first_(first), range_(range) {}
    /// Sets sums[n] to the sum over the part's particles up to n; all threads take part.
    GMDIFF_PARTICLE void running_sum(std::uint64_t value, std::uint64_t* sums) {
      const std::uint64_t before = first_ == range_.begin ? 0 : sums[first_ - 1];
      const std::uint64_t sum = before + block_.inclusive_scan(value);
      const std::int64_t n = first_ + block_.thread_rank();
      if (n < range_.end) sums[n] = sum;
      block_.sync();
    }

   private:
    Block& block_;
    std::int64_t first_;
    const ChainRange& range_;
  };

  /// Calls body(n) for the particles of this thread.
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Body body) const {
    for (std::int64_t n = range_.begin + block_.thread_rank(); n < range_.end; n += block_.size()) body(n);
  }
  /// Calls body(n, whether particle n exists, row) on all threads together, row after row.
  template <class Body>
  GMDIFF_PARTICLE void for_each_row(Body body) {
    for (std::int64_t first = range_.begin; first < range_.end; first += block_.size()) {
      Row row(block_, first, range_);
      const std::int64_t n = first + block_.thread_rank();
      body(n, n < range_.end, row);
    }
  }

  // Reduces a number over all parts of the chain; all its threads take part. With one thread block per chain
  // its own value is the total, and no barrier is needed.
  template <class Number>
  GMDIFF_PARTICLE std::uint64_t max_of_parts(Number number) const {
    if (range_.parts == 1) return number(memory_.parts[0]);
    std::uint64_t largest = 0;
    for (std::int64_t p = block_.thread_rank(); p < range_.parts; p += block_.size()) {
      const std::uint64_t of = number(memory_.parts[p]);
      largest = largest < of ? of : largest;
    }
    return block_.reduce_max(largest);
  }
  template <class Number>
  GMDIFF_PARTICLE std::uint64_t sum_of_parts(Number number) const {
    if (range_.parts == 1) return number(memory_.parts[0]);
    return sum_of_first_parts(range_.parts, number);
  }
  template <class Number>
  GMDIFF_PARTICLE std::uint64_t sum_of_first_parts(std::int64_t parts, Number number) const {
    std::uint64_t sum = 0;
    for (std::int64_t p = block_.thread_rank(); p < parts; p += block_.size())
      sum += number(memory_.parts[p]);
    return block_.reduce_sum(sum);
  }
  /// Turns running sums within the part into those of the chain.
  template <class Number>
  GMDIFF_PARTICLE void add_those_before(Number number, std::uint64_t* sums) const {
    if (range_.part == 0) return;
    const std::uint64_t before = sum_of_first_parts(range_.part, number);
    for_each_own([&](std::int64_t n) { sums[n] += before; });
  }

  /// Writes normalised log-weights if they are requested; subtracts the maximum first.
  GMDIFF_PARTICLE void write_log_weights(int step, double largest, double log_sum) const {
    const std::int64_t N = job_.tables.particles;
    double* to = nullptr;
    if (is_end(step)) {
      if (job_.final_log_weights != nullptr) to = job_.final_log_weights + range_.chain * N;
    } else if (job_.weight_history != nullptr) {
      to = job_.weight_history + weighting(step) * N;
    }
    if (to == nullptr) return;
    for_each_own(
        [&](std::int64_t n) { to[n] = subtracted(subtracted(memory_.log_weights[n], largest), log_sum); });
  }

  /// exp(lw - largest) in the working precision.
  GMDIFF_PARTICLE Real exponential(std::int64_t n, double largest) const {
    return particle::exp_nonpositive(
               particle::One<Real>(static_cast<Real>(subtracted(memory_.log_weights[n], largest))))
        .v;
  }
  GMDIFF_PARTICLE static double added(double a, double b) { return particle::Exact::add(a, b); }
  GMDIFF_PARTICLE static double subtracted(double a, double b) { return particle::Exact::subtract(a, b); }

  GMDIFF_PARTICLE particle::StreamOrigin origin(Purpose purpose) const {
    return {job_.tables.seed, purpose, 0};
  }
  GMDIFF_PARTICLE std::uint64_t count() const { return static_cast<std::uint64_t>(job_.tables.particles); }
  GMDIFF_PARTICLE std::uint64_t chain_index() const {
    return job_.first + static_cast<std::uint64_t>(range_.chain);
  }
  /// Index of the chain's particle 0.
  GMDIFF_PARTICLE std::uint64_t first_slot() const { return chain_index() * count(); }
  GMDIFF_PARTICLE bool is_end(int step) const { return step == job_.tables.num_steps; }
  /// Index of the step in the history.
  GMDIFF_PARTICLE std::int64_t weighting(int step) const {
    return range_.chain * job_.num_weightings + job_.weightings[step];
  }
  GMDIFF_PARTICLE bool is_leader() const { return block_.thread_rank() == 0; }
  GMDIFF_PARTICLE ChainPart& part() const { return memory_.parts[range_.part]; }

  Block& block_;
  const ChainsJob<Real>& job_;
  const ChainMemory<Real>& memory_;
  const ChainRange& range_;
};

}  // namespace gmdiff::kernels
