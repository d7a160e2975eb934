#include <gmdiff/network/network.hpp>

#include <cmath>

#include "base/check.hpp"
#include "base/random.hpp"

namespace gmdiff {

namespace {

/// Inputs of the layer that a matrix belongs to.
Eigen::Index inputs(const NetworkShape& shape, const NetworkTensor& tensor) {
  // Kx and Kt are the two parts of one layer, which acts on (x, tau).
  return tensor.name == "Kx" || tensor.name == "Kt" ? shape.dim + shape.hidden : tensor.rows;
}

/// Names of matrices begin with capital letters; those of outputs end with U.
bool starts_random(const NetworkTensor& tensor) {
  const char first = tensor.name.front();
  return tensor.name.back() != 'U' && (first == 'K' || first == 'V' || first == 'G');
}

}  // namespace

std::vector<NetworkTensor> network_tensors(const NetworkShape& shape) {
  const Eigen::Index d = shape.dim, H = shape.hidden;
  // The upper ends keep products of sizes within 64 bits.
  require(d >= 1 && d <= 1 << 20, "network: dim must be in 1 ... ", 1 << 20, ", got ", d);
  require(H >= 2 && H <= 1 << 14, "network: hidden must be in 2 ... ", 1 << 14, ", got ", H);
  require(shape.layers >= 1 && shape.layers <= 100, "network: layers must be in 1 ... 100, got ",
          shape.layers);
  std::vector<NetworkTensor> tensors;
  Eigen::Index offset = 0;
  const auto add = [&](const std::string& name, Eigen::Index rows, Eigen::Index cols) {
    tensors.push_back({name, rows, cols, offset});
    offset += rows * cols;
  };
  add("phase", 1, H);
  add("K1", 2 * H, H);
  add("b1", 1, H);
  add("K2", H, H);
  add("b2", 1, H);
  add("Kx", d, H);
  add("Kt", H, H);
  add("c1", 1, H);
  for (int l = 2; l <= shape.layers; ++l) {
    add(concat("V", l), H, H);
    add(concat("c", l), 1, H);
  }
  add("U", H, d);
  add("cU", 1, d);
  if (!shape.langevin) return tensors;
  for (int l = 0; l <= shape.layers; ++l) {
    add(concat("G", l), l == 0 ? 2 * H : H, H);
    add(concat("g", l), 1, H);
  }
  add("GU", H, d);
  add("gU", 1, d);
  return tensors;
}

Eigen::Index network_size(const NetworkShape& shape) {
  const NetworkTensor last = network_tensors(shape).back();
  return last.offset + last.size();
}

Eigen::VectorXd network_start(const NetworkShape& shape, std::uint64_t seed, std::uint64_t first_tensor) {
  Eigen::VectorXd parameters = Eigen::VectorXd::Zero(network_size(shape));
  std::uint64_t number = first_tensor;
  for (const NetworkTensor& tensor : network_tensors(shape)) {
    const std::uint64_t index = number++;
    // With U = 0 the first gradients of all other parameters would be 0.
    if (tensor.name == "U" || tensor.name == "GU")
      parameters.segment(tensor.offset, tensor.size()).setConstant(1e-8);
    if (!starts_random(tensor)) continue;
    NormalStream normals({.seed = seed, .index = index, .purpose = Purpose::parameter_init}, Precision::f64);
    const double scale = 1.0 / std::sqrt(static_cast<double>(inputs(shape, tensor)));
    for (Eigen::Index m = 0; m < tensor.size(); ++m)
      parameters(tensor.offset + m) = scale * normals(static_cast<std::uint64_t>(m));
  }
  return parameters;
}

}  // namespace gmdiff
