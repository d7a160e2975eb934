#pragma once

#include <variant>

#include <gmdiff/sampler/sampler.hpp>

// Sequential Monte Carlo along the reverse chain: samples of the posterior of `y = A x + e` and its
// log-evidence (mathematics.md §6, §7).
//
// A chain is N particles that are weighted, resampled and moved together; `Options::count`, `first` and
// `progress` count chains. With start = gaussian and kernel = ddim chains also run by a custom denoiser in
// place of the prior's (§7.9).

namespace gmdiff {

/// Resampling schemes; each gives particle j N W_j offspring on average (§6).
enum class Resampling {
  systematic,   ///< one uniform per chain: points (i + u) / N
  stratified,   ///< one uniform per point: (i + u_i) / N
  multinomial,  ///< N independent draws
  residual,     ///< floor(N W_j) copies of each, the rest multinomial
};

/// How particles move from one level to the next.
enum class SmcKernel {
  /// the DDIM step with noise eta (Song, Meng & Ermon 2021): the target is the posterior of the discretised
  /// chain
  ddim,
  /// the exact reverse transition of the mixture (§5.1, §7.5): the target is the exact posterior on any grid
  exact,
};

/// Result of a chain.
enum class SmcOutput {
  draw,       ///< one particle, drawn by the final weights: samples (count, d)
  particles,  ///< all particles with their weights: samples (count, N, d), log_weights (count, N)
};

/// MCGdiff (Cardoso, Janati El Idrissi, Le Corff & Moulines 2024) with the corrections of §7. Particles are
/// tilted towards the observation by Gaussian potentials g_s, moved by the kernel that is optimal for them,
/// and weighted before they move.
///
/// The paper uses variant A with `kernel = ddim`, `eta = 1`, a Gaussian start, multinomial resampling in
/// every step, and a grid that holds the levels tau_i (`McgdiffGrid`); for an exact observation
/// (noise_std = 0) this is its Algorithm 1. Three defaults here are better choices: variant C needs no kappa,
/// systematic resampling has less variance, and the exact start has no bias.
struct Mcgdiff {
  static constexpr const char* name = "mcgdiff";
  static constexpr bool takes_map = false;
  /// N, from 1 to 2^30.
  int particles = 256;
  /// C: the diffused likelihood N(x_i; alpha_s y_i, sigma_s^2 + alpha_s^2 n_i^2) at every level. A:
  /// coordinate i is pinned without noise at the level where sigma / alpha = n_i = sigma_y / s_i, which is
  /// inserted into the grid, and is free below. Both are the same if n_i = 0. A coordinate is treated as in C
  /// if n_i is above the noise of the grid's first level or below half the noise of its second-to-last level.
  // NOLINTNEXTLINE(readability-identifier-naming): the names of mathematics.md
  enum class Variant { C, A } variant = Variant::C;
  /// Variance of a pin in variant A, >= 0; not used for n_i = 0.
  double kappa = 1e-4;
  SmcKernel kernel = SmcKernel::ddim;
  /// DDIM's noise, in (0, 1]; smaller values raise the variance of the weights.
  double eta = 1.0;
  Start start = Start::exact;
  Resampling resampling = Resampling::systematic;
  /// Resample when the effective sample size is below ess_threshold N: 1 always, 0 never.
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
};

/// The bootstrap filter (Gordon, Salmond & Smith 1993) on the same chain, a baseline for MCGdiff: particles
/// move as without an observation and are then weighted by the diffused likelihoods of variant C. Every
/// observed direction must have noise. With an observation y = Phi(x) + e by a nonlinear map Phi the
/// particles are weighted by Cauchy's density of y - Phi(D) with the matrix 2 J C J^T + R at D = E[x_0 | x_s]
/// (§10.4); the grid must end at the data.
struct Bootstrap {
  static constexpr const char* name = "bootstrap";
  static constexpr bool takes_map = true;
  int particles = 256;
  SmcKernel kernel = SmcKernel::ddim;
  double eta = 1.0;
  Start start = Start::exact;
  Resampling resampling = Resampling::systematic;
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
};

/// A sequential Monte Carlo sampler; the first alternative is the default.
using SmcSampler = std::variant<Mcgdiff, Bootstrap>;

}  // namespace gmdiff
