#pragma once

#include "particle/elementary.hpp"

// Functions of one number with the same bits on every processor.

namespace gmdiff::network {

inline double exp_of(double x) { return particle::exp(particle::One<double>(x)).v; }
inline double log_of(double x) { return particle::log(particle::One<double>(x)).v; }

/// log(1 + e) of e >= 0, to the last digits for small e also (Kahan).
inline double log_one_plus(double e) {
  const double w = 1.0 + e;
  return w == 1.0 ? e : log_of(w) * e / (w - 1.0);
}

/// sp(z) = log(1 + e^z)
inline double softplus(double z) { return (z > 0.0 ? z : 0.0) + log_one_plus(exp_of(z > 0.0 ? -z : z)); }

/// sg(z) = 1 / (1 + e^-z), the derivative of sp
inline double sigmoid(double z) { return particle::sigmoid(particle::One<double>(z)).v; }

/// z with sp(z) = y: log(e^y - 1), and y itself above 37, where both are equal in double
inline double inverse_softplus(double y) {
  if (y > 37.0) return y;
  // e^y - 1 = (u - 1) y / log u with u = e^y keeps all digits of small y (Kahan).
  const double u = exp_of(y);
  return log_of(u == 1.0 ? y : (u - 1.0) * y / log_of(u));
}

}  // namespace gmdiff::network
