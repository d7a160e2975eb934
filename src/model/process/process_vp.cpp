#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/process/schedule.hpp"

// VP with the linear and the cosine schedule, sub-VP, OU (mathematics.md §3).

namespace gmdiff {

namespace {

constexpr long double long_infinity = std::numeric_limits<long double>::infinity();

void require_linear_beta(const char* process, const LinearBeta& beta) {
  require(std::isfinite(beta.min) && beta.min >= 0.0, process, ": beta min must be finite and >= 0, got ",
          beta.min);
  require(std::isfinite(beta.max) && beta.max >= 0.0, process, ": beta max must be finite and >= 0, got ",
          beta.max);
  require(beta.min > 0.0 || beta.max > 0.0, process, ": beta min and max must not both be 0");
}

/// beta(t) = b0 + (b1 - b0) t / T and its integral B(t).
class LinearIntegral {
 public:
  LinearIntegral(const LinearBeta& beta, double T) : b0_(beta.min), b1_(beta.max), T_(T) {}

  /// Exactly b0 at 0 and never below 0 in [0, T].
  long double beta(long double t) const { return (b0_ * (T_ - t) + b1_ * t) / T_; }
  long double slope() const { return (b1_ - b0_) / T_; }
  long double integral(long double t) const { return t * (b0_ + 0.5L * slope() * t); }

  /// The t with B(t) = B, also beyond T as long as beta stays >= 0 up to t.
  long double time_of(long double B) const {
    if (B == 0.0L) return 0.0L;
    if (std::isinf(B) && b1_ >= b0_) return long_infinity;
    long double squared_beta = b0_ * b0_ + 2.0L * slope() * B;
    // Where beta(T) = 0, rounding to double may put n(T) beyond the top of the parabola B(t).
    if (B <= integral(T_) * (1.0L + 1e-15L)) squared_beta = std::max(squared_beta, 0.0L);
    require(squared_beta >= 0.0L, "ForwardProcess: beta falls to 0 before -2 log(alpha) = ", B,
            " is reached");
    return 2.0L * B / (b0_ + std::sqrt(squared_beta));
  }

 private:
  long double b0_, b1_, T_;
};

class VpLinear final : public ForwardProcess::Schedule {
 public:
  VpLinear(const Vp& vp, const LinearBeta& beta) : Schedule(vp, "vp", vp.T), linear_(beta, vp.T) {}

  ProcessValues at(long double t) const override {
    const long double beta = linear_.beta(t);
    ProcessValues v = variance_preserving_values(linear_.integral(t), beta);
    if (t == 0.0L && beta == 0.0L) {  // sigma^2 = B = beta' t^2 / 2 to leading order
      v.dsigma = std::sqrt(0.5L * linear_.slope());
      v.p = long_infinity;
      v.q = -long_infinity;
    }
    return v;
  }
  SignalAndNoise of_noise_to_signal(long double n) const override { return variance_preserving_levels(n); }
  long double time_of_noise_to_signal(long double n) const override {
    return linear_.time_of(extended::log1p(n * n));
  }

 private:
  LinearIntegral linear_;
};

/// With k (T - t) = pi/2 - (u0 + k t) and cos(u0) = sin(k T): alpha = sin(k (T - t)) / sin(k T), exactly 1 at
/// 0 and 0 at T.
class VpCosine final : public ForwardProcess::Schedule {
 public:
  VpCosine(const Vp& vp, const CosineBeta& beta) : Schedule(vp, "vp", vp.T), T_(vp.T) {
    const long double offset = beta.offset;
    k_ = std::numbers::pi_v<long double> / (2.0L * T_ * (1.0L + offset));
    u0_ = std::numbers::pi_v<long double> * offset / (2.0L * (1.0L + offset));
    scale_ = extended::sin(k_ * T_);
  }

  ProcessValues at(long double t) const override {
    const long double remaining = k_ * (T_ - t);
    const long double alpha = extended::sin(remaining) / scale_;
    const long double sigma = std::sqrt(extended::sin(k_ * t) * extended::sin(2.0L * u0_ + k_ * t)) / scale_;
    const long double dalpha = -k_ * extended::cos(remaining) / scale_;
    const long double f = dalpha / alpha;
    return {.alpha = alpha,
            .sigma = sigma,
            .dalpha = dalpha,
            .dsigma = -alpha * dalpha / sigma,
            .p = -alpha * dalpha / (sigma * sigma),
            .q = dalpha / (sigma * sigma),
            .f = f,
            .g2 = -2.0L * f};
  }
  SignalAndNoise of_noise_to_signal(long double n) const override { return variance_preserving_levels(n); }

  /// u = u0 + k t has cos u = alpha cos u0. Sine and cosine of k t = u - u0 in sums of positive terms, so
  /// that small n does not cancel.
  long double time_of_noise_to_signal(long double n) const override {
    if (std::isinf(n)) return T_;
    const auto [alpha, sigma] = variance_preserving_levels(n);
    const long double cos_u0 = extended::cos(u0_), sin_u0 = extended::sin(u0_);
    const long double sin_u = std::sqrt(sin_u0 * sin_u0 + sigma * sigma * cos_u0 * cos_u0);
    const long double sin_kt = cos_u0 * sigma * sigma / (sin_u + alpha * sin_u0);
    const long double cos_kt = alpha * cos_u0 * cos_u0 + sin_u * sin_u0;
    return std::min(extended::atan2(sin_kt, cos_kt) / k_, T_);
  }

