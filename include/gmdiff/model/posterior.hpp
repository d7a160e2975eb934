#pragma once

#include <span>
#include <vector>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/observation.hpp>

namespace gmdiff {

/// The exact posterior of a Gaussian-mixture prior, which is a mixture too.
struct Posterior {
  Mixture mixture;      ///< p(x | y); its log_weights() are log w'_k, even if the weights underflow
  double log_evidence;  ///< log p(y)
  Eigen::VectorXd component_log_likelihood;  ///< log N(y; A mu_k, A Sigma_k A^T + R), shape (K)
};

/// Exact posterior and evidence (mathematics.md §2.7), in square-root array form; tall problems (dy > d) are
/// compressed first.
///
/// Structure of the result: a spherical or diag prior observed coordinate-wise (each row of A has one nonzero
/// entry, no column is used twice, R is diagonal) gives diag. With any other A, a spherical prior gives tied
/// if its variances are equal and otherwise common basis (full when R is singular but not 0). A tied prior
/// gives tied. All others give full.
///
/// A may be rank-deficient or have repeated rows when R is positive definite. A component of weight 0 whose A
/// Sigma_k A^T + R is singular is left unchanged, with log-likelihood -inf.
/// @throws std::invalid_argument when A does not fit the prior, or some A Sigma_k A^T + R of weight > 0 is
///   singular (a noiseless observation that repeats a row, or observes a direction in which the prior does
///   not vary).
Posterior posterior(const Mixture& prior, const LinearObservation& observation);

/// One posterior per observation, in order. Errors name the observation.
std::vector<Posterior> posterior(const Mixture& prior, std::span<const LinearObservation> observations);

}  // namespace gmdiff
