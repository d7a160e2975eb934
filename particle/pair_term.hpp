#pragma once

namespace gmdiff {

/// What is summed over pairs of points: their distance |x - y|, or a kernel exp(rate |x - y|^2), rate <= 0.
struct PairTerm {
  bool is_kernel;
  double rate;  ///< of the kernel

  static PairTerm distance() { return {.is_kernel = false, .rate = 0.0}; }
  static PairTerm kernel(double rate) { return {.is_kernel = true, .rate = rate}; }
};

}  // namespace gmdiff
