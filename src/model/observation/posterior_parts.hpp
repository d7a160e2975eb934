#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmdiff/model/mixture.hpp>

#include "model/observation/observation_reduction.hpp"

// The posterior of a Gaussian mixture, component by component (mathematics.md §2.7), by two methods;
// posterior.cpp chooses one. Sums and elementary functions are computed in extended precision and rounded
// once (numerics.md §2).

namespace gmdiff {

/// log N(y; A mu_k, A Sigma_k A^T + R) = common + own[k]. The part shared by all components is kept
/// separately: the posterior's weights depend only on differences, and far from the prior the shared part is
/// larger by many orders of magnitude.
struct LogLikelihoods {
  long double common = 0.0L;
  /// (K). -inf for a component of weight 0 whose A Sigma_k A^T + R is singular.
  std::vector<long double> own;
};

/// The components of the posterior without their weights. A component of weight 0 whose A Sigma_k A^T + R is
/// singular is unchanged.
struct ConditionedComponents {
  Points means;
  Covariance covariance;
  LogLikelihoods log_likelihoods;
};

/// One entry of y that depends on a single coordinate: y = a x_j + e, e ~ N(0, noise_std^2), a != 0.
struct CoordinateObservation {
  Eigen::Index coordinate;
  double a;
  double y;
  double noise_std;
};

/// The entries of a coordinate-wise observation, in which each row of A has one nonzero entry, no column has
/// two, and R is diagonal; empty for other observations.
std::optional<std::vector<CoordinateObservation>> coordinate_observations(
    const LinearObservation& observation);

/// Conditions a spherical or diag prior on coordinate-wise observations; the result is diag.
ConditionedComponents condition_coordinates(const Mixture& prior,
                                            const std::vector<CoordinateObservation>& observations);
/// Conditions a spherical prior in the basis V of a diagonal observation; the result is tied if all variances
/// are equal, otherwise common basis.
ConditionedComponents condition_directions(const Mixture& prior, const ReducedObservation& observation);
/// Conditions any prior in square-root array form; the result is tied if all components have one covariance,
/// otherwise full. `observation` is the reduction of `original`.
ConditionedComponents condition_arrays(const Mixture& prior, const ReducedObservation& observation,
                                       const LinearObservation& original);

/// |S^{-1/2} e|^2 for S = A Sigma_k A^T + R and e = y - A mu_k, from an approximate solution w of S w = e: 2
/// <e, w> - <w, S w> in extended precision, whose error is the square of that of w. Far from the prior, a sum
/// of squares of doubles would lose the differences between components.
long double likelihood_quadratic(const Mixture& prior, Eigen::Index k, const LinearObservation& observation,
                                 const Eigen::VectorXd& w);

/// Unless component k has weight 0, throws std::invalid_argument with the message that its A Sigma_k A^T + R
/// is singular and the reason `why`.
void require_never_occurs(const Mixture& prior, Eigen::Index k, const std::string& why);

}  // namespace gmdiff
