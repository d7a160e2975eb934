#pragma once

#include "particle/tables.hpp"

// Tables of networks, in the precision of a network.

namespace gmdiff::particle {

/// Weights of a multilayer perceptron without its time encoder (mathematics.md §17.1). Rows are padded with
/// zeros to the pitches `width` and `output_width`, which are multiples of 4.
template <class Real>
struct NetworkTable {
  Index dim;           ///< d
  Index hidden;        ///< H
  Index layers;        ///< hidden layers, at least 1
  Index width;         ///< pitch of rows with H columns
  Index output_width;  ///< pitch of rows with d columns
  Real bound;          ///< outputs are clipped to [-bound, bound]
  const Real* numbers;

  /// Kx (d, H); V (H, H) and c (1, H) of the layers 2, 3, ..., number l = 1 ... layers - 1; U (H, d), cU (1, d);
  /// then the transposes of U, the V and Kx.
  constexpr const Real* Kx() const { return numbers; }
  constexpr const Real* V(Index l) const { return numbers + dim * width + (l - 1) * layer(); }
  constexpr const Real* c(Index l) const { return V(l) + hidden * width; }
  constexpr const Real* U() const { return V(layers); }
  constexpr const Real* cU() const { return U() + hidden * output_width; }
  constexpr const Real* U_transposed() const { return cU() + output_width; }
  constexpr const Real* V_transposed(Index l) const {
    return U_transposed() + dim * width + (l - 1) * hidden * width;
  }
  constexpr const Real* Kx_transposed() const { return V_transposed(layers); }
  /// Length of `numbers`.
  constexpr Index size() const {
    return 2 * dim * width + (2 * hidden + 1) * (layers - 1) * width + (2 * hidden + 1) * output_width;
  }

 private:
  constexpr Index layer() const { return (hidden + 1) * width; }
};

/// D = m + skip (x - alpha m) + out F(in (x - alpha m)) at one level (mathematics.md §17.4).
struct DenoiserFactors {
  double alpha, in, skip, out;
};

}  // namespace gmdiff::particle
