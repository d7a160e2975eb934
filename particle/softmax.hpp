#pragma once

#include <limits>

#include "particle/elementary.hpp"
#include "particle/tables.hpp"

// Responsibilities of the components (mathematics.md §2.2) in the order of numerics.md §4.

namespace gmdiff::particle {

inline constexpr Index chunk_size = 16;

/// Number of components of the chunk that begins with component `first`.
GMDIFF_PARTICLE constexpr Index chunk_length(Index num_components, Index first) {
  return num_components - first < chunk_size ? num_components - first : chunk_size;
}

/// Calls body(k) for k = 0 ... n - 1, n <= chunk_size. On a GPU the loop is unrolled, so that an array
/// indexed by k stays in registers.
template <class Body>
GMDIFF_PARTICLE void for_each_of_chunk(Index n, Body body) {
#ifdef __CUDA_ARCH__
  const int count = static_cast<int>(n);  // 32 bits: one comparison instead of one for each half
#pragma unroll
  for (int k = 0; k < static_cast<int>(chunk_size); ++k) {
    if (k >= count) break;
    body(k);
  }
#else
  for (Index k = 0; k < n; ++k) body(k);
#endif
}

/// Log-weight minus quadratic form. A form that overflowed counts as a finite number, so that not all logits
/// of a far point become -inf.
template <class V>
GMDIFF_PARTICLE V logit(V constant, V quadratic) {
  return constant - smaller(quadratic, V(std::numeric_limits<RealOf<V>>::max() / 4));
}

/// Sum and maximum of a softmax: r_k = e_k / total, e_k = exp(logit_k - maximum).
template <class V>
struct Softmax {
  V maximum, total;
};

/// log p_t of a point, in double, from the softmax of its logits.
template <class V>
GMDIFF_PARTICLE WideOf<V> log_density(const Softmax<V>& softmax, const LevelTable<RealOf<V>>& level) {
  return (widen(softmax.maximum) + log(widen(softmax.total))) + WideOf<V>(level.log_offset);
}

/// Runs over the components in chunks. `logits(k, n, ell)` computes the logits of components k ... k + n - 1.
/// The maximum is updated before any term of the chunk is summed, and `rescale(factor)` rescales the sums so
/// far to the new maximum. `weigh(k, n, ell, maximum, total)` then adds the chunk's terms, and the weights
/// themselves to the total.
template <class V, class Logits, class Rescale, class Weigh>
GMDIFF_PARTICLE Softmax<V> softmax_of_chunks(Index num_components, Logits logits, Rescale rescale,
                                             Weigh weigh) {
  using Real = RealOf<V>;
  V e[chunk_size];
  V maximum(std::numeric_limits<Real>::lowest());
  V total(Real(0));
  for (Index first = 0; first < num_components; first += chunk_size) {
    const Index n = chunk_length(num_components, first);
    logits(first, n, e);
    const V before = maximum;
    for_each_of_chunk(n, [&](Index k) { maximum = larger(maximum, e[k]); });
    if (first > 0) {
      const V factor = exp_nonpositive(before - maximum);
      total = total * factor;
      rescale(factor);
    }
    weigh(first, n, e, maximum, total);
  }
  return {maximum, total};
}

/// The same where `add(k, n, e)` adds the chunk's terms.
template <class V, class Logits, class Rescale, class Add>
GMDIFF_PARTICLE Softmax<V> chunked_softmax(Index num_components, Logits logits, Rescale rescale, Add add) {
  return softmax_of_chunks<V>(num_components, logits, rescale,
                              [&](Index first, Index n, V* e, V maximum, V& total) {
                                for_each_of_chunk(n, [&](Index k) {
                                  e[k] = exp_nonpositive(e[k] - maximum);
                                  total = total + e[k];
                                });
                                add(first, n, e);
                              });
}

/// All e_k (K) with their maximum and sum, as a choice needs them.
template <class V, class Logits>
GMDIFF_PARTICLE Softmax<V> all_weights(Index num_components, Logits logits, V* e) {
  V maximum(std::numeric_limits<RealOf<V>>::lowest());
  for (Index first = 0; first < num_components; first += chunk_size) {
    const Index n = chunk_length(num_components, first);
    logits(first, n, e + first);
    for (Index k = 0; k < n; ++k) maximum = larger(maximum, e[first + k]);
  }
  V total(RealOf<V>(0));
  for (Index k = 0; k < num_components; ++k) {
    e[k] = exp_nonpositive(e[k] - maximum);
    total = total + e[k];
  }
  return {maximum, total};
}

/// Chooses a component by the weights e_0, e_1, ..., which are added one by one. The choice is the smallest k
/// whose running sum exceeds u total, or the last k of positive weight if there is none. A component of
/// weight 0 is never chosen.
template <class V>
class Choice {
 public:
  GMDIFF_PARTICLE Choice(V u, V total) : threshold_(u * total) {}
  GMDIFF_PARTICLE void add(Index k, V e) {
    sum_ = sum_ + e;
    passed_ = passed_ + select(sum_ <= threshold_, Bits(Unsigned{1}), Bits(Unsigned{0}));
    last_ = select(V(RealOf<V>(0)) < e, Bits(static_cast<Unsigned>(k)), last_);
  }
  GMDIFF_PARTICLE BitsOf<V> component() const { return select(last_ < passed_, last_, passed_); }

 private:
  using Unsigned = typename Integers<RealOf<V>>::Unsigned;
  using Bits = BitsOf<V>;
  V threshold_;
  V sum_ = V(RealOf<V>(0));
  Bits passed_ = Bits(Unsigned{0});
  Bits last_ = Bits(Unsigned{0});
};

}  // namespace gmdiff::particle
