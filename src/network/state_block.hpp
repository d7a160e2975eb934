#pragma once

#include <cstdint>
#include <vector>

#include "network/layout.hpp"

namespace gmdiff::network {

/// Rows that one thread takes through the network together. Part of the result: the gradient of a block is
/// summed over its rows in ascending order, and blocks are added in a fixed tree.
inline constexpr Eigen::Index block_rows = 64;

/// Forward and backward pass of up to `block_rows` rows: everything after the time encoder (mathematics.md
/// §17.1, §17.2). An object is the workspace of one thread.
///
/// It can keep what is expensive in several forward passes, the products of the hidden layers from the second on
/// and the output, and return to them later.
template <class Real>
class StateBlock {
 public:
  /// @param bound outputs are clipped to [-bound, bound]; infinity for no clipping.
  StateBlock(const Weights<Real>& weights, const DenseUnit<Real>& unit, Real bound);
  StateBlock(const StateBlock&) = delete;
  StateBlock& operator=(const StateBlock&) = delete;

  /// Bytes of a forward pass that is kept.
  static std::uint64_t pass_bytes(const Layout& places);
  /// Makes room for the passes 0 ... count - 1; a new object has room for pass 0.
  void keep(Eigen::Index count);
  /// The other functions refer to this pass from now on.
  void select(Eigen::Index pass) { pass_ = passes_.data() + pass * pass_size(layout()); }

  /// Asks for the numbers of a pass, which will be selected soon.
  void read_ahead(Eigen::Index pass) const {
    network::read_ahead(passes_.data() + pass * pass_size(layout()), pass_size(layout()));
  }

  /// Row r of the network's input, to be written before `forward`.
  Real* input(Eigen::Index r) { return pass_ + r * layout().output_width; }
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

  /// Whether derivatives follow a forward pass. The functions `backward` and `forward_tangents` need the slopes of gelu.
  enum class Then { nothing, derivatives };
  /// @param T rows of the time table; row r uses row `time[r]`.
  void forward(Eigen::Index rows, const Real* T, const int* time, Then then);
  /// @param T the row of the time table that all rows use.
  void forward_at(Eigen::Index rows, const Real* T, Then then) { run(rows, T, 0, then); }
  /// After `forward_at` with the same arguments, and maybe other passes since then: prepares the functions that
  /// need the slopes.
  void return_to(Eigen::Index rows, const Real* T);
  /// Adds the parameters' gradients to `gradient`, a padded buffer without the range of the time encoder;
  /// null for none.
  void backward(Eigen::Index rows, Real* gradient);
  /// dL/dT of the rows, shape (rows, width), after `backward`.
  const Real* time_cotangents() const { return of_hidden_.data(); }
  /// dL/dx, after `backward`.
  void backward_input(Eigen::Index rows);
  /// J dx of the tangents, after `forward`; in the arrays of `backward`.
  void forward_tangents(Eigen::Index rows);

 private:
  const Layout& layout() const { return weights_.layout(); }
  std::size_t layers() const { return static_cast<std::size_t>(layout().shape.layers); }
  /// A pass consists of the inputs, the outputs and the sums that gelu takes in the layers after the first.
  static Eigen::Index pass_size(const Layout& places) {
    return block_rows * (2 * places.output_width + (places.shape.layers - 1) * places.width);
  }
  Real* output() { return pass_ + block_rows * layout().output_width; }
  Real* sums(std::size_t layer) {
    if (layer == 0) return sums_.data();
    return output() +
           block_rows * (layout().output_width + (static_cast<Eigen::Index>(layer) - 1) * layout().width);
  }
  const Real* hidden(std::size_t layer) const { return hidden_[layer].data(); }
  const Real* slope(std::size_t layer) const { return slopes_[layer].data(); }
  /// @param T the row of the time table of row r is T + r T_pitch.
  void run(Eigen::Index rows, const Real* T, Eigen::Index T_pitch, Then then);
  void add_input(Eigen::Index rows, const Real* T, Eigen::Index T_pitch);
  void gelu(Eigen::Index rows, std::size_t layer, Then then);
  void clip(Eigen::Index rows);
  /// Sets to 0 what the clip does not pass, of cotangents or tangents of the outputs.
  void stop_at_clip(Eigen::Index rows, std::vector<Real>& cotangents);
  /// Adds inputs^T outputs to the place of a matrix, and the sum of the outputs to that of its bias.
  void add_gradient(Real* gradient, const Place& matrix, const Real* inputs, Eigen::Index input_pitch,
                    const Real* outputs, Eigen::Index rows);
  void add_bias_gradient(Real* gradient, const Place& bias, const Real* outputs, Eigen::Index rows);
  Real* place_of(Real* gradient, const Place& place) const {
    return gradient + (place.offset - layout().time_size);
  }

  const Weights<Real>& weights_;
  DenseUnit<Real> unit_;
  Real bound_;
  std::vector<Real> passes_;
  Real* pass_ = nullptr;                            ///< the selected one
  std::vector<std::vector<Real>> hidden_, slopes_;  ///< h and gelu' of each hidden layer
  std::vector<Real> sums_, clipped_, cotangent_, input_cotangent_, of_hidden_;
};

}  // namespace gmdiff::network
