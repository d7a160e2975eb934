#pragma once

#include <variant>

#include <gmdiff/sampler/sampler.hpp>

// Guided samplers: samplers of the posterior of y = A x_0 + sigma_y n (mathematics.md §10). They need only
// the prior's denoiser and the observation, so they also work where no exact posterior exists. Each moves
// particles by an integrator, which is an unguided sampler, and changes the integrator's denoiser D or its
// step. Common parameters:
//   integrator   any sampler but those that draw from the mixture; its member `start` has no effect
//   start        law of the first state: N(0, sigma_T^2 I), as in the papers, or the prior's p_T
// A noise covariance R that is not a multiple of I is whitened first: A and y are multiplied by R^{-1/2}, and
// sigma_y is 1.
//
// Methods with `takes_map` also sample the posterior of y = Phi(x_0) + e with a nonlinear map Phi:
// r = y - Phi(D) takes the place of y - A D, and the Jacobian of Phi at D that of A (mathematics.md §10.3).
//
// Methods with `takes_denoiser` also run with a custom denoiser, which has the product J^T v with J = dD/dx_t
// in place of C (mathematics.md §10.5). dps-gsg with pullback = alpha needs D alone; tmp needs a product for
// every observed row.

namespace gmdiff {

/// Tweedie moment projection (Boys et al. 2023): p(x_0 | x_t) is approximated by the Gaussian with its mean D
/// and covariance C, so that D_g = D + C A^T (A C A^T + sigma_y^2 I)^{-1} (y - A D). Exact for a single
/// Gaussian.
struct Tmp {
  static constexpr const char* name = "tmp";
  static constexpr bool takes_map = true;
  static constexpr bool takes_denoiser = true;
  /// The matrix that is inverted. `moments`: the matrix above. `row_sum`: the diagonal matrix of its row
  /// sums, the paper's cheaper form. `diffuse`: the form of the package Diffuse, three steps of conjugate
  /// gradients with A C A^T / sigma_t.
  enum class Scale { moments, diffuse, row_sum } scale = Scale::moments;
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;
};

/// Pseudoinverse guidance (Song et al. 2023), form of the score: D_g = D + C A^T (r^2 A A^T + sigma_y^2
/// I)^{-1} (y - A D) with r^2 = sigma^2 tau2 / (sigma^2 + alpha^2 tau2). Exact for the prior N(mu, tau2 I).
struct Pigdm {
  static constexpr const char* name = "pigdm";
  static constexpr bool takes_map = true;
  static constexpr bool takes_denoiser = true;
  double tau2 = 1.0;  ///< variance of the data per coordinate, > 0
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;
};

/// Pseudoinverse guidance as the paper's Algorithm 1: the unguided step plus
/// alpha_t r^2 J A^T (r^2 A A^T + sigma_y^2 I)^{-1} (y - A D), J = dD/dx_t.
struct PigdmAlgorithm1 {
  static constexpr const char* name = "pigdm-alg1";
  static constexpr bool takes_map = true;
  static constexpr bool takes_denoiser = true;
  double tau2 = 1.0;  ///< variance of the data per coordinate, > 0
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;
};

/// Diffusion posterior sampling (Chung et al. 2022, Algorithm 1): the unguided step minus zeta / |r| times
/// the gradient of |r|^2 with respect to x_t, r = y - A D. The official code differentiates |r|: its scale is
/// 2 zeta.
struct Dps {
  static constexpr const char* name = "dps";
  static constexpr bool takes_map = true;
  static constexpr bool takes_denoiser = true;
  double zeta = 0.1;     ///< step length, >= 0
  double epsilon = 0.0;  ///< added to |r| in the denominator, >= 0
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;
};

/// The likelihood-score form of diffusion posterior sampling: D_g = D + C A^T (y - A D) / sigma_y^2. It needs
/// sigma_y > 0.
struct DpsLikelihood {
  static constexpr const char* name = "dps-likelihood";
  static constexpr bool takes_map = true;
  static constexpr bool takes_denoiser = true;
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;
};

/// Diffusion posterior sampling with the gradient of |r|^2 at D estimated from differences along random
/// directions (Gaussian smoothed gradient).
struct DpsGsg {
  static constexpr const char* name = "dps-gsg";
  static constexpr bool takes_map = false;
  static constexpr bool takes_denoiser = true;
  double zeta = 0.01;     ///< step length, >= 0
  int directions = 64;    ///< Q, from 1 to 65536
  double epsilon = 1e-3;  ///< added to |r| in the denominator, >= 0
  /// Factor that takes the gradient at D to the gradient at x_t: J = dD/dx_t, or 1 / max(alpha_t, 0.1) as in
  /// the package Diffuse.
  enum class Pullback { jacobian, alpha } pullback = Pullback::jacobian;
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;
};

/// Guidance by the exact E[x_0 | x_t, y]: the integrator on the exact posterior. The remaining error comes
/// from the integrator alone.
struct ExactGuidance {
  static constexpr const char* name = "exact";
  static constexpr bool takes_map = false;
  static constexpr bool takes_denoiser = false;
  Sampler integrator = Ancestral{};
  Start start = Start::gaussian;  ///< `exact`: p(x_T | y)
};

/// A guided sampler; the first alternative is the default.
using GuidedSampler = std::variant<Tmp, Pigdm, PigdmAlgorithm1, Dps, DpsLikelihood, DpsGsg, ExactGuidance>;

}  // namespace gmdiff
