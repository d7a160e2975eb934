#pragma once

#include <string>

#include <Eigen/Core>

// Checks whether rounding explains the distance of a matrix from a covariance matrix (mathematics.md §2.5).

namespace gmdiff {

/// Accepts asymmetry and negative eigenvalues that rounding explains.
/// @param given the matrix as given by the user.  @param l eigenvalues of (given + given^T) / 2.
/// @param relative_precision of the numbers: eps of the type they were computed or stored in.
/// @param name begins the messages: "Mixture: covariance 3".
/// @throws std::invalid_argument for an asymmetry or a negative eigenvalue beyond rounding, with the
///   entries or the eigenvalue.
void check_covariance(const Eigen::MatrixXd& given, const Eigen::VectorXd& l, double relative_precision,
                      const std::string& name);

/// Whether the smallest eigenvalue is within the rounding of an exactly symmetric matrix of doubles, so that
/// the matrix is used unchanged.
bool is_semidefinite_in_double(const Eigen::VectorXd& l);

/// Largest entry of |U^T U - I| that rounding explains.
double largest_orthonormality_error(Eigen::Index dim, double relative_precision);

/// The matrix made exactly symmetric.
Eigen::MatrixXd symmetrised(const Eigen::MatrixXd& matrix);

/// Formats a number in two digits, as "1.2e-03".
std::string scientific(double value);

}  // namespace gmdiff
