#pragma once

#include <gmdiff/model/linear_transition.hpp>

namespace gmdiff {

/// `linear_transition` over a time that is no double, such as a fraction of another one.
LinearTransition extended_linear_transition(const Eigen::MatrixXd& A, const Eigen::VectorXd& b,
                                            const Eigen::MatrixXd& S, long double h);

/// Lower triangular L with L L^T = S for a symmetric, positive semidefinite S (d, d), computed in extended
/// precision and rounded once. A pivot that rounding explains, or that is negative, counts as 0, and so does
/// its column.
Eigen::MatrixXd semidefinite_factor(const Eigen::MatrixXd& S);

}  // namespace gmdiff
