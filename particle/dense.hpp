#pragma once

#include "particle/dense_tables.hpp"
#include "particle/elementary.hpp"

// Arithmetic of a multilayer perceptron and of the denoiser that is made of it (mathematics.md §17.1, §17.4).
// Every entry of a product has one accumulator, which begins with the bias (or 0) and takes its terms in
// ascending order with one fma a term, and no sum is split. Whoever computes several entries at once, in lanes
// or threads, therefore has the same bits.

namespace gmdiff::particle {

/// gelu(a) = a s and gelu'(a) = s + a s (1 - s) 2 k (1 + 3 * 0.044715 a^2), s = sigmoid(2 k (a + 0.044715 a^3)),
/// k = sqrt(2 / pi).
template <class V>
class Gelu {
 public:
  using Real = RealOf<V>;
  GMDIFF_PARTICLE explicit Gelu(V a)
      : a_(a),
        s_(sigmoid(a * fma(a * a, V(static_cast<Real>(two_k * 0.044715)), V(static_cast<Real>(two_k))))) {}

  GMDIFF_PARTICLE V value() const { return a_ * s_; }
  GMDIFF_PARTICLE V slope() const {
    const V slope_cubic(static_cast<Real>(two_k * 3 * 0.044715)), linear(static_cast<Real>(two_k));
    return fma(s_ * (V(Real(1)) - s_), a_ * fma(a_ * a_, slope_cubic, linear), s_);
  }

 private:
  static constexpr double two_k = 0x1.9884533d43651p+0;  // 2 sqrt(2 / pi)
  V a_, s_;
};

/// An output of a network, clipped to [-bound, bound]. NaN stays NaN.
template <class Real>
GMDIFF_PARTICLE Real clipped(Real out, Real bound) {
  return out > bound ? bound : out < -bound ? -bound : out;
}
/// Whether a cotangent passes the clip of this output; NaN stops it.
template <class Real>
GMDIFF_PARTICLE bool passes_clip(Real out, Real bound) {
  return -bound <= out && out <= bound;
}

using Double = One<double>;

/// in (x - alpha m): the network's input for a coordinate.
GMDIFF_PARTICLE double network_input(const DenoiserFactors& of, double m, double x) {
  return (Double(of.in) * (Double(x) - Double(of.alpha) * Double(m))).v;
}
/// D = m + skip (x - alpha m) + out F.
GMDIFF_PARTICLE double denoised(const DenoiserFactors& of, double m, double x, double F) {
  return (Double(m) + Double(of.skip) * (Double(x) - Double(of.alpha) * Double(m)) +
          Double(of.out) * Double(F))
      .v;
}
/// factor v: what goes into a product with the derivative of the network. J v multiplies by `in` here and by
/// `out` behind the network, J^T v the other way round.
GMDIFF_PARTICLE double scaled_direction(double factor, double v) { return (Double(factor) * Double(v)).v; }
/// skip v + factor of_network: J v or J^T v from the product with the derivative of the network.
GMDIFF_PARTICLE double denoiser_product(const DenoiserFactors& of, double v, double factor,
                                        double of_network) {
  return (Double(of.skip) * Double(v) + Double(factor) * Double(of_network)).v;
}

}  // namespace gmdiff::particle