 private:
  long double T_, k_, u0_, scale_;
};

class SubVpLinear final : public ForwardProcess::Schedule {
 public:
  explicit SubVpLinear(const SubVp& sub_vp)
      : Schedule(sub_vp, "sub-vp", sub_vp.T), linear_(sub_vp.beta, sub_vp.T) {}

  ProcessValues at(long double t) const override {
    const long double B = linear_.integral(t), beta = linear_.beta(t);
    const long double alpha = extended::exp(-0.5L * B);
    const long double sigma = -extended::expm1(-B);
    const long double dsigma = beta * extended::exp(-B);
    const long double p = t == 0.0L ? long_infinity : dsigma / sigma;
    return {.alpha = alpha,
            .sigma = sigma,
            .dalpha = -0.5L * beta * alpha,
            .dsigma = dsigma,
            .p = p,
            .q = -alpha * (0.5L * beta + p),
            .f = -0.5L * beta,
            .g2 = -beta * extended::expm1(-2.0L * B)};
  }
  SignalAndNoise of_noise_to_signal(long double n) const override {
    if (n <= 1.0L) {
      const long double alpha = 2.0L / (n + std::sqrt(n * n + 4.0L));
      return {.alpha = alpha, .sigma = n * alpha};
    }
    const long double sigma = 2.0L / (1.0L + std::sqrt(1.0L + 4.0L / n / n));
    return {.alpha = sigma / n, .sigma = sigma};
  }
  /// n = 2 sinh(B / 2).
  long double time_of_noise_to_signal(long double n) const override {
    return linear_.time_of(2.0L * extended::asinh(0.5L * n));
  }

 private:
  LinearIntegral linear_;
};

/// VP with constant beta = 1 / s^2 whose noise is scaled by s.
class OrnsteinUhlenbeck final : public ForwardProcess::Schedule {
 public:
  explicit OrnsteinUhlenbeck(const Ou& ou) : Schedule(ou, "ou", ou.T), s_(ou.stationary_std) {}

  ProcessValues at(long double t) const override {
    ProcessValues v = variance_preserving_values(t / (s_ * s_), 1.0L / (s_ * s_), s_);
    v.g2 = 1.0L;
    return v;
  }
  SignalAndNoise of_noise_to_signal(long double n) const override {
    const SignalAndNoise unit = variance_preserving_levels(n / s_);
    return {.alpha = unit.alpha, .sigma = s_ * unit.sigma};
  }
  long double time_of_noise_to_signal(long double n) const override {
    return s_ * s_ * extended::log1p((n / s_) * (n / s_));
  }

 private:
  long double s_;
};

}  // namespace

ProcessValues variance_preserving_values(long double B, long double beta, long double scale) {
  const long double alpha = extended::exp(-0.5L * B);
  const long double unit_variance = -extended::expm1(-B);
  const long double unit_sigma = std::sqrt(unit_variance);
  return {.alpha = alpha,
          .sigma = scale * unit_sigma,
          .dalpha = -0.5L * beta * alpha,
          .dsigma = scale * 0.5L * beta * alpha * alpha / unit_sigma,
          .p = 0.5L * beta * alpha * alpha / unit_variance,
          .q = -0.5L * beta * alpha / unit_variance,
          .f = -0.5L * beta,
          .g2 = scale * scale * beta};
}

SignalAndNoise variance_preserving_levels(long double n) {
  if (n <= 1.0L) {
    const long double alpha = 1.0L / std::sqrt(1.0L + n * n);
    return {.alpha = alpha, .sigma = n * alpha};
  }
  const long double inverse = 1.0L / n;
  const long double sigma = 1.0L / std::sqrt(1.0L + inverse * inverse);
  return {.alpha = inverse * sigma, .sigma = sigma};
}

SchedulePointer schedule_of(const Vp& description) {
  require_positive_time("Vp", description.T);
  if (const auto* linear = std::get_if<LinearBeta>(&description.beta)) {
    require_linear_beta("Vp", *linear);
    return std::make_shared<VpLinear>(description, *linear);
  }
  const auto& cosine = std::get<CosineBeta>(description.beta);
  require(cosine.offset > 0.0 && cosine.offset < 1.0,
          "Vp: the offset of the cosine schedule must lie in (0, 1), got ", cosine.offset);
  return std::make_shared<VpCosine>(description, cosine);
}

SchedulePointer schedule_of(const SubVp& description) {
  require_positive_time("SubVp", description.T);
  require_linear_beta("SubVp", description.beta);
  return std::make_shared<SubVpLinear>(description);
}

SchedulePointer schedule_of(const Ou& description) {
  require_positive_time("Ou", description.T);
  require(std::isfinite(description.stationary_std) && description.stationary_std > 0.0,
          "Ou: stationary_std must be finite and > 0, got ", description.stationary_std);
  return std::make_shared<OrnsteinUhlenbeck>(description);
}

}  // namespace gmdiff
