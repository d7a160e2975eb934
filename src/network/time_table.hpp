#pragma once

#include <vector>

#include "base/thread_pool.hpp"
#include "network/time_block.hpp"

namespace gmdiff::network {

/// Number of blocks of `block_rows` rows.
Eigen::Index blocks_of(Eigen::Index rows);

/// The rows T of many times (mathematics.md §17.1) and their backward pass, on the threads of a pool.
template <class Real>
class TimeTable {
 public:
  /// @param frequencies w_j (hidden) of the time encoder.
  TimeTable(const Weights<Real>& weights, const DenseUnit<Real>& unit, const Eigen::VectorXd& frequencies,
            ThreadPool& pool);

  /// Computes T with the current weights. @param phases p_j (hidden) in double.
  void tabulate(const std::vector<double>& times, const Eigen::VectorXd& phases);
  Eigen::Index times() const { return times_; }
  const Real* rows() const { return T_.data(); }         ///< (times, width)
  const Real* scales() const { return scales_.data(); }  ///< (times, output_width) of the second head
  /// Gradients of the time encoder's range for dL/dT (times, width): a buffer for each block of times.
  /// @param of_scales dL/dscale (times, output_width), or null.
  std::vector<std::vector<Real>>& backward(const Real* of_table, const Real* of_scales = nullptr);

 private:
  const Weights<Real>& weights_;
  DenseUnit<Real> unit_;
  ThreadPool& pool_;
  std::vector<double> frequencies_;
  Eigen::Index times_ = 0;
  std::vector<Real> T_, scales_;
  std::vector<TimeBlock<Real>> blocks_;
  std::vector<std::vector<Real>> gradients_;
};

/// Adds up the gradients of all blocks in the fixed tree and writes them in the order of the parameters.
/// @param of_times buffers of the time encoder's range, of_rows buffers of the rest; both serve as workspace.
template <class Real>
void gather_gradient(const Layout& places, std::vector<std::vector<Real>>& of_times,
                     std::vector<std::vector<Real>>& of_rows, ThreadPool& pool, double* gradient);

}  // namespace gmdiff::network
