#pragma once

#include <type_traits>

#include "network/dense_unit.hpp"
#include "particle/dense.hpp"

// Loops of DenseUnit for an arithmetic type V. Only the units unit_*.cpp include it (device/cpu/pack.hpp
// explains why).

namespace gmdiff::network::GMDIFF_CPU_UNIT {

using particle::RealOf;
using particle::Types;

/// Rows and registers of columns of C that stay in registers; the instruction sets have 32 or 16 registers. A
/// tile of one register has more rows where their factors lie side by side, so that enough sums run at a time.
template <class V>
inline constexpr int tile_rows = sizeof(V) == 64 ? 8 : 4;
template <class V, bool is_transposed>
inline constexpr int narrow_rows = is_transposed ? 2 * tile_rows<V> : tile_rows<V>;
inline constexpr int tile_registers = 2;

/// The first sums of a tile.
template <class V, int R, int N>
GMDIFF_PARTICLE void start_tile(const MatrixProduct<RealOf<V>>& of, std::ptrdiff_t i, std::ptrdiff_t j,
                                V (&sums)[R][N]) {
  const RealOf<V>* start = of.start == nullptr ? nullptr : of.start + i * of.start_row + j;
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n)
      sums[r][n] =
          start == nullptr ? V(RealOf<V>(0)) : V::load(start + r * of.start_row + n * Types<V>::lanes);
  }
}

template <class V, int R, int N>
GMDIFF_PARTICLE void store_tile(const MatrixProduct<RealOf<V>>& of, std::ptrdiff_t i, std::ptrdiff_t j,
                                const V (&sums)[R][N]) {
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n) {
      const std::ptrdiff_t at = (i + r) * of.c_row + j + n * Types<V>::lanes;
      const V sum = of.factor == nullptr ? sums[r][n] : sums[r][n] * V::load(of.factor + at);
      sum.store(of.c + at);
    }
  }
}

/// Rows i ... i + R - 1 and columns j ... j + N lanes - 1 of the product. @tparam T whether A is transposed
template <class V, bool T, int R, int N>
GMDIFF_PARTICLE void multiply_tile(const MatrixProduct<RealOf<V>>& of, std::ptrdiff_t i, std::ptrdiff_t j) {
  using Real = RealOf<V>;
  constexpr int lanes = Types<V>::lanes;
  const std::ptrdiff_t a_row = T ? 1 : of.a_row, a_column = T ? of.a_row : 1;
  const Real* a = of.a + i * a_row;
  const Real* b = of.b + j;
  V sums[R][N];
  start_tile<V, R, N>(of, i, j, sums);
  for (std::ptrdiff_t l = 0; l < of.k; ++l) {
    V row[N];
    for (int n = 0; n < N; ++n) row[n] = V::load(b + l * of.b_row + n * lanes);
    for (int r = 0; r < R; ++r) {
      const V factor(a[r * a_row + l * a_column]);
      for (int n = 0; n < N; ++n) sums[r][n] = fma(factor, row[n], sums[r][n]);
    }
  }
  store_tile<V, R, N>(of, i, j, sums);
}

/// Tiles of R rows from row i on, and smaller ones for the rest.
template <class V, bool T, int R, int N>
GMDIFF_PARTICLE void multiply_columns(const MatrixProduct<RealOf<V>>& of, std::ptrdiff_t i,
                                      std::ptrdiff_t j) {
  for (; i + R <= of.m; i += R) multiply_tile<V, T, R, N>(of, i, j);
  if constexpr (R > 1) {
    if (i < of.m) multiply_columns<V, T, R / 2, N>(of, i, j);
  }
}

template <class V, bool T>
GMDIFF_PARTICLE void multiply(const MatrixProduct<RealOf<V>>& of) {
  constexpr int lanes = Types<V>::lanes;
  std::ptrdiff_t j = 0;
  for (; j + tile_registers * lanes <= of.n; j += tile_registers * lanes)
    multiply_columns<V, T, tile_rows<V>, tile_registers>(of, 0, j);
  for (; j < of.n; j += lanes) multiply_columns<V, T, narrow_rows<V, T>, 1>(of, 0, j);
}

/// The compiler knows which step between the factors is 1, so that fewer addresses are in registers.
template <class V>
void multiply_add(const MatrixProduct<RealOf<V>>& of) {
  of.is_transposed ? multiply<V, true>(of) : multiply<V, false>(of);
}

