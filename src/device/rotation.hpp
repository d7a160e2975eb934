#pragma once

#include <cstdint>

#include <Eigen/Core>

// Products of states with the rotation V of an SMC plan (mathematics.md §7.1): in double, each sum in
// ascending order and without fused operations, so that all devices compute the same bits.

namespace gmdiff {

/// x~ = V^T x of one state. @param rotated (d), not x itself
void rotate(const Eigen::MatrixXd& V, const double* x, double* rotated);

/// x = V x~ of each row, in place, rounded once.
template <class Scalar>
void rotate_back(const Eigen::MatrixXd& V, Scalar* rows, std::int64_t count);

}  // namespace gmdiff
