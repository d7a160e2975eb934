#pragma once

#include <cstddef>

// The elementary functions of one instruction set, for arrays whose size is a multiple of 16.

namespace gmdiff::test {

template <class Real>
struct ElementaryFunctions {
  void (*exp_nonpositive)(const Real* x, Real* y, std::size_t n);
  void (*log)(const Real* x, Real* y, std::size_t n);
  /// x in turns, at most an eighth.
  void (*sine)(const Real* x, Real* y, std::size_t n);
  void (*cosine)(const Real* x, Real* y, std::size_t n);
  /// Any x.
  void (*exp)(const Real* x, Real* y, std::size_t n);
  /// x in radians.
  void (*sine_radians)(const Real* x, Real* y, std::size_t n);
  void (*cosine_radians)(const Real* x, Real* y, std::size_t n);
  void (*tanh)(const Real* x, Real* y, std::size_t n);
};

ElementaryFunctions<float> elementary_fma128_f32();
ElementaryFunctions<double> elementary_fma128_f64();
ElementaryFunctions<float> elementary_avx2_f32();
ElementaryFunctions<double> elementary_avx2_f64();
ElementaryFunctions<float> elementary_avx512_f32();
ElementaryFunctions<double> elementary_avx512_f64();
ElementaryFunctions<float> elementary_scalar_f32();
ElementaryFunctions<double> elementary_scalar_f64();

}  // namespace gmdiff::test
