#pragma once

#include <vector>

#include <gmdiff/network/training.hpp>

namespace gmdiff::network {

/// Levels of the batches of a training (mathematics.md §17.5).
class NoiseLevels {
 public:
  NoiseLevels(const NoiseLadder& ladder, const NoiseLaw& law);

  /// n_l.
  double n(int level) const { return n_[static_cast<std::size_t>(level)]; }
  /// Levels of the rows of a batch: row i has the level of the quantile (i + u) / batch of the law.
  /// Ascending.
  std::vector<int> of_batch(Eigen::Index batch, double u) const;

 private:
  std::vector<double> n_;
  std::vector<double> below_;  ///< probability of a level below l = 1 ... L - 1
};

}  // namespace gmdiff::network
