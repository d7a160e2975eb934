#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/model/mixture.hpp>

// Convergence of Markov chains: diagnostics of every coordinate and of observables, shares of modes, and what
// makes them doubtful (mathematics.md §11).

namespace gmdiff::study {

// The limits of Vehtari et al. (2021).
inline constexpr double largest_rhat = 1.01;
inline constexpr double least_ess = 400.0;

/// A figure as warnings show it.
std::string four_digits(double value);

/// Draws of several chains of the same length.
class ChainDraws {
 public:
  /// @param all (chains * draws, d), chain by chain. @param chains a divisor of the number of rows
  ChainDraws(Points all, std::int64_t chains);

  std::int64_t chains() const { return chains_; }
  std::int64_t draws() const { return draws_; }
  std::int64_t dim() const { return all_.cols(); }
  /// All draws, chain by chain.
  const Points& all() const { return all_; }
  /// Last draw of each chain.
  Points last() const;
  /// Values (chains * draws) at all draws as a column for each chain.
  Eigen::MatrixXd columns(const Eigen::VectorXd& values) const;

 private:
  Points all_;
  std::int64_t chains_, draws_;
};

/// A coordinate, by its number, or an observable, by its text.
struct DiagnosedQuantity {
  std::string name;
  ChainDiagnostics diagnostics;
};

/// Shares of the modes of a law, by the largest responsibility: of all draws, and of the chains by their last
/// draws. No diagnostic of the chains alone can see a mode that no chain visits.
struct ModeShares {
  Eigen::VectorXd draws, chains;  ///< (K)
};

struct Diagnosis {
  std::vector<DiagnosedQuantity> coordinates, estimates;
  std::optional<ModeShares> modes;  ///< where a law is given
  /// Quantities whose R-hat is above 1.01 or whose effective sample size is below 400.
  std::vector<std::string> warnings;
};

/// How messages name the draws and an observable: "chains.npy", "--estimate".
struct DiagnosisNames {
  std::string draws, estimate;
};

/// @param estimates texts of observables in x1, x2, ... (x if d is 1). @param law null: no shares of modes
/// @throws std::invalid_argument for draws that are not finite, a law of another dimension, and a text that is
///   no expression or has no finite value at a draw, which the message names.
Diagnosis diagnose(const ChainDraws& chains, const std::vector<std::string>& estimates, const Mixture* law,
                   const DiagnosisNames& names);

}  // namespace gmdiff::study
