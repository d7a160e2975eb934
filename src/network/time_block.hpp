#pragma once

#include <span>
#include <vector>

#include "network/layout.hpp"

namespace gmdiff::network {

/// The time encoder for up to `block_rows` times (mathematics.md §17.1, §17.2). Keeps what its backward pass
/// needs.
template <class Real>
class TimeBlock {
 public:
  TimeBlock(const Weights<Real>& weights, const DenseUnit<Real>& unit);

  /// Writes the rows T of the times to `T` (times, width).
  /// @param frequencies w_j, padded to `width`; phases p_j as well. Features are computed in double.
  /// @param scale null, or set to the rows of the second head, (times, output_width).
  void forward(std::span<const double> times, const double* frequencies, const double* phases, Real* T,
               Real* scale);
  /// Adds the encoder's gradients for dL/dT (times, width) and, unless null, dL/dscale to `gradient`, the
  /// range of the time encoder.
  void backward(Eigen::Index rows, const Real* of_table, const Real* of_scale, Real* gradient);

 private:
  const Layout& layout() const { return weights_.layout(); }
  void add_gradient(Real* gradient, const Place& matrix, const Place& bias, const Real* inputs,
                    Eigen::Index input_pitch, const Real* outputs, Eigen::Index rows);

  void forward_scale(Eigen::Index rows, Real* scale);
  /// Adds dL/dphi of the second head to `of_waves_`.
  void backward_scale(Eigen::Index rows, const Real* of_scale, Real* gradient);

  const Weights<Real>& weights_;
  DenseUnit<Real> unit_;
  std::vector<double> sine_, cosine_;
  std::vector<Real> waves_, sums_, q_, slope_, tau_;
  std::vector<Real> of_tau_, of_q_, of_waves_;
  std::vector<std::vector<Real>> head_, head_slopes_;  ///< gelu of each layer of the second head, and gelu'
};

}  // namespace gmdiff::network
