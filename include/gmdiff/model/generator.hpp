#pragma once

#include <gmdiff/model/dynamics.hpp>
#include <gmdiff/model/expression.hpp>

// The generator of an SDE or ODE (mathematics.md §13.1, §16).

namespace gmdiff {

/// L F = mu . grad F + (1/2) sum_j sigma_j^2 d^2F/dx_j^2 at points x (n, d) and the time t, shape (n), where
/// mu and sigma are drift and noise of the dynamics: the rate at which E[F(X)] grows from X_t = x. The scheme,
/// the times and the start have no effect. NaN where a text is not defined.
/// @param F a function of x without t, in the dimension of the dynamics.
/// @throws std::invalid_argument as `dynamics_plan` for the texts and the noise, for an F that depends on t,
///   and for points or an F of another dimension.
Eigen::VectorXd generator(const Dynamics& dynamics, const Expression& F, const Points& x, double t = 0.0);

}  // namespace gmdiff
