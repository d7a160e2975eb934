#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/base/points.hpp>

namespace gmdiff {

/// beta(t) = min + (max - min) t / T (mathematics.md §3). Range: min >= 0, max >= 0, not both 0.
struct LinearBeta {
  double min = 0.02;
  double max = 7.0;
};

/// Cosine schedule of Nichol & Dhariwal (2021): alpha = cos(u0 + k t) / cos u0. Range: offset in (0, 1).
struct CosineBeta {
  double offset = 0.008;
};

/// Variance preserving: dX = -beta/2 X dt + sqrt(beta) dW (Song et al. 2021). Time in [0, T].
struct Vp {
  std::variant<LinearBeta, CosineBeta> beta = LinearBeta{};
  double T = 1.0;
};

/// Sub-VP of Song et al. (2021): sigma = 1 - exp(-B), B the integral of beta. Time in [0, T].
struct SubVp {
  LinearBeta beta = {};
  double T = 1.0;
};

/// Ornstein-Uhlenbeck dX = -X / (2 s^2) dt + dW with s = stationary_std (mathematics.md §3). Time in [0, T].
struct Ou {
  double stationary_std = 1.0;
  double T = 5.0;
};

/// Discrete table of Ho et al. (2020): time is the continuous index in [0, N], log alpha_bar piecewise
/// linear. Give either `betas` (N), each in (0, 1), or `steps`, `first`, `last` for N equally spaced betas,
/// increasing or decreasing.
struct Ddpm {
  std::vector<double> betas = {};
  int steps = 0;
  double first = 0.0;
  double last = 0.0;
};

/// Variance exploding, sigma = sigma_min (sigma_max / sigma_min)^(t / T), alpha = 1: t = 0 is the data
/// blurred by sigma_min.
struct Ve {
  double sigma_min = 0.01;
  double sigma_max = 50.0;
  double T = 1.0;
};

/// Karras et al. (2022): alpha = 1, sigma = t. Time in [0, T].
struct Edm {
  double T = 80.0;
};

/// Linear interpolation of data and noise: alpha = 1 - t, sigma = t. Time in [0, 1].
struct RectifiedFlow {};

/// A custom `x_t = alpha(t) x_0 + sigma(t) eps` on [0, T]: alpha >= 0, sigma >= 0, sigma / alpha increasing
/// (checked on a grid of times). The derivatives are optional; samplers that need them (`euler`,
/// `euler-maruyama`, `heun:variable=t`) fail without them.
struct CustomProcess {
  std::function<double(double)> alpha;
  std::function<double(double)> sigma;
  std::function<double(double)> dalpha = {};
  std::function<double(double)> dsigma = {};
  double T = 1.0;
};

/// A description of any forward process.
using ProcessDescription = std::variant<Vp, SubVp, Ou, Ddpm, Ve, Edm, RectifiedFlow, CustomProcess>;

/// Values of a process at one time in extended precision, from which plans are computed (numerics.md §2). All
/// members except alpha and sigma are NaN if a custom process has no derivatives, and at the level n = inf of
/// a process that reaches it only as t grows without bound. At sigma = 0 (alpha = 0) the values are the
/// limits, which may be infinite.
struct ProcessValues {
  long double alpha;
  long double sigma;
  long double dalpha;  ///< alpha' = d alpha / dt
  long double dsigma;  ///< sigma'
  long double p;       ///< sigma' / sigma
  long double q;       ///< alpha' - alpha p
  long double f;       ///< drift alpha' / alpha
  long double g2;      ///< squared diffusion 2 sigma (sigma' - f sigma)
};

/// Forward process: the pair alpha(t) >= 0, sigma(t) >= 0 of `x_t = alpha_t x_0 + sigma_t eps`, time from 0
/// (data) to T (noise) (mathematics.md §1, §3). Immutable, cheap to copy. Nothing is clipped: alpha(T) may be
/// 0, sigma(0) is 0 except for `Ve`.
class ForwardProcess {
 public:
  /// @throws std::invalid_argument naming the parameter, its range and the value given.
  explicit ForwardProcess(ProcessDescription description);

  const ProcessDescription& description() const;
  /// Name in the catalogue: "vp", "sub-vp", "ou", "ddpm", "ve", "edm", "rectified-flow", "custom".
  std::string name() const;
  /// Largest time T (`Ddpm`: the number of steps N).
  double T() const;

  /// Values at time t in [0, T]. @throws std::invalid_argument outside (NaN included).
  ProcessValues values(long double t) const;
  double alpha(double t) const;
  double sigma(double t) const;
  Level level(double t) const;
  /// Half log-SNR lambda = log(alpha / sigma); inf where sigma = 0, -inf where alpha = 0.
  double log_snr(double t) const;
  /// Drift f = alpha' / alpha of dx = f x dt + g dW.
  double drift(double t) const;
  /// g^2 = 2 sigma (sigma' - f sigma).
  double squared_diffusion(double t) const;
  /// p = sigma' / sigma and q = alpha' - alpha p: velocity = p x + q D (mathematics.md §2.3); both are finite
  /// even if f is not.
  double p(double t) const;
  double q(double t) const;
  bool has_derivatives() const;

  /// The level with noise-to-signal ratio n = sigma / alpha >= 0 (n = inf: alpha = 0). In closed form, also
  /// beyond T, except for `CustomProcess`. @throws std::invalid_argument as `time_of_noise_to_signal`.
  ProcessValues values_at_noise_to_signal(long double n) const;
  /// The time at which sigma / alpha = n; closed form, or bisection for `CustomProcess`. n = 0 gives 0 (`Ve`:
  /// -inf).
  /// @throws std::invalid_argument for n < 0 or NaN, and if the process never reaches n: n = inf for `Ve`
  ///   and `Edm`, a linear beta that falls to 0 before, n outside [n(0), n(T)] for a `CustomProcess`.
  long double time_of_noise_to_signal(long double n) const;

  struct Schedule;  // src/model/process/schedule.hpp

 private:
  std::shared_ptr<const Schedule> schedule_;
};

/// VP with linear beta on [0, T].
inline ForwardProcess vp(LinearBeta beta = {}, double T = 1.0) {
  return ForwardProcess(Vp{.beta = beta, .T = T});
}
/// VP with the cosine schedule on [0, T].
inline ForwardProcess vp(CosineBeta beta, double T = 1.0) { return ForwardProcess(Vp{.beta = beta, .T = T}); }

}  // namespace gmdiff
