#pragma once

#include <memory>
#include <span>

#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/paths.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>

namespace gmdiff {

class DistanceSums;  // internal
class Executor;      // internal

/// A device in use. A session holds the resources that are slow to start: the threads of `cpu` with the
/// instruction set chosen for them, or the stream and the memory pool of a GPU. Many small runs on one
/// session start nothing.
///
/// The functions that take a device (`run`, `sample`, `draw`, `evaluate`, `judge`, the distances) use a
/// session of the calling thread. It is kept until the thread ends, so most programs need no session of their
/// own. A session is for a program that chooses when a device is taken and when it is given back, or that
/// shares one among threads.
///
/// Results are those of the functions without a session, bit for bit. Several threads may use a session at
/// once: the runs of a GPU take turns, and on `cpu` a run that finds the session's threads at work uses the
/// calling thread alone. A child process after `fork` needs a session of its own.
class Session {
 public:
  /// Takes the device. On `cpu` the threads start here, and the instruction set is chosen (`GMDIFF_SIMD`).
  /// @throws std::invalid_argument for a number that the device cannot have, DeviceUnavailable for a device
  ///   that is not available.
  explicit Session(const Device& device = Device::best());

  /// The device that the constructor was given.
  const Device& device() const;

  /// Executes a plan as `gmdiff::run` of sample.hpp does, on this device; `options.device` has no effect.
  Samples run(const Plan& plan, const Options& options = {}) const;
  /// Executes plans as `gmdiff::run` of smc.hpp does, on this device; `options.device` has no effect.
  SmcSamples run(std::span<const SmcPlan> plans, const Options& options = {}) const;
  SmcSamples run(const SmcPlan& plan, const Options& options = {}) const;
  /// Computes paths of a trained sampler as `gmdiff::run` of paths.hpp does, on this device;
  /// `options.device` has no effect.
  PathSamples run(const PathPlan& plan, const Options& options = {}) const;
  /// Evaluates a law as `gmdiff::evaluate` does, on this device; `options.device` has no effect.
  Evaluation evaluate(const Mixture& mixture, const Points& x, Level level = {},
                      const EvaluateOptions& options = {}) const;

  /// The device as the functions of this library use it. Internal.
  const Executor& executor() const;
  /// The sums that distances on this device are computed from. Internal.
  const DistanceSums& sums() const;

 private:
  class Resources;
  std::shared_ptr<const Resources> resources_;
};

}  // namespace gmdiff
