#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

#include <gmdiff/base/points.hpp>
#include <gmdiff/base/precision.hpp>
#include <gmdiff/device/device.hpp>

namespace gmdiff {

/// Whether a run keeps its promise of bits (numerics.md §1), or gives it up for speed where a device has something to give.
enum class MathMode {
  exact,  ///< the same bits on `cpu` and `cuda`, whatever the model of the GPU
  /// The hardware's own functions in place of gmdiff's, products and sums fused as the compiler likes, subnormal numbers taken as 0. It has
  /// an effect in float32 on a GPU for laws of at most four coordinates, where functions take most of the time; everywhere else it is the
  /// same as `exact`, bit for bit. The random words stay the same, so a particle ends near that of `exact`: expect a difference of 1e-3 of
  /// the largest number of the run at most, but for particles that pass between separated modes, where any rounding grows (numerics.md §3
  /// has the error of each function). Bits are not promised: they may change with the GPU, the version, the range or the batch.
  fast,
};

/// How far a run is; counts particles over all problems.
struct Progress {
  std::int64_t done;
  std::int64_t total;
};

/// How to run: shared by all samplers and devices.
struct Options {
  /// Particles per problem, >= 1.
  std::int64_t count = 1000;
  std::uint64_t seed = 0;
  Device device = Device::best();
  Precision precision = Precision::f32;
  MathMode math = MathMode::exact;
  /// Index of the first particle: a run of [0, 10) equals the runs of [0, 4) and [4, 10) put together, bit for bit.
  std::int64_t first = 0;
  /// Given states instead of the process's own: (count, d) for each problem, (problems * count, d) in all.
  std::optional<Points> start = {};
  /// Number M of levels to keep, noisy to clean, both ends included: 0 (only the result) or 2 ... steps + 1.
  int history = 0;
  /// Bytes of working memory, the result not counted, of several GPUs those of each; 0: the device's own choice. Batches are split to fit.
  std::size_t memory_limit = 0;
  /// Called on the calling thread, from time to time and at the end.
  std::function<void(const Progress&)> progress = {};
  /// When asked to stop, the run ends soon with `Interrupted`.
  std::stop_token stop = {};
  /// The result stays in the memory of the GPU that computes it, all of it, until the samples are gone: for code that goes on with it there
  /// (`Samples::on_device`, `to_dlpack`). DeviceError when it does not fit, std::invalid_argument for several GPUs. `cpu` and `reference`
  /// compute in host memory, and keep their results there as always.
  bool keep_on_device = false;
  /// Of sequential Monte Carlo: the result tells effective sample size, weights and ancestors of every weighting (`SmcSamples::history`).
  bool smc_history = false;
};

}  // namespace gmdiff