/// Adds the columns of N registers; several wait for each other less than one.
template <class V, int N>
GMDIFF_PARTICLE void add_columns(const RealOf<V>* from, std::ptrdiff_t rows, std::ptrdiff_t n,
                                 RealOf<V>* to) {
  constexpr int lanes = Types<V>::lanes;
  V sums[N];
  for (int r = 0; r < N; ++r) sums[r] = V::load(to + r * lanes);
  for (std::ptrdiff_t i = 0; i < rows; ++i) {
    for (int r = 0; r < N; ++r) sums[r] = sums[r] + V::load(from + i * n + r * lanes);
  }
  for (int r = 0; r < N; ++r) sums[r].store(to + r * lanes);
}

template <class V>
void add_rows(const RealOf<V>* from, std::ptrdiff_t rows, std::ptrdiff_t n, RealOf<V>* to) {
  constexpr int lanes = Types<V>::lanes, at_once = 8;
  std::ptrdiff_t j = 0;
  for (; j + at_once * lanes <= n; j += at_once * lanes) add_columns<V, at_once>(from + j, rows, n, to + j);
  for (; j < n; j += lanes) add_columns<V, 1>(from + j, rows, n, to + j);
}

/// Whole values of V from entry j on. @returns the first entry that is left
template <class V>
GMDIFF_PARTICLE std::ptrdiff_t gelu_from(std::ptrdiff_t j, const RealOf<V>* from, std::ptrdiff_t n,
                                         RealOf<V>* h, RealOf<V>* slope) {
  for (; j + Types<V>::lanes <= n; j += Types<V>::lanes) {
    const particle::Gelu<V> of(V::load(from + j));
    of.value().store(h + j);
    if (slope != nullptr) of.slope().store(slope + j);
  }
  return j;
}

/// A gelu is one long chain of operations; several side by side wait less.
template <class V>
void gelu(const RealOf<V>* from, std::ptrdiff_t n, RealOf<V>* h, RealOf<V>* slope) {
  using Two = particle::Twice<V>;
  using AtOnce = std::conditional_t<sizeof(V) == 64, particle::Twice<particle::Twice<Two>>, Two>;
  const std::ptrdiff_t done = gelu_from<AtOnce>(0, from, n, h, slope);
  gelu_from<V>(done, from, n, h, slope);
}

/// particle::clipped in lanes.
template <class V>
void clip(const RealOf<V>* out, std::ptrdiff_t n, RealOf<V> bound, RealOf<V>* to) {
  const V upper(bound), lower(-bound);
  for (std::ptrdiff_t j = 0; j < n; j += Types<V>::lanes) {
    const V a = V::load(out + j);
    select(upper < a, upper, select(a < lower, lower, a)).store(to + j);
  }
}

/// particle::passes_clip in lanes.
template <class V>
void stop_at_clip(const RealOf<V>* out, std::ptrdiff_t n, RealOf<V> bound, RealOf<V>* cotangent) {
  const V upper(bound), lower(-bound), zero(RealOf<V>(0));
  for (std::ptrdiff_t j = 0; j < n; j += Types<V>::lanes) {
    const V a = V::load(out + j), of = V::load(cotangent + j);
    select(lower <= a, select(a <= upper, of, zero), zero).store(cotangent + j);
  }
}

/// @tparam W arithmetic type of doubles.
template <class W>
void waves(const double* w, const double* p, std::ptrdiff_t n, double t, double* sine, double* cosine) {
  for (std::ptrdiff_t j = 0; j < n; j += Types<W>::lanes) {
    const particle::SineCosine<W> of = particle::sine_cosine(W::load(w + j) * W(t) + W::load(p + j));
    of.sine.store(sine + j);
    of.cosine.store(cosine + j);
  }
}

template <class V, class W>
DenseUnit<RealOf<V>> make_dense_unit() {
  return {.multiply_add = multiply_add<V>,
          .add_rows = add_rows<V>,
          .gelu = gelu<V>,
          .clip = clip<V>,
          .stop_at_clip = stop_at_clip<V>,
          .waves = waves<W>};
}

}  // namespace gmdiff::network::GMDIFF_CPU_UNIT
