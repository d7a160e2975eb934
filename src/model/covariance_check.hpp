#pragma once

#include <string>

#include <Eigen/Core>

// How far a matrix that is meant to be a covariance may be from one (mathematics.md §2.5).

namespace gmdiff {

/// What was left of symmetry and positive semidefiniteness by rounding is accepted, anything else is refused.
/// @param given as it was given.  @param l eigenvalues of (given + given^T) / 2.
/// @param relative_precision of the numbers: eps of the type they were computed or stored in.
/// @param name begins the messages: "Mixture: covariance 3".
/// @throws std::invalid_argument for an asymmetry or a negative eigenvalue beyond rounding, with the entries or the eigenvalue.
void check_covariance(const Eigen::MatrixXd& given, const Eigen::VectorXd& l, double relative_precision, const std::string& name);

/// Whether the smallest eigenvalue is within the rounding of an exactly symmetric matrix of doubles, so that the matrix stands for itself.
bool is_semidefinite_in_double(const Eigen::VectorXd& l);

/// Largest entry of |U^T U - I| that rounding explains.
double largest_orthonormality_error(Eigen::Index dim, double relative_precision);

/// The matrix made exactly symmetric.
Eigen::MatrixXd symmetrised(const Eigen::MatrixXd& matrix);

/// In two digits, as "1.2e-03".
std::string scientific(double value);

}  // namespace gmdiff
