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

/// Whether a run keeps the promise of equal bits (numerics.md §1) or gives it up for speed on devices that
/// can use the freedom.
enum class MathMode {
  exact,  ///< the same bits on `cpu` and on every GPU
  /// Uses the hardware's own functions, lets the compiler fuse products and sums, and treats subnormal
  /// numbers as 0. This affects only float32 runs on a GPU for laws of at most four coordinates, in which
  /// these functions take most of the time; all other runs equal `exact` bit for bit. The random words are
  /// the same, so a particle ends near its `exact` counterpart: the difference is at most 1e-3 of the largest
  /// number of the run, except for particles that pass between separated modes, which amplify any rounding
  /// (numerics.md §3 lists the error of each function). The bits may change with the GPU, the version, the
  /// range or the batch.
  fast,
};

/// Progress of a run in particles, counted over all problems.
struct Progress {
  std::int64_t done;
  std::int64_t total;
};

/// Options of a run; the same for all samplers and devices.
struct Options {
  /// Particles per problem, >= 1.
  std::int64_t count = 1000;
  std::uint64_t seed = 0;
  Device device = Device::best();
  Precision precision = Precision::f32;
  MathMode math = MathMode::exact;
  /// Index of the first particle. The runs of [0, 4) and [4, 10) together equal the run of [0, 10) bit for
  /// bit.
  std::int64_t first = 0;
  /// First states in data coordinates, instead of draws by the plan: (count, d), or (problems * count, d) for
  /// several problems. For SMC the N particles of each chain, (problems * count * N, d), chain by chain.
  /// Their weights are computed as for draws, so the evidence is unbiased if they have the law of the draws:
  /// p_T or N(0, sigma_T^2 I), for MCGdiff tilted by g_T (mathematics.md §7.6).
  std::optional<Points> start = {};
  /// Velocities with which the kinetic Markov chains of `start` go on, in its shape: those of the run before
  /// (`Samples::velocities`). Chains of `baoab` and `obabo` with a `first_step` need them; no other run takes
  /// any.
  std::optional<Points> start_velocities = {};
  /// Keeps the last velocities of the kinetic Markov chains `baoab` and `obabo`, with which another run
  /// continues them (`Samples::velocities`).
  bool velocities = false;
  /// Number M of levels to keep, from noisy to clean with both ends: 0 keeps only the result, otherwise 2 ...
  /// steps + 1. For SMC it needs `SmcOutput::particles` and keeps the states of all particles, (count, M, N,
  /// d), after their move to that level and before they are resampled, so the row of `smc_history` for step s
  /// has the weights of level s.
  int history = 0;
  /// Bytes of working memory without the result, per GPU if there are several; batches are split to fit. 0:
  /// the device chooses.
  std::size_t memory_limit = 0;
  /// Called on the calling thread from time to time and at the end.
  std::function<void(const Progress&)> progress = {};
  /// A stop request ends the run soon with `Interrupted`.
  std::stop_token stop = {};
  /// Keeps the whole result in the memory of the GPU that computes it, for code that continues there
  /// (`Samples::on_device`, `to_dlpack`). A run throws DeviceError if the result does not fit, and
  /// std::invalid_argument for several GPUs. The option has no effect on `cpu` and `reference`, which compute
  /// in host memory.
  bool keep_on_device = false;
  /// For SMC samplers: records effective sample size, weights and ancestors at every weighting
  /// (`SmcSamples::history`).
  bool smc_history = false;
};

}  // namespace gmdiff
