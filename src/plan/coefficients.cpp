#include "plan/coefficients.hpp"

#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "base/extended.hpp"

namespace gmdiff::coefficients {

namespace {

double rounded(long double value) { return static_cast<double>(value); }

/// The step x <- a x + b D(x; t) + e eps.
AffineStep one_stage(const LevelValues& t, long double a, long double b, long double e = 0.0L) {
  AffineStep step;
  step.evaluations = b == 0.0L ? 0 : 1;
  step.level1 = t.rounded();
  step.a = rounded(a);
  step.b_1 = rounded(b);
  step.e = rounded(e);
  return step;
}

/// The step u = a1 x + b1 D1, x <- a x + b D1 + c D(u; mid).
AffineStep two_stage(const LevelValues& t, long double a1, long double b1, const LevelValues& mid,
                     long double a, long double b, long double c) {
  AffineStep step = one_stage(t, a, b);
  step.evaluations = 2;
  step.p_x = rounded(a1);
  step.p_1 = rounded(b1);
  step.level2 = mid.rounded();
  step.b_2 = rounded(c);
  return step;
}

/// Draws x_0 ~ p(x_0 | x_t) into vector 1.
Transition draw_of_data(const LevelValues& t) {
  const MixtureTransition kernel =
      transition(t, {.t = 0.0L, .alpha = 1.0L, .sigma = 0.0L, .p = 0.0L, .q = 0.0L});
  return {.t = kernel.t,
          .s = kernel.s,
          .alpha_ts = kernel.alpha_ts,
          .sigma_ts = kernel.sigma_ts,
          .from = 0,
          .to = 1};
}

/// 1 / (2 r) with r = h_previous / h; 0 at the first step and after a step from alpha = 0.
long double half_inverse_ratio(long double h, long double h_previous) {
  return h_previous == 0.0L ? 0.0L : h / (2.0L * h_previous);
}

}  // namespace

long double LevelValues::lambda() const { return extended::log(alpha) - extended::log(sigma); }

long double log_snr_step(const LevelValues& t, const LevelValues& s) { return s.lambda() - t.lambda(); }

LevelValues level_values(const ForwardProcess& process, const GridLevel& level, bool with_derivatives) {
  constexpr long double nan = std::numeric_limits<long double>::quiet_NaN();
  LevelValues values{level.t, level.alpha, level.sigma, nan, nan};
  if (with_derivatives) {
    const ProcessValues at_t = process.values(level.t);
    values.p = at_t.p;
    values.q = at_t.q;
  }
  return values;
}

Churn churn(const ForwardProcess& process, const LevelValues& t, long double gamma, long double noise,
            bool with_derivatives) {
  const long double n_hat = t.n() * (1.0L + gamma);
  const ProcessValues hat = process.values_at_noise_to_signal(n_hat);
  const long double t_hat = with_derivatives ? process.time_of_noise_to_signal(n_hat) : t.t;
  const long double a0 = hat.alpha / t.alpha;
  const long double e0 = hat.alpha * t.n() * std::sqrt(gamma * (2.0L + gamma)) * noise;
  return {{t_hat, hat.alpha, hat.sigma, hat.p, hat.q}, rounded(a0), rounded(e0)};
}

AffineStep ddim(const LevelValues& t, const LevelValues& s, long double eta) {
  const long double h = log_snr_step(t, s);
  const long double Q = -extended::expm1(-2.0L * h);
  const long double L = 0.5L * extended::log1p(-eta * eta * Q);
  const long double a = s.sigma / t.sigma * extended::exp(L);
  const long double b = -s.alpha * extended::expm1(L - h);
  const long double e = eta * s.sigma * std::sqrt(Q);
  return one_stage(t, a, b, e);
}

AffineStep ancestral(const LevelValues& t, const LevelValues& s, Ancestral::Variance variance) {
  const long double alpha_ts = t.alpha / s.alpha;
  const long double Q = -extended::expm1(-2.0L * log_snr_step(t, s));  // sigma_{t|s}^2 / sigma_t^2
  const long double a = alpha_ts * (s.sigma / t.sigma) * (s.sigma / t.sigma);
  const long double e = (variance == Ancestral::Variance::large ? t.sigma : s.sigma) * std::sqrt(Q);
  return one_stage(t, a, s.alpha * Q, e);
}

AffineStep euler_maruyama(const LevelValues& t, const LevelValues& s, long double zeta) {
  // With p - f = g^2 / (2 sigma^2) = -q / alpha, the row of §5 reads
  //   a = 1 - Delta (p + zeta^2 (p - f)),   b = -(1 + zeta^2) Delta q,   e = zeta g sqrt(Delta).
  if (zeta == 0.0L) return euler(t, s);
  const long double delta = t.t - s.t;
  const long double rate = -t.q / t.alpha;
  const long double a = 1.0L - delta * (t.p + zeta * zeta * rate);
  const long double b = -delta * (1.0L + zeta * zeta) * t.q;
  const long double e = zeta * t.sigma * std::sqrt(2.0L * rate * delta);
  return one_stage(t, a, b, e);
}

AffineStep euler(const LevelValues& t, const LevelValues& s) {
  const long double delta = t.t - s.t;
  return one_stage(t, 1.0L - delta * t.p, -delta * t.q);
}

AffineStep heun_t(const LevelValues& t, const LevelValues& s) {
  if (s.sigma == 0.0L) return euler(t, s);  // p_s is infinite
  const long double delta = t.t - s.t;
  const long double a1 = 1.0L - delta * t.p;
  const long double b1 = -delta * t.q;
  const long double a = 1.0L - 0.5L * delta * (t.p + s.p * a1);
  const long double b = -0.5L * delta * (t.q + s.p * b1);
  const long double c = -0.5L * delta * s.q;
  return two_stage(t, a1, b1, s, a, b, c);
}

AffineStep heun_n(const LevelValues& t, const LevelValues& s) {
  if (s.sigma == 0.0L) return denoise(t, s);
  const long double dn = s.n() - t.n();
  const long double a1 = s.sigma / t.sigma;
  const long double b1 = s.alpha * (1.0L - s.n() / t.n());
  const long double b = s.alpha * dn * (0.5L / s.n() - 1.0L / t.n());
  const long double c = -0.5L * s.alpha * dn / s.n();
  return two_stage(t, a1, b1, s, a1, b, c);
}

AffineStep dpmpp_2s(const ForwardProcess& process, const LevelValues& t, const LevelValues& s,
                    long double r) {
  if (s.sigma == 0.0L) return denoise(t, s);
  const long double h = log_snr_step(t, s);
  const ProcessValues at_mid = process.values_at_noise_to_signal(extended::exp(-(t.lambda() + r * h)));
  const LevelValues mid{t.t, at_mid.alpha, at_mid.sigma, at_mid.p, at_mid.q};
  const long double a1 = mid.sigma / t.sigma;
  const long double b1 = -mid.alpha * extended::expm1(-r * h);
  const long double E = -extended::expm1(-h);
  return two_stage(t, a1, b1, mid, s.sigma / t.sigma, s.alpha * E * (1.0L - 0.5L / r),
                   s.alpha * E * 0.5L / r);
}

AffineStep dpmpp_2m(const LevelValues& t, const LevelValues& s, long double h_previous) {
  if (s.sigma == 0.0L) return denoise(t, s);
  const long double h = log_snr_step(t, s);
  const long double E = -extended::expm1(-h);
  const long double w = half_inverse_ratio(h, h_previous);
  AffineStep step = one_stage(t, s.sigma / t.sigma, s.alpha * E * (1.0L + w));
  step.b_p = rounded(-s.alpha * E * w);
  return step;
}

AffineStep sde_dpmpp_2m(const LevelValues& t, const LevelValues& s, long double h_previous) {
  if (s.sigma == 0.0L) return denoise(t, s);
  const long double h = log_snr_step(t, s);
  const long double E2 = -extended::expm1(-2.0L * h);
  const long double w = half_inverse_ratio(h, h_previous);
  AffineStep step =
      one_stage(t, s.sigma / t.sigma * extended::exp(-h), s.alpha * E2 * (1.0L + w), s.sigma * std::sqrt(E2));
  step.b_p = rounded(-s.alpha * E2 * w);
  return step;
}

AffineStep denoise(const LevelValues& t, const LevelValues& s) { return one_stage(t, 0.0L, s.alpha); }

MixtureTransition transition(const LevelValues& t, const LevelValues& s) {
  const long double sigma_ts = t.sigma * std::sqrt(-extended::expm1(-2.0L * log_snr_step(t, s)));
  return {t.rounded(), s.rounded(), rounded(t.alpha / s.alpha), rounded(sigma_ts)};
}

Program exact_ancestral(const LevelValues& t, const LevelValues& s, long double eta) {
  const AffineStep row = ddim(t, s, eta);
  return {
      {draw_of_data(t),
       Combine{.to = 0, .terms = {{0, row.a}, {1, row.b_1}}, .noise = row.e, .stream = NoiseStream::churn}}};
}

Program exact_decoupled(const LevelValues& t, const LevelValues& s) {
  return {{draw_of_data(t), Combine{.to = 0,
                                    .terms = {{1, rounded(s.alpha)}},
                                    .noise = rounded(s.sigma),
                                    .stream = NoiseStream::churn}}};
}

AffineStep naive_backward(const LevelValues& t, const LevelValues& s) {
  require(t.alpha > 0.0L, NaiveBackward::name,
          ": x / alpha is not defined at alpha = 0, where the grid starts");
  const long double e = s.alpha * std::sqrt((t.n() - s.n()) * (t.n() + s.n()));
  return one_stage(t, s.alpha / t.alpha, 0.0L, e);
}

AffineStep annealed(const LevelValues& t, long double r) {
  return one_stage(t, 1.0L - r / 2.0L, r / 2.0L, std::sqrt(r) * t.sigma);
}

AffineStep forward(const LevelValues& s, const LevelValues& t) {
  AffineStep step;
  if (t.sigma == 0.0L) return step;  // both are the data: lambda_s - lambda_t has no value
  const MixtureTransition kernel = transition(t, s);
  step.a = kernel.alpha_ts;
  step.e = kernel.sigma_ts;
  return step;
}

}  // namespace gmdiff::coefficients
