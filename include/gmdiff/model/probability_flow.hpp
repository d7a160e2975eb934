#pragma once

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/process.hpp>

// The probability-flow ODE of a diffused mixture (mathematics.md §2.3, §2.4).

namespace gmdiff {

/// Values of the ODE dx/dt = v(t, x), whose flow carries p_0 to p_t.
struct ProbabilityFlow {
  Points velocity;             ///< v(t, x) = p x + q D(x), shape (n, d)
  Eigen::VectorXd divergence;  ///< sum_j dv_j/dx_j = d p + q tr J with J = dD/dx, shape (n)
};

/// Velocity and divergence at points x (n, d) and the time t in [0, T] of the process, in double on the
/// calling thread. Where the noise is smaller than the signal, they are computed as f x - (g^2/2) score and
/// d f - (g^2/2) tr H, which are the same functions and also exist at the data.
/// @throws std::invalid_argument for a time outside [0, T], a custom process without derivatives, and points
///   that `Mixture` refuses.
/// @throws std::domain_error if p_t has no density at a level with less noise than signal.
ProbabilityFlow probability_flow(const Mixture& law, const ForwardProcess& process, const Points& x,
                                 double t);

}  // namespace gmdiff
