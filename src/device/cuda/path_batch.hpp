#pragma once

#include "device/cuda/path_memory.hpp"
#include "device/path_gradients.hpp"

namespace gmdiff::cuda {

/// Sizes of the gradient of a batch of paths.
struct BatchSizes {
  std::int64_t count;  ///< paths
  kernels::Index dim, components, steps;
  bool needs_target_score;
  bool has_mixture, has_beta;
  kernels::Index networks;                 ///< number of networks
  kernels::Index states, width, outputs;   ///< of a network: numbers of its gradient, pitches of its rows
  kernels::Index record_rows, scale_rows;  ///< of a network at a state: rows of Real, of double
  std::size_t room_bytes;                  ///< of tiles that do not fit shared memory

  friend bool operator==(const BatchSizes&, const BatchSizes&) = default;
};

/// Memory of a network's gradient.
template <class Real>
struct NetworkBatch {
  Buffer<Real> states, table, scale;  ///< of the blocks of sums
  Buffer<Real> record;
  Buffer<double> scale_terms;
};

/// Memory of a batch of paths and of their gradient.
template <class Real>
class PathBatchMemory {
 public:
  /// Allocates unless the sizes are those of before.
  /// @param name of the device in messages @throws DeviceError when the memory does not suffice.
  void allocate(Gpu& gpu, const std::string& name, const BatchSizes& sizes);

  const BatchSizes& sizes() const { return sizes_; }
  kernels::Index slots() const { return slots_; }  ///< states whose records are held at once
  kernels::PathHistory history() const {
    return {.x = x_history.data(), .F = F_history.data(), .G = G_history.data(), .q = q_history.data()};
  }
  /// Place of a state in `scores`.
  double* score(kernels::Index n) const {
    return sizes_.needs_target_score ? scores.data() + n * sizes_.dim * sizes_.count : scores.data();
  }

  Buffer<double> x_history, F_history, G_history, q_history;
  Buffer<double> scores;  ///< of all states, or of the last one
  Buffer<double> x, F, q, log_p0, log_ratio, factor;
  Buffer<double> lambda, cotangents, product, start_noise;
  Buffer<std::int32_t> component;
  Buffer<double> mixture_rows, beta_rows;            ///< of each path
  Buffer<double> mixture_sums, eta_sums, beta_sums;  ///< of the blocks of sums
  std::vector<NetworkBatch<Real>> networks;
  Buffer<std::byte> room;

 private:
  void allocate_networks(Gpu& gpu);

  BatchSizes sizes_{};
  kernels::Index slots_ = 0;
};

}  // namespace gmdiff::cuda
