#include <cmath>
#include <numbers>

#include "base/check.hpp"
#include "model/target/formulas.hpp"

// Normalisers and moments in closed form (mathematics.md §13).

namespace gmdiff::targets {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);

/// I_n(q) of an integer order.
double bessel(int n, double q) {
  const double of_size = std::cyl_bessel_i(n, std::abs(q));
  return q < 0.0 && n % 2 == 1 ? -of_size : of_size;
}

/// exp(-1/2 [x^2 + a sin(p + w x)]) over sqrt(2 pi): its integral, and those with the factors x and x^2.
struct SinIntegrals {
  double one, x, x2;

  explicit SinIntegrals(const SinGaussian& target) {
    constexpr int terms = 12;
    const double q = -0.5 * target.amplitude, w = target.frequency;
    one = x2 = bessel(0, q);
    x = 0.0;
    for (int n = 1; n <= terms; ++n) {
      const double wave = n * w;
      const double E = 2.0 * bessel(n, q) * std::exp(-0.5 * wave * wave);
      const double f = n * (target.phase - 0.5 * std::numbers::pi);
      one += E * std::cos(f);
      x -= E * wave * std::sin(f);
      x2 += E * (1.0 - wave * wave) * std::cos(f);
    }
  }
};

/// exp(-(x^2 - D)^2): log of its integral, and E x^2.
struct WellIntegrals {
  double log_integral, x2;

  explicit WellIntegrals(double D) {
    // With z = D^2 / 2 and B = I_{1/4} + I_{-1/4} at z: integral (pi/2) sqrt(D) e^-z B, E x^2 = D + (log)'/2.
    const double z = 0.5 * D * D;
    const double quarter = std::cyl_bessel_i(0.25, z);
    // I_{-v} = I_v + (2/pi) sin(v pi) K_v
    const auto negative = [z](double v) {
      return std::cyl_bessel_i(v, z) +
             2.0 / std::numbers::pi * std::sin(v * std::numbers::pi) * std::cyl_bessel_k(v, z);
    };
    const double minus_quarter = negative(0.25);
    const double B = quarter + minus_quarter;
    // I_v' = I_{v+1} + (v/z) I_v
    const double derivative =
        std::cyl_bessel_i(1.25, z) + std::cyl_bessel_i(0.75, z) + 0.25 / z * (quarter - minus_quarter);
    log_integral = std::log(0.5 * std::numbers::pi * std::sqrt(D)) - z + std::log(B);
    x2 = D + 0.5 * (0.5 / D - D + D * derivative / B);
  }
};

std::optional<double> if_finite(double value) {
  if (std::isfinite(value)) return value;
  return {};
}

CoordinateMoments centred(VectorXd variance) {
  return {VectorXd::Zero(variance.size()), std::move(variance)};
}

}  // namespace

std::optional<double> log_normalizer(const SinGaussian& target) {
  return if_finite(target.dim * (half_log_two_pi + std::log(SinIntegrals(target).one)));
}
std::optional<double> log_normalizer(const Banana& /*target*/) { return 0.0; }
std::optional<double> log_normalizer(const Funnel& /*target*/) { return 0.0; }
std::optional<double> log_normalizer(const ManyWell& target) {
  if (!(target.delta > 0.0)) return {};
  return if_finite(target.wells * WellIntegrals(target.delta).log_integral +
                   (target.dim - target.wells) * half_log_two_pi);
}
std::optional<double> log_normalizer(const Logistic& /*target*/) { return {}; }

std::optional<CoordinateMoments> moments(const SinGaussian& target) {
  const SinIntegrals integrals(target);
  const double mean = integrals.x / integrals.one;
  const double variance = integrals.x2 / integrals.one - mean * mean;
  if (!std::isfinite(variance)) return {};
  return CoordinateMoments{VectorXd::Constant(target.dim, mean), VectorXd::Constant(target.dim, variance)};
}
std::optional<CoordinateMoments> moments(const Banana& target) {
  const double s2 = target.scale * target.scale, b = target.curvature;
  VectorXd variance = VectorXd::Ones(target.dim);
  variance(0) = s2;
  variance(1) = 1.0 + 2.0 * b * b * s2 * s2;
  return centred(std::move(variance));
}
std::optional<CoordinateMoments> moments(const Funnel& target) {
  const double s2 = target.scale * target.scale;
  VectorXd variance = VectorXd::Constant(target.dim, std::exp(0.5 * s2));
  variance(0) = s2;
  return centred(std::move(variance));
}
std::optional<CoordinateMoments> moments(const ManyWell& target) {
  if (!(target.delta > 0.0)) return {};
  const double x2 = WellIntegrals(target.delta).x2;
  if (!std::isfinite(x2)) return {};
  VectorXd variance = VectorXd::Ones(target.dim);
  variance.head(target.wells).setConstant(x2);
  return centred(std::move(variance));
}
std::optional<CoordinateMoments> moments(const Logistic& /*target*/) { return {}; }

namespace {

/// One overload for each target, so that a new one does not compile without a word on its covariance.
class CovarianceOf {
 public:
  explicit CovarianceOf(const CoordinateMoments& moments) : moments_(moments) {}

  MatrixXd operator()(const SinGaussian& /*target*/) const { return uncorrelated(); }
  MatrixXd operator()(const Banana& /*target*/) const { return uncorrelated(); }
  MatrixXd operator()(const Funnel& /*target*/) const { return uncorrelated(); }
  MatrixXd operator()(const ManyWell& /*target*/) const { return uncorrelated(); }
  MatrixXd operator()(const StudentTMixture& target) const { return covariance(target, moments_); }
  MatrixXd operator()(const Logistic& target) const { unknown(target.name); }
  MatrixXd operator()(const ExpressionTarget& target) const { unknown(target.name); }
  MatrixXd operator()(const ObservedMixture& target) const { unknown(target.name); }
  MatrixXd operator()(const Regularised& target) const { unknown(target.name); }
  MatrixXd operator()(const CustomTarget& target) const { unknown(target.name); }
  MatrixXd operator()(const Seeds& target) const { unknown(target.name); }
  MatrixXd operator()(const Brownian& target) const { unknown(target.name); }

 private:
  MatrixXd uncorrelated() const { return moments_.variance.asDiagonal(); }
  [[noreturn]] static void unknown(const char* name) {
    fail("covariance: the target ", name, " has no moments in closed form");
  }

  const CoordinateMoments& moments_;
};

}  // namespace

MatrixXd covariance(const TargetDescription& description, const CoordinateMoments& moments) {
  return std::visit(CovarianceOf(moments), description);
}

}  // namespace gmdiff::targets
