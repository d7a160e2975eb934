#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "device/cuda/gpu.hpp"
#include "device/executor.hpp"
#include "kernels/smc.hpp"

namespace gmdiff::cuda {

/// The properties of a plan that determine the geometry, except for the number of chains.
template <class Real>
kernels::ChainsJob<Real> shape_of(const SmcPlan& plan);

/// Requests of a run in addition to the last states of its chains.
struct ChainExtras {
  bool weights;      ///< the history of the weights is recorded
  bool start;        ///< the first particles are given
  std::size_t kept;  ///< kept levels, including the last
  bool keeps_out;    ///< the result goes to other memory of the GPU
  explicit ChainExtras(const SmcTask& task)
      : weights(task.ess != nullptr),
        start(task.start != nullptr),
        kept(task.kept.size()),
        keeps_out(task.keeps_out) {}
  explicit ChainExtras(const Options& options)
      : weights(options.smc_history),
        start(options.start.has_value()),
        kept(static_cast<std::size_t>(std::max(options.history, 1))),
        keeps_out(options.keep_on_device) {}
};

/// Bytes of chains in the GPU's memory; upper bound, without the use of shared memory.
template <class Real>
class ChainMemory {
 public:
  ChainMemory(const SmcPlan& plan, const kernels::Limits& limits, const ChainExtras& extras);

  std::size_t least() const { return fixed_ + under_way_ + result_; }

  /// The chains that fit the given number of bytes; at least one.
  struct Fit {
    std::int64_t chains;
    std::int64_t under_way;  ///< active chains
    kernels::Limits limits;  ///< with at most as many thread blocks as have room for a tile
  };
  Fit fit(std::size_t bytes) const;

 private:
  kernels::Limits limits_;
  std::size_t fixed_;         // tables, rotation and sums of the thread blocks
  std::size_t under_way_;     // bytes of an active chain
  std::size_t result_;        // results of a chain, with its given start
  std::size_t tile_;          // tile of a thread block
  bool is_denoised_ = false;  // by a custom denoiser, which needs all chains of a launch under way
};

/// Bytes that are available for a task.
std::size_t bytes_for(const Gpu& gpu, std::size_t memory_limit);

}  // namespace gmdiff::cuda
