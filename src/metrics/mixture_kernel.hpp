#pragma once

#include <gmdiff/model/mixture.hpp>

// Expectations of the Gaussian kernel k(x, y) = exp(-|x - y|^2 / (2 l^2)) under mixtures, in closed form
// (mathematics.md §9): E k(X, Y) = l^d |S + S' + l^2 I|^{-1/2} exp(-1/2 (m - m')^T (S + S' + l^2 I)^{-1} (m -
// m')) for X ~ N(m, S), Y ~ N(m', S'). The caller checks the arguments: equal dimensions, finite points, a
// bandwidth whose square neither underflows to 0 nor overflows.

namespace gmdiff {

/// E k(x_i, Y), Y ~ law, for each row of x (n, d); shape (n).
Eigen::VectorXd kernel_means(const Points& x, const Mixture& law, double bandwidth);

/// E k(X, Y) for independent X ~ p and Y ~ q. Takes O(K_p K_q d) time when both sets of covariances share
/// their axes; otherwise one factorisation per pair of components (a single one when both are tied).
double kernel_mean(const Mixture& p, const Mixture& q, double bandwidth);

}  // namespace gmdiff
