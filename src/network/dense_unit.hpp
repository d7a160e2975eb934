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

/// C += A B with A (m, k), B (k, n), C (m, n); n is a multiple of `column_multiple`. Entry (i, l) of A is
/// a[i a_row + l a_column], so A may be the transpose of a stored array; B and C are stored by rows.
template <class Real>
struct MatrixProduct {
  std::ptrdiff_t m, n, k;
  const Real* a;
  std::ptrdiff_t a_row, a_column;
  const Real* b;
  std::ptrdiff_t b_row;
  Real* c;
  std::ptrdiff_t c_row;
};

/// C += A B with A (m, k) by rows of a pitch; the rows of C have the pitch of those of B.
template <class Real>
MatrixProduct<Real> product_of_rows(std::ptrdiff_t m, const Real* a, std::ptrdiff_t a_pitch, std::ptrdiff_t k,
                                    const Real* b, std::ptrdiff_t b_pitch, Real* c) {
  return {.m = m,
          .n = b_pitch,
          .k = k,
          .a = a,
          .a_row = a_pitch,
          .a_column = 1,
          .b = b,
          .b_row = b_pitch,
          .c = c,
          .c_row = b_pitch};
}

/// The loops of one instruction set. Lengths n are multiples of `column_multiple`.
template <class Real>
struct DenseUnit {
  /// c_ij <- fma(a_il, b_lj, c_ij) for l = 0 ... k - 1.
  void (*multiply_add)(const MatrixProduct<Real>& product);
  /// h = gelu(a) and, unless null, slope = gelu'(a) (mathematics.md §17.1).
  void (*gelu)(const Real* a, std::ptrdiff_t n, Real* h, Real* slope);
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
