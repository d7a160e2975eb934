#pragma once

#include <gmdiff/model/linear_transition.hpp>

namespace gmdiff {

/// `linear_transition` over a time that is no double, such as a fraction of another one.
LinearTransition extended_linear_transition(const Eigen::MatrixXd& A, const Eigen::VectorXd& b,
                                            const Eigen::MatrixXd& S, long double h);

}  // namespace gmdiff
