#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

namespace gmdiff {

/// State of Adam (mathematics.md §17.3) with its usual constants 0.9, 0.999 and 1e-8.
struct AdamState {
  Eigen::VectorXd m;         ///< running mean of the gradient
  Eigen::VectorXd v;         ///< running mean of its square
  std::int64_t updates = 0;  ///< t of the bias correction

  /// A state before the first update. @param size number of parameters.
  static AdamState start(Eigen::Index size) {
    return {Eigen::VectorXd::Zero(size), Eigen::VectorXd::Zero(size)};
  }
};

/// One update of the parameters. NaN entries of the gradient count as 0; every entry is clipped to [-1, 1].
/// @returns the number of NaN entries.
/// @throws std::invalid_argument when the sizes differ.
std::int64_t adam_update(AdamState& state, const Eigen::VectorXd& gradient, double rate,
                         Eigen::VectorXd& parameters);

/// Consecutive entries that are updated together.
struct AdamPart {
  Eigen::Index end;    ///< the part reaches from the end of the part before to here
  std::int64_t begun;  ///< its t is that of the state minus this number; before t = 1 it does not move
};

/// One update of parameters whose parts began at different iterations (mathematics.md §17.13).
/// @param parts end at ascending entries, the last at the size.
/// @returns and @throws as above.
std::int64_t adam_update(AdamState& state, const Eigen::VectorXd& gradient, double rate,
                         Eigen::VectorXd& parameters, const std::vector<AdamPart>& parts);

/// The rate of iteration 1 ... iterations: `rate`, and over the last part `decay` of the iterations a half
/// cosine to 0. Range of decay: [0, 1].
double learning_rate(double rate, double decay, std::int64_t iteration, std::int64_t iterations);

}  // namespace gmdiff
