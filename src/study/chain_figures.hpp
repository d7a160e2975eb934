#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/model/expression.hpp>

#include "study/record.hpp"

// Convergence of the Markov chains of a run, and their estimates, as its record has them (mathematics.md §11,
// §12.4).

namespace gmdiff::study {

/// The figures of a run of Markov chains, from its result:
/// - of a trace R-hat, effective sample sizes and the error of the mean of every coordinate, and the same
///   figures of the mean of every observable;
/// - of the last states of chains the means of the observables, with errors for 16 chains or more;
/// - of moments the means of x_j and x_j^2, with their errors.
class ChainFigures {
 public:
  /// Number of values of the longest trace that is diagnosed. They are held in memory, where a run of the
  /// command never is as a whole.
  static constexpr std::int64_t most_values = std::int64_t{1} << 22;

  /// @param record of Markov chains: sampler and shape
  /// @param estimates texts of observables in x1, x2, ... (x if d is 1); none: x_j and x_j^2
  /// @throws std::invalid_argument for a text that is no function of a state.
  ChainFigures(const RunRecord& record, const std::vector<std::string>& estimates);

  /// Whether the figures need the states: not those of moments, of long traces and of short chains.
  bool needs_states() const;
  /// Adds the states of the next chains, chain by chain, with all levels of the record's shape.
  void add(const Points& states);
  /// Writes the figures of all chains so far into the record, or a note that says why a trace has none.
  /// @param moments of chains with moments, null for others
  void write_to(RunRecord& record, const PooledMoments* moments) const;

 private:
  struct Observable {
    std::string name;
    std::optional<Expression> text;  ///< empty: x_j or x_j^2
    Eigen::Index coordinate = 0;
    bool is_square = false;
  };

  Eigen::VectorXd values_of(const Observable& observable, const Points& states) const;
  Json trace_figures() const;
  Json draw_figures() const;
  Json moment_figures(const PooledMoments& moments) const;

  std::string output_;  ///< of the sampler: draw, trace or moments
  std::vector<Observable> observables_;
  Eigen::Index dim_;
  std::int64_t levels_;  ///< states of each chain in the result
  bool is_long_;
  double chains_ = 0.0;
  std::vector<double> trace_;      ///< all states of a trace
  Eigen::VectorXd mean_, spread_;  ///< of the observables at last states: mean, sum of squared deviations
};

/// Figures for a record of Markov chains, without states yet; empty for other records.
std::optional<ChainFigures> chain_figures(const RunRecord& record, const std::vector<std::string>& estimates);

/// Names of the observables whose means a record has.
std::vector<std::string> estimates_of(const RunRecord& record);

/// Says what makes the chains of a record doubtful: R-hat above 1.01, effective sample sizes below 400, and
/// observables without a finite value.
std::vector<std::string> convergence_warnings(const RunRecord& record);

}  // namespace gmdiff::study
