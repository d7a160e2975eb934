#pragma once

#include <stop_token>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// What `evaluate` computes, and where.
struct EvaluateOptions {
  bool log_density = true;
  bool log_responsibilities = false;
  bool score = false;
  bool denoiser = false;
  Device device = Device::best();
  /// Of the arithmetic; results are always double.
  Precision precision = Precision::f64;
  std::stop_token stop = {};
};

/// Quantities of the diffused law p_t at n points; those not asked for are empty.
struct Evaluation {
  Eigen::VectorXd log_density;  ///< log p_t(x), (n)
  Points log_responsibilities;  ///< log P(component k | x_t = x), (n, K)
  Points score;                 ///< grad log p_t(x), (n, d)
  Points denoiser;              ///< E[x_0 | x_t = x], (n, d)
};

/// Densities and means at many points x (n, d) (mathematics.md §2.2, §2.3): the formulas of the samplers, on a device. `cpu`: all threads,
/// the same bits for any number of them. In double as accurate as the functions of `Mixture` of these names: points where the formulas of
/// a device would lose digits (far points, laws far from the origin) are computed by those functions, on all threads of the host
/// (numerics.md §4).
/// @throws std::invalid_argument for points that are not (n, d) and finite, and for a bad level, as `Mixture` does; std::domain_error
/// where p_t has no density and one of the first three is asked for; DeviceError for a device that is not there; std::runtime_error when
/// asked to stop.
Evaluation evaluate(const Mixture& mixture, const Points& x, Level level = {},
                    const EvaluateOptions& options = {});

}  // namespace gmdiff
