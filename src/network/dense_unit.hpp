#pragma once

#include <cstddef>

#include "device/cpu/dispatch.hpp"

// The inner loops of networks, compiled once for each instruction set of the device `cpu`. Lanes are columns,
// so a sum runs over its terms in ascending order, with one fma a term, whatever the width of a register.

namespace gmdiff::network {

/// Arrays are padded to this many columns, so that no loop ends inside a register.
inline constexpr std::ptrdiff_t column_multiple = 16;

/// n rounded up to whole groups of columns.
constexpr std::ptrdiff_t padded(std::ptrdiff_t n) {
  return (n + column_multiple - 1) / column_multiple * column_multiple;
}

/// Numbers from one row of the weights to the next, n or more. Rows of an even number of cache lines would share
/// few sets of the first cache, and the columns of a tile would not stay there.
template <class Real>
constexpr std::ptrdiff_t weight_pitch(std::ptrdiff_t n) {
  constexpr std::ptrdiff_t cache_line = 64 / sizeof(Real);
  return n / cache_line % 2 == 0 ? n + cache_line : n;
}

/// Asks for numbers that are read next, so that they come into the cache while others are computed.
template <class Real>
void read_ahead(const Real* from, std::ptrdiff_t count) {
  constexpr std::ptrdiff_t cache_line = 64 / sizeof(Real);
  for (std::ptrdiff_t i = 0; i < count; i += cache_line) __builtin_prefetch(from + i);
}

/// C = F o (S + A B) with A (m, k), B (k, n) and S, F, C (m, n), o entry by entry; n is a multiple of
/// `column_multiple`. All are stored by rows, but A may be the transpose of such an array.
template <class Real>
struct MatrixProduct {
  std::ptrdiff_t m, n, k;
  const Real* a;
  std::ptrdiff_t a_row;
  bool is_transposed;  ///< a is A^T by rows
  const Real* b;
  std::ptrdiff_t b_row;
  Real* c;
  std::ptrdiff_t c_row;
  const Real* start = nullptr;   ///< S, which may be C; null: 0
  std::ptrdiff_t start_row = 0;  ///< 0: all rows of S are the same
  const Real* factor = nullptr;  ///< F, with the pitch of C; null: 1
};

/// C = A B with A (m, k) by rows of a pitch, and weights B (k, n).
template <class Real>
MatrixProduct<Real> product_of_rows(std::ptrdiff_t m, const Real* a, std::ptrdiff_t a_pitch, std::ptrdiff_t k,
                                    const Real* b, std::ptrdiff_t n, Real* c) {
  return {.m = m,
          .n = n,
          .k = k,
          .a = a,
          .a_row = a_pitch,
          .is_transposed = false,
          .b = b,
          .b_row = weight_pitch<Real>(n),
          .c = c,
          .c_row = n};
}

/// C = A B + bias, a row that is added to every row.
template <class Real>
MatrixProduct<Real> with_bias(MatrixProduct<Real> product, const Real* bias) {
  product.start = bias;
  return product;
}

/// C = F o (A B)
template <class Real>
MatrixProduct<Real> with_factor(MatrixProduct<Real> product, const Real* factor) {
  product.factor = factor;
  return product;
}

/// C += A^T B with A (rows, m) and B (rows, n), by rows of a pitch: the gradient of a matrix from the inputs of
/// its layer and the cotangents of its outputs.
template <class Real>
MatrixProduct<Real> gradient_product(std::ptrdiff_t rows, const Real* a, std::ptrdiff_t a_pitch,
                                     std::ptrdiff_t m, const Real* b, std::ptrdiff_t b_pitch, Real* c) {
  return {.m = m,
          .n = b_pitch,
          .k = rows,
          .a = a,
          .a_row = a_pitch,
          .is_transposed = true,
          .b = b,
          .b_row = b_pitch,
          .c = c,
          .c_row = b_pitch,
          .start = c,
          .start_row = b_pitch};
}

/// The loops of one instruction set. Lengths n are multiples of `column_multiple`.
template <class Real>
struct DenseUnit {
  /// c_ij <- s_ij, then c_ij <- fma(a_il, b_lj, c_ij) for l = 0 ... k - 1, then c_ij <- c_ij f_ij.
  void (*multiply_add)(const MatrixProduct<Real>& product);
  /// to_j <- to_j + from_ij for i = 0 ... rows - 1, with from (rows, n).
  void (*add_rows)(const Real* from, std::ptrdiff_t rows, std::ptrdiff_t n, Real* to);
  /// h = gelu(a) and, unless null, slope = gelu'(a) (mathematics.md §17.1).
  void (*gelu)(const Real* a, std::ptrdiff_t n, Real* h, Real* slope);
  /// to = out, clipped to [-bound, bound]. NaN stays NaN.
  void (*clip)(const Real* out, std::ptrdiff_t n, Real bound, Real* to);
  /// Sets a cotangent to 0 where the clip does not pass it, which is also where the output is NaN.
  void (*stop_at_clip)(const Real* out, std::ptrdiff_t n, Real bound, Real* cotangent);
  /// Sine and cosine of w_j t + p_j.
  void (*waves)(const double* w, const double* p, std::ptrdiff_t n, double t, double* sine, double* cosine);
};

DenseUnit<float> dense_scalar_f32();
DenseUnit<double> dense_scalar_f64();
DenseUnit<float> dense_fma128_f32();
DenseUnit<double> dense_fma128_f64();
DenseUnit<float> dense_avx2_f32();
DenseUnit<double> dense_avx2_f64();
DenseUnit<float> dense_avx512_f32();
DenseUnit<double> dense_avx512_f64();

/// The unit of an instruction set, which this build and this processor must have.
template <class Real>
DenseUnit<Real> dense_unit(cpu::InstructionSet set);

}  // namespace gmdiff::network
