#pragma once

#include <vector>

#include <gmdiff/network/network.hpp>

#include "network/dense_unit.hpp"

// Parameters in a working precision, with padded rows.

namespace gmdiff::network {

/// Place of an array in a padded buffer.
struct Place {
  Eigen::Index rows, cols;
  Eigen::Index pitch;   ///< numbers from one row to the next
  Eigen::Index offset;  ///< in the padded buffer
  Eigen::Index flat;    ///< in the parameter vector
};

/// Places of all arrays. Those of the time encoder come first, so that their gradients, which are summed over
/// times, and the others, which are summed over rows, are two ranges.
struct Layout {
  explicit Layout(const NetworkShape& network);
  NetworkShape shape;
  Eigen::Index width;         ///< padded `hidden`
  Eigen::Index output_width;  ///< padded `dim`
  Eigen::Index wave_width;    ///< padded 2 `hidden`
  Place phase, K1, b1, K2, b2, Kt, c1;
  std::vector<Place> G, g;  ///< of the layers 0 ... of the second head; empty without it
  Place U_head, c_head;
  Place Kx, U, c_last;      ///< cU is the bias of U
  std::vector<Place> V, c;  ///< of layers 2, 3, ...
  Eigen::Index time_size;   ///< of the range of the time encoder
  Eigen::Index size;
  std::vector<Place> all;
};

/// Rounded parameters, and the transposes that the backward pass multiplies by. Padding is 0.
template <class Real>
class Weights {
 public:
  explicit Weights(const NetworkShape& shape);
  void assign(const Eigen::VectorXd& parameters);

  const Layout& layout() const { return layout_; }
  /// Row i is at `weight_pitch(place.pitch) i`.
  const Real* operator[](const Place& place) const { return values_[number(place)].data(); }
  /// An array by columns: (cols, rows), row j at `weight_pitch(padded(rows)) j`.
  const Real* transposed(const Place& place) const { return transposes_[number(place)].data(); }

 private:
  std::size_t number(const Place& place) const;

  Layout layout_;
  std::vector<std::vector<Real>> values_, transposes_;  ///< in the order of `Layout::all`
};

}  // namespace gmdiff::network
