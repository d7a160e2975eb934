#pragma once

namespace gmdiff {

/// The term of a sum over pairs of points: the distance |x - y|, or the kernel exp(rate |x - y|^2) with
/// rate <= 0.
struct PairTerm {
  bool is_kernel;
  double rate;  ///< rate of the kernel

  static PairTerm distance() { return {.is_kernel = false, .rate = 0.0}; }
  static PairTerm kernel(double rate) { return {.is_kernel = true, .rate = rate}; }
};

}  // namespace gmdiff
