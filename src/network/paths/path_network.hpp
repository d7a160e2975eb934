#pragma once

#include <algorithm>
#include <vector>

#include "network/state_block.hpp"
#include "network/time_table.hpp"

namespace gmdiff::network {

/// A network of the step index n = 0 ... N (mathematics.md §17.7), and its gradient as sums over blocks of
/// paths.
template <class Real>
class PathNetwork {
 public:
  PathNetwork(const NetworkShape& shape, Eigen::Index steps, const DenseUnit<Real>& unit, ThreadPool& pool);

  /// Takes the parameters and computes the time table.
  void assign(const Eigen::VectorXd& parameters);
  const Weights<Real>& weights() const { return weights_; }
  const DenseUnit<Real>& unit() const { return unit_; }
  const Real* table() const { return table_.rows(); }
  /// Factors g_n (d) of the score, or null.
  const Real* scale(Eigen::Index n) const {
    return has_scales() ? table_.scales() + n * weights_.layout().output_width : nullptr;
  }
  bool has_scales() const { return weights_.layout().shape.langevin; }
  Eigen::Index width() const { return weights_.layout().width; }

  /// Makes room for the gradients of all blocks of paths.
  void start_gradient(Eigen::Index blocks);
  /// Sets the gradient of a block to 0, on the thread that adds to it.
  void start_block(Eigen::Index block);
  /// Range of a block without the time encoder, as `StateBlock::backward` adds to it.
  Real* of_states(Eigen::Index block) { return of_states_[static_cast<std::size_t>(block)].data(); }
  /// dL/dT of a block, shape (N + 1, width).
  Real* of_table(Eigen::Index block) { return of_tables_[static_cast<std::size_t>(block)].data(); }
  /// dL/dg_n of a block, where the network has these factors.
  Real* of_scale(Eigen::Index block, Eigen::Index n) {
    return of_scales_[static_cast<std::size_t>(block)].data() + n * weights_.layout().output_width;
  }
  /// Adds up all blocks in the fixed tree; writes the gradient in the order of the parameters.
  void gather(double* gradient);

 private:
  Weights<Real> weights_;
  DenseUnit<Real> unit_;
  ThreadPool& pool_;
  TimeTable<Real> table_;
  std::vector<double> times_;
  std::vector<std::vector<Real>> of_states_, of_tables_, of_scales_;
};

/// Most bytes of the forward passes that a block of paths keeps of one network: what a core may use of a cache
/// that it shares with others.
inline constexpr std::uint64_t most_kept_bytes = std::uint64_t{16} << 20;
/// Number of states x_n whose forward pass is kept. These are the last states; the forward passes of earlier
/// ones run again before their backward passes.
template <class Real>
Eigen::Index kept_states(const Layout& places, Eigen::Index steps, std::uint64_t most_kept) {
  const std::uint64_t states = most_kept / StateBlock<Real>::pass_bytes(places);
  return static_cast<Eigen::Index>(std::min<std::uint64_t>(states, static_cast<std::uint64_t>(steps + 1)));
}

/// Bounds of the networks' outputs and of the score that their second head scales (mathematics.md §17.7).
inline constexpr double control_bound = 1e4;

}  // namespace gmdiff::network
