#pragma once

#include <gmdiff/model/process.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/sampler.hpp>

// The rows of mathematics.md §5: one function per sampler, from level t to level s (sigma_s / alpha_s <
// sigma_t / alpha_t). Everything is computed in long double and rounded once, here (numerics.md §2). Limits
// at sigma_s = 0 and alpha_t = 0 are part of the formulas; nothing is clipped.

namespace gmdiff::coefficients {

/// A level with the values that samplers need. p and q are NaN if the process has no derivatives, and
/// infinite at sigma = 0.
struct LevelValues {
  long double t;
  long double alpha;
  long double sigma;
  long double p;  ///< sigma' / sigma
  long double q;  ///< alpha' - alpha p

  /// Noise-to-signal ratio; inf at alpha = 0.
  long double n() const { return sigma / alpha; }
  /// Half log-SNR; inf at sigma = 0, -inf at alpha = 0.
  long double lambda() const;
  Level rounded() const { return {static_cast<double>(alpha), static_cast<double>(sigma)}; }
};

/// h = lambda_s - lambda_t > 0; inf where sigma_s = 0 or alpha_t = 0.
long double log_snr_step(const LevelValues& t, const LevelValues& s);

/// Values of a grid level. p and q are set only `with_derivatives`, since they need derivatives and a time
/// inside the process.
LevelValues level_values(const ForwardProcess& process, const GridLevel& level, bool with_derivatives);

/// Churn to n_hat = n_t (1 + gamma): the level reached, and c_x, c_n of the step (Karras et al. 2022,
/// Algorithm 2, for any process).
struct Churn {
  LevelValues level;
  double c_x;
  double c_n;
};
Churn churn(const ForwardProcess& process, const LevelValues& t, long double gamma, long double noise,
            bool with_derivatives);

AffineStep ddim(const LevelValues& t, const LevelValues& s, long double eta);
AffineStep ancestral(const LevelValues& t, const LevelValues& s, Ancestral::Variance variance);
AffineStep euler_maruyama(const LevelValues& t, const LevelValues& s, long double zeta);
AffineStep euler(const LevelValues& t, const LevelValues& s);
AffineStep heun_t(const LevelValues& t, const LevelValues& s);
AffineStep heun_n(const LevelValues& t, const LevelValues& s);
AffineStep dpmpp_2s(const ForwardProcess& process, const LevelValues& t, const LevelValues& s, long double r);
/// @param h_previous difference of lambda over the step before; 0 for the first step, which then is of
///   first order.
AffineStep dpmpp_2m(const LevelValues& t, const LevelValues& s, long double h_previous);
AffineStep sde_dpmpp_2m(const LevelValues& t, const LevelValues& s, long double h_previous);
/// x <- alpha_s D, the last step to sigma_s = 0 of every sampler except those in t.
AffineStep denoise(const LevelValues& t, const LevelValues& s);
/// Exact reverse transition (§5.1).
MixtureTransition transition(const LevelValues& t, const LevelValues& s);
/// Draws x_0 given x_t, then x_s given both by the row of `ddim` (§5.1). The combination takes its noise from
/// the stream of the churn, since the draw of x_0 uses the stream of the step.
Program exact_ancestral(const LevelValues& t, const LevelValues& s, long double eta);
/// Draws x_0 given x_t, then x_s = alpha_s x_0 + sigma_s eps (§5.1).
Program exact_decoupled(const LevelValues& t, const LevelValues& s);
/// The forward equation with the sign of time changed (§5.4). @throws std::invalid_argument at alpha_t = 0.
AffineStep naive_backward(const LevelValues& t, const LevelValues& s);
/// One Langevin step of size h = r n^2 at level t = (1, n) of x / alpha (§5.5).
AffineStep annealed(const LevelValues& t, long double r);
/// Forward kernel from s to the noisier t (§1): x_t = alpha_{t|s} x_s + sigma_{t|s} eps.
AffineStep forward(const LevelValues& s, const LevelValues& t);

}  // namespace gmdiff::coefficients
