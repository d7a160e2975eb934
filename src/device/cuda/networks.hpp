#pragma once

#include <map>
#include <memory>
#include <span>

#include <gmdiff/plan/plan.hpp>

#include "device/cuda/gpu.hpp"
#include "device/denoiser_network.hpp"

namespace gmdiff::cuda {

/// A network whose weights are in a GPU's memory.
class NetworkOnGpu {
 public:
  virtual ~NetworkOnGpu() = default;
  /// Computes D, or J^T v unless v is empty, of `count` particles; all rows have the shape (d, count).
  /// @throws std::invalid_argument where D has no value.
  virtual void evaluate(Level level, const kernels::NetworkRows& x, const kernels::NetworkRows& v,
                        const kernels::NetworkRows& to, std::int64_t count) = 0;
};

/// The networks of a plan's denoisers, each uploaded when it is first needed.
class Networks {
 public:
  /// @param denoisers of a plan in dimension `dim`; must live as long as this object
  Networks(std::span<const Denoiser> denoisers, Eigen::Index dim, Gpu& gpu)
      : denoisers_(denoisers), dim_(dim), gpu_(gpu) {}

  /// The network of denoiser number `function` for D, or for J^T v; null if the denoiser is no network.
  /// @throws std::invalid_argument for a network of another dimension than the plan's.
  NetworkOnGpu* find(int function, bool is_product);

 private:
  std::span<const Denoiser> denoisers_;
  Eigen::Index dim_;
  Gpu& gpu_;
  std::map<const DenoiserNetwork*, std::unique_ptr<NetworkOnGpu>> networks_;
};

/// Bytes on the GPU of the networks of denoisers, at most, whatever the number of particles.
std::size_t network_bytes(std::span<const Denoiser> denoisers, const kernels::Limits& limits);

}  // namespace gmdiff::cuda
