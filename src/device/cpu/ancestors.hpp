#pragma once

#include <bit>
#include <cstdint>

#include "particle/arithmetic.hpp"

// States of the ancestors of a tile, one per lane. The ancestors may be anywhere in the chain, whose states
// have shape (tiles, d, lanes of a tile).

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

using particle::BitsOf;
using particle::Index;
using particle::RealOf;
using particle::Types;

/// Reads coordinate by coordinate, with a separate load for each lane.
template <class V>
class AncestorStates {
 public:
  static constexpr int lanes = Types<V>::lanes;

  /// @param tile_lanes particles of a tile, a multiple of `lanes`.
  AncestorStates(const RealOf<V>* states, Index d, int tile_lanes, const std::uint32_t* ancestors)
      : tile_lanes_(tile_lanes) {
    for (int lane = 0; lane < lanes; ++lane) {
      auto a = static_cast<std::int64_t>(ancestors[lane]);
      // keeps the lanes separate: vectorised, they would be multiplied by the slow vpmullq
      __asm__("" : "+r"(a));
      places_[lane] = states + a / tile_lanes * tile_lanes * d + a % tile_lanes;
    }
  }
  V operator()(Index i) const { return V::load_each(places_, i * tile_lanes_); }

 private:
  int tile_lanes_;
  const RealOf<V>* places_[lanes];
};

/// If lanes can be permuted, a register is read once for a run of lanes whose ancestors it holds. Neighbours
/// mostly share a register, because the points of resampling ascend.
template <class V>
requires requires(V x, BitsOf<V> k) { permuted(x, k); }
class AncestorStates<V> {
 public:
  static constexpr int lanes = Types<V>::lanes;

  AncestorStates(const RealOf<V>* states, Index d, int tile_lanes, const std::uint32_t* ancestors)
      : tile_lanes_(tile_lanes) {
    constexpr auto L = static_cast<std::uint32_t>(lanes);
    Unsigned numbers[lanes], places[lanes];
    std::uint32_t begins = 1;  // a bit for every lane whose register differs from that of the lane before
    for (int lane = 0; lane < lanes; ++lane) {
      numbers[lane] = static_cast<Unsigned>(lane);
      places[lane] = ancestors[lane] % L;
      if (lane > 0)
        begins |= static_cast<std::uint32_t>(ancestors[lane] / L != ancestors[lane - 1] / L) << lane;
    }
    places_ = BitsOf<V>::load(places);
    for (; begins != 0; begins &= begins - 1) {
      const int lane = std::countr_zero(begins);
      const std::int64_t first = ancestors[lane] / L * L;
      runs_[num_runs_++] = {states + first / tile_lanes * tile_lanes * d + first % tile_lanes,
                            BitsOf<V>(static_cast<Unsigned>(lane)) <= BitsOf<V>::load(numbers)};
    }
  }
  V operator()(Index i) const {
    const auto of_run = [&](int run) {
      return permuted(V::load(runs_[run].from + i * tile_lanes_), places_);
    };
    V x = of_run(0);
    for (int run = 1; run < num_runs_; ++run) x = select(runs_[run].from_here_on, of_run(run), x);
    return x;
  }

 private:
  using Unsigned = typename particle::Integers<RealOf<V>>::Unsigned;
  struct Run {
    const RealOf<V>* from;
    decltype(BitsOf<V>() <= BitsOf<V>()) from_here_on;  ///< the lanes of this run and of later ones
  };
  int tile_lanes_;
  int num_runs_ = 0;
  BitsOf<V> places_;
  Run runs_[lanes];
};

template <class X>
class AncestorStates<particle::Twice<X>> {
 public:
  AncestorStates(const RealOf<X>* states, Index d, int tile_lanes, const std::uint32_t* ancestors)
      : lo_(states, d, tile_lanes, ancestors), hi_(states, d, tile_lanes, ancestors + X::lanes) {}
  particle::Twice<X> operator()(Index i) const { return {lo_(i), hi_(i)}; }

 private:
  AncestorStates<X> lo_, hi_;
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
