#pragma once

#include <cstdint>

#include <Eigen/Core>

#include <gmdiff/device/samples.hpp>

// Convergence diagnostics of Markov chains (mathematics.md §11), as in the packages posterior (R) and ArviZ.

namespace gmdiff {

/// Diagnostics of one quantity, from its draws in one or more chains.
struct ChainDiagnostics {
  double mean;  ///< of all draws
  double sd;    ///< of all draws
  /// Largest R-hat of the rank-normalised halves of the chains, of their values and of their distances from
  /// the median; near 1 where all halves have one law (Vehtari et al. 2021)
  double rhat;
  double rhat_split;  ///< R-hat of the halves themselves
  double ess_bulk;    ///< effective sample size of the rank-normalised halves
  double ess_tail;    ///< the smaller one of the 5 % and 95 % quantiles
  double ess_mean;    ///< effective sample size of the mean
  double mcse;        ///< Monte Carlo standard error of the mean, sd / sqrt(ess_mean)
};

/// @param draws shape (draws, chains), a column for each chain; the halves of a chain are its first and its
///   last floor(draws / 2) draws
/// @throws std::invalid_argument for fewer than 4 draws, no chain, or a draw that is not finite.
ChainDiagnostics chain_diagnostics(const Eigen::MatrixXd& draws);

/// R-hat of many short chains, where each `chains / superchains` neighbouring ones had one start
/// (Margossian et al. 2024); one draw for each chain is enough.
/// @throws std::invalid_argument unless `superchains` >= 2 divides the number of chains into groups of two or
///   more, and for draws that are not finite.
double nested_rhat(const Eigen::MatrixXd& draws, Eigen::Index superchains);

struct MeanEstimate {
  double mean;
  double mcse;  ///< standard error
};

/// Mean of one chain, with the standard error of the means of `batches` batches of floor(n / batches) draws;
/// draws that are left over are the first ones.
/// @throws std::invalid_argument unless 2 <= batches <= n.
MeanEstimate batch_means(const Eigen::VectorXd& draws, Eigen::Index batches);

/// Estimates from the moments of several chains (mathematics.md §12.4), one number per coordinate.
struct PooledMoments {
  Eigen::VectorXd mean;      ///< of all states
  Eigen::VectorXd variance;  ///< of all states
  /// Standard error of the mean. For 16 chains or more it comes from the spread of their means, otherwise from
  /// batch means.
  Eigen::VectorXd standard_error;
  /// R-hat of the halves of the chains (`ChainDiagnostics::rhat_split`): exact if 16 divides the number of
  /// states. NaN where no chain moves.
  Eigen::VectorXd rhat_split;
  Eigen::VectorXd square;  ///< mean of the squares of all states
  /// Standard error of `square`, from the spread of the chains' means of squares. NaN for fewer than 16 chains,
  /// because batches have no means of squares.
  Eigen::VectorXd square_error;
};

/// Pools the moments of chains that are added one after the other. The chains must be independent, and each
/// must have lost the memory of its start.
class MomentPool {
 public:
  /// With fewer chains the spread of their means says little.
  static constexpr double enough_chains = 16.0;

  /// @param steps number of states of each chain, >= 16
  MomentPool(Eigen::Index dim, std::int64_t steps);
  /// Adds a chain: its mean and variance (d), and the means of its 16 batches (16 d).
  void add(const double* mean, const double* variance, const double* batch_means);
  /// @throws std::invalid_argument without a chain.
  PooledMoments result() const;

 private:
  Eigen::VectorXd rhat_split() const;

  double steps_;
  double chains_ = 0.0;
  Eigen::VectorXd mean_, spread_;             // of the chains' means: mean, sum of squared deviations
  Eigen::VectorXd square_, square_spread_;    // of the chains' means of squares, as above
  Eigen::VectorXd variances_, batch_errors_;  // sums over the chains
  Eigen::VectorXd half_mean_, half_spread_;   // of the means of the halves, as above
  Eigen::VectorXd half_gaps_;                 // sum of squared differences of the halves' means
};

/// Adds the chains of a run.
void add_chains(MomentPool& pool, const ChainMoments& moments);
/// Pools the moments of a run. @throws std::invalid_argument without a chain.
PooledMoments pooled(const ChainMoments& moments);

}  // namespace gmdiff
