#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>

// A multilayer perceptron whose first layer also sees an encoding of time (mathematics.md §17.1).

namespace gmdiff {

/// Sizes of a network from R^dim and a time to R^dim. Range: dim in 1 ... 2^20, hidden in 2 ...
/// 2^14, layers in 1 ... 100.
struct NetworkShape {
  Eigen::Index dim = 1;
  Eigen::Index hidden = 128;  ///< units of every hidden layer and of the time encoder
  int layers = 2;             ///< hidden layers
  bool langevin = false;      ///< has a second head, a function of time that scales a score (§17.7)

  friend bool operator==(const NetworkShape&, const NetworkShape&) = default;
};

/// One array of parameters in the vector of all.
struct NetworkTensor {
  std::string name;  ///< phase, K1, b1, K2, b2, Kx, Kt, c1, V2, c2, ..., U, cU, G0, g0, ..., GU, gU
  Eigen::Index rows;
  Eigen::Index cols;    ///< the outputs of a layer
  Eigen::Index offset;  ///< of its first entry; entries are by rows

  Eigen::Index size() const { return rows * cols; }
};

/// The arrays of a network in the order of its parameter vector; vectors have one row.
/// @throws std::invalid_argument for sizes outside their range.
std::vector<NetworkTensor> network_tensors(const NetworkShape& shape);

/// Number of parameters. @throws as `network_tensors`.
Eigen::Index network_size(const NetworkShape& shape);

/// Parameters before training: biases and phases 0, U and GU all 1e-8, every other matrix N(0, 1 / inputs of
/// its layer) from the streams of `seed` (numerics.md §5). @throws as `network_tensors`.
/// @param first_tensor number of the first array in these streams; several networks of one model count on.
Eigen::VectorXd network_start(const NetworkShape& shape, std::uint64_t seed, std::uint64_t first_tensor = 0);

}  // namespace gmdiff
