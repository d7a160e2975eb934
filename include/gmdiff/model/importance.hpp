#pragma once

#include <cstdint>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target.hpp>

// Self-normalised importance sampling of targets in any dimension (mathematics.md §15.2).

namespace gmdiff {

/// Weighted points, and estimates with standard errors. An error estimate is reliable only if no weight
/// dominates.
struct ImportanceResult {
  double log_normalizer, log_normalizer_error;
  Eigen::VectorXd mean, mean_error;                    ///< (d)
  Eigen::VectorXd second_moment, second_moment_error;  ///< (d) of E x_j^2
  double ess;                                          ///< effective sample size, 1 to n
  double largest_weight;                               ///< 1/n to 1
  Points points;                                       ///< (n, d)
  Eigen::VectorXd weights;                             ///< (n), with sum 1
};

/// Estimates from given draws of a proposal with the normalised density q.
/// @param x (n, d) the draws, n >= 1. @param log_proposal (n) log q at the draws, finite.
/// @throws std::invalid_argument for arrays of other shapes or values, if l is +inf at a draw, and if l is
///   -inf or NaN at all draws.
ImportanceResult importance(const Target& target, Points x, const Eigen::VectorXd& log_proposal);

/// Estimates from draws of a mixture. Draw n depends on seed and n only.
/// @throws std::invalid_argument also if the dimensions differ, if count < 1, and if a covariance is not
///   positive definite.
ImportanceResult importance(const Target& target, const Mixture& proposal, std::int64_t count = 10'000,
                            std::uint64_t seed = 0);

/// Estimates from draws of N(mean, covariance). @param mean (d). @param covariance (d, d)
ImportanceResult importance(const Target& target, const Eigen::VectorXd& mean,
                            const Eigen::MatrixXd& covariance, std::int64_t count = 10'000,
                            std::uint64_t seed = 0);

}  // namespace gmdiff
