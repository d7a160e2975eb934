#include "metrics/binomial_deviation.hpp"

#include <cmath>
#include <numbers>

namespace gmdiff {
namespace {

/// log x! - log(sqrt(2 pi x) (x / e)^x) for an integer x >= 1.
double stirling_error(double x) {
  constexpr double log_sqrt_2_pi = 0.91893853320467274178;
  if (x < 16.0) return std::lgamma(x + 1.0) - (x + 0.5) * std::log(x) + x - log_sqrt_2_pi;
  const double s = 1.0 / (x * x);
  return (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s / 1680.0))) / x;
}

/// x log(x / mean) + mean - x without cancellation where both are near. With v = (x - mean) / (x + mean):
/// log(x / mean) = 2 artanh v.
double deviance(double x, double mean) {
  const double difference = x - mean;
  if (std::abs(difference) > 0.1 * (x + mean)) return x * std::log(x / mean) - difference;
  const double v = difference / (x + mean);
  const double v2 = v * v;
  double series = 0.0;  // artanh v / v - 1; the first omitted term is below 1e-17
  for (int j = 8; j >= 1; --j) series = v2 * (1.0 / (2 * j + 1) + series);
  return difference * v + 2.0 * x * v * series;
}

}  // namespace

BinomialDeviation::BinomialDeviation(std::int64_t n)
    : n_(static_cast<double>(n)), stirling_error_(stirling_error(n_)) {}

double BinomialDeviation::operator()(double p) const {
  const double q = 1.0 - p;
  const double nu = std::floor(n_ * p) + 1.0;
  if (nu == 1.0) return 2.0 * p * std::exp(n_ * std::log1p(-p));
  if (nu >= n_) return 2.0 * q * std::pow(p, n_);
  const double rest = n_ - nu;
  const double exponent = stirling_error_ - stirling_error(nu) - stirling_error(rest) - deviance(nu, n_ * p) -
                          deviance(rest, n_ * q);
  const double probability = std::exp(exponent) * std::sqrt(n_ / (2.0 * std::numbers::pi * nu * rest));
  return 2.0 * nu / n_ * q * probability;
}

// At a kink j = n p the slope of n E|B/n - p| in n p jumps by 2 P(B = j), about E|B - n p| / (n p q). The
// second Bernoulli polynomial of the fractional part has a jump of -2 there and the integral 0 between kinks.
double BinomialDeviation::smooth(double p) const {
  const double fraction = n_ * p - std::floor(n_ * p);
  const double bernoulli = fraction * fraction - fraction + 1.0 / 6.0;
  return (*this)(p) * (1.0 + bernoulli / (2.0 * n_ * p * (1.0 - p)));
}

}  // namespace gmdiff
