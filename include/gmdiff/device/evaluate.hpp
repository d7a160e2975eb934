#pragma once

#include <stop_token>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// Selects the quantities that `evaluate` computes and the device.
struct EvaluateOptions {
  bool log_density = true;
  bool log_responsibilities = false;
  bool score = false;
  bool denoiser = false;
  Device device = Device::best();
  /// Precision of the arithmetic; results are always double.
  Precision precision = Precision::f64;
  std::stop_token stop = {};
};

/// Quantities of the diffused law p_t at n points; quantities that were not requested are empty.
struct Evaluation {
  Eigen::VectorXd log_density;  ///< log p_t(x), (n)
  Points log_responsibilities;  ///< log P(component k | x_t = x), (n, K)
  Points score;                 ///< grad log p_t(x), (n, d)
  Points denoiser;              ///< E[x_0 | x_t = x], (n, d)
};

/// Densities and means at many points x (n, d) (mathematics.md §2.2, §2.3), computed on a device by the
/// formulas of the samplers. On `cpu` the bits do not depend on the number of threads. In double the results
/// are as accurate as the functions of `Mixture` with these names: where the formulas of a device would lose
/// digits (far points, laws far from the origin), those functions compute the values on all threads of the
/// host (numerics.md §4).
/// @throws std::invalid_argument for points that are not (n, d) and finite, and for a bad level, as
///   `Mixture` does; std::domain_error where p_t has no density and one of the first three quantities is
///   requested; DeviceUnavailable for a device that is not available; std::runtime_error when asked to stop.
Evaluation evaluate(const Mixture& mixture, const Points& x, Level level = {},
                    const EvaluateOptions& options = {});

}  // namespace gmdiff
