#include <cmath>
#include <utility>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/stencil.hpp"

// Explicit steps in time (mathematics.md §14.2).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;
using namespace fokker_planck;

namespace {

/// Largest Lambda h of a substep, and largest Lambda tau in all.
constexpr double max_substep = 400.0, max_work = 1e9;

/// Poisson probabilities e^-m m^k / k!, k = 0 ... m + 8 sqrt(m) + 20, with sum 1. They start at the largest
/// one: e^-m alone has too large a rounding error in its exponent.
VectorXd poisson_weights(double m) {
  VectorXd w(static_cast<Index>(m + 8.0 * std::sqrt(m) + 20.0) + 1);
  const auto mode = static_cast<Index>(m);
  w(mode) = 1.0;
  for (Index k = mode; k > 0; --k) w(k - 1) = w(k) * static_cast<double>(k) / m;
  for (Index k = mode + 1; k < w.size(); ++k) w(k) = w(k - 1) * m / static_cast<double>(k);
  return w / w.sum();
}

/// v <- sum_k w_k S^k v.
void power_sum(const Stencil& S, const VectorXd& w, VectorXd& v) {
  VectorXd sum = w(0) * v, power(v.size());
  for (Index k = 1; k < w.size(); ++k) {
    S.multiply_add(v.data(), power.data(), w(k), sum.data());
    v.swap(power);
  }
  v = std::move(sum);
}

/// exp(tau Q) v, or exp(tau Q^T) v.
VectorXd exponential(const FokkerPlanck& equation, Stencil::Of of, VectorXd v, double tau, const char* what) {
  check_values(v, equation.grid().size(), what);
  check_duration(tau, what);
  const double work = equation.max_rate() * tau;
  require(work <= max_work, what, ": expected max_rate() tau <= ", max_work, ", got ", work,
          "; implicit steps take any tau");
  if (work == 0.0) return v;
  const double substeps = std::ceil(work / max_substep);
  const Stencil S = Stencil::uniformized(equation, of);
  const VectorXd w = poisson_weights(work / substeps);
  for (auto n = static_cast<Index>(substeps); n > 0; --n) power_sum(S, w, v);
  return v;
}

}  // namespace

VectorXd FokkerPlanck::rate_of_change(const VectorXd& P) const {
  check_values(P, grid_.size(), "FokkerPlanck::rate_of_change");
  VectorXd change(P.size()), unused = VectorXd::Zero(P.size());
  Stencil::generator(*this, Stencil::Of::forward).multiply_add(P.data(), change.data(), 0.0, unused.data());
  return change;
}

VectorXd FokkerPlanck::advance(const VectorXd& P, double tau) const {
  return exponential(*this, Stencil::Of::forward, P, tau, "FokkerPlanck::advance");
}

VectorXd FokkerPlanck::expectation(const VectorXd& F, double tau) const {
  return exponential(*this, Stencil::Of::adjoint, F, tau, "FokkerPlanck::expectation");
}

VectorXd advance_magnus(const std::function<FokkerPlanck(double)>& equation, VectorXd P, double t, double tau,
                        int steps) {
  check_duration(tau, "advance_magnus");
  require(static_cast<bool>(equation), "advance_magnus: expected an equation, got an empty function");
  require(std::isfinite(t), "advance_magnus: expected a finite t, got ", t);
  require(steps >= 1, "advance_magnus: expected at least 1 step, got ", steps);
  const double h = tau / steps;
  for (int s = 0; s < steps; ++s) P = equation(t + (s + 0.5) * h).advance(P, h);
  return P;
}

}  // namespace gmdiff
