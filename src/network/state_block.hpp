#pragma once

#include <vector>

#include "network/layout.hpp"

namespace gmdiff::network {

/// Rows that one thread takes through the network together. Part of the result: the gradient of a block is
/// summed over its rows in ascending order, and blocks are added in a fixed tree.
inline constexpr Eigen::Index block_rows = 64;

/// Forward and backward pass of up to `block_rows` rows: everything after the time encoder (mathematics.md
/// §17.1, §17.2). An object is the workspace of one thread.
template <class Real>
class StateBlock {
 public:
  /// @param bound outputs are clipped to [-bound, bound]; infinity for no clipping.
  StateBlock(const Weights<Real>& weights, const DenseUnit<Real>& unit, Real bound);

  /// Row r of the network's input, to be written before `forward`.
  Real* input(Eigen::Index r) { return input_.data() + r * layout().output_width; }
  /// Row r of net(x, t), after `forward`.
  const Real* output(Eigen::Index r) const { return clipped_.data() + r * layout().output_width; }
  /// Row r of dL/dnet, to be written between `forward` and `backward`.
  Real* cotangent(Eigen::Index r) { return cotangent_.data() + r * layout().output_width; }
  /// Row r of dL/dx, after `backward_input`.
  const Real* input_cotangent(Eigen::Index r) const {
    return input_cotangent_.data() + r * layout().output_width;
  }

  /// Row r of a tangent dx, to be written between `forward` and `forward_tangents`.
  Real* tangent(Eigen::Index r) { return cotangent(r); }
  /// Row r of J dx, J = dnet/dx, after `forward_tangents`.
  const Real* output_tangent(Eigen::Index r) const { return input_cotangent(r); }

  /// @param T rows of the time table; row r uses row `time[r]`.
  void forward(Eigen::Index rows, const Real* T, const int* time);
  /// Adds the parameters' gradients to `gradient`, a padded buffer without the range of the time encoder, and
  /// writes dL/dT of each row to `of_time` (rows, width). Either may be null.
  void backward(Eigen::Index rows, Real* gradient, Real* of_time);
  /// dL/dx, after `backward`.
  void backward_input(Eigen::Index rows);
  /// J dx of the tangents, after `forward`; in the arrays of `backward`.
  void forward_tangents(Eigen::Index rows);

 private:
  const Layout& layout() const { return weights_.layout(); }
  Real* hidden(std::size_t layer) { return hidden_[layer].data(); }
  void clip(Eigen::Index rows);
  /// da of a layer from dh, in place.
  void through_gelu(Eigen::Index rows, std::size_t layer);
  /// Adds inputs^T outputs to the place of a matrix, and the sum of the outputs to that of its bias.
  void add_gradient(Real* gradient, const Place& matrix, const Real* inputs, Eigen::Index input_pitch,
                    const Real* outputs, Eigen::Index rows);
  void add_bias_gradient(Real* gradient, const Place& bias, const Real* outputs, Eigen::Index rows);

  const Weights<Real>& weights_;
  DenseUnit<Real> unit_;
  Real bound_;
  std::vector<Real> input_, sums_, output_, clipped_, cotangent_, input_cotangent_, of_hidden_;
  std::vector<std::vector<Real>> hidden_, slopes_;  ///< h and gelu' of each hidden layer
};

}  // namespace gmdiff::network
