#include "support/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

namespace gmdiff::test {

namespace {

/// Regularised upper incomplete gamma function Q(a, x): series of P for x < a + 1, else Lentz's continued
/// fraction of Q.
double upper_gamma(double a, double x) {
  if (x <= 0.0) return 1.0;
  const double factor = std::exp(a * std::log(x) - x - std::lgamma(a));
  constexpr int most_terms = 10'000;
  if (x < a + 1.0) {
    double term = 1.0 / a, sum = term;
    for (int n = 1; n < most_terms && term > 1e-17 * sum; ++n) sum += term *= x / (a + n);
    return 1.0 - factor * sum;
  }
  constexpr double tiny = std::numeric_limits<double>::min();
  double b = x + 1.0 - a, c = 1.0 / tiny, d = 1.0 / b, fraction = d;
  for (int n = 1; n < most_terms; ++n) {
    const double an = -n * (n - a);
    b += 2.0;
    d = 1.0 / std::max(an * d + b, tiny);
    c = std::max(b + an / c, tiny);
    fraction *= d * c;
    if (std::abs(d * c - 1.0) < 1e-15) break;
  }
  return factor * fraction;
}

/// Kolmogorov's survival function 2 sum_j (-1)^(j - 1) exp(-2 j^2 x^2).
double kolmogorov_survival(double x) {
  if (x < 0.2) return 1.0;
  double sum = 0.0;
  for (int j = 1; j <= 100; ++j) sum += (j % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * j * j * x * x);
  return std::clamp(sum, 0.0, 1.0);
}

double log_choose(int n, int k) {
  return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
}

std::vector<double> binomial_probabilities(int n, double p) {
  std::vector<double> probabilities;
  for (int x = 0; x <= n; ++x)
    probabilities.push_back(std::exp(log_choose(n, x) + x * std::log(p) + (n - x) * std::log1p(-p)));
  return probabilities;
}

/// Cuts at most outside / 2 from both ends of the probabilities of 0, 1, ...
CountBand band_of(const std::vector<double>& probabilities, double outside) {
  CountBand band{0, static_cast<int>(probabilities.size()) - 1};
  const auto probability = [&](int count) { return probabilities[static_cast<std::size_t>(count)]; };
  for (double below = probability(0); below <= 0.5 * outside; below += probability(band.low)) ++band.low;
  for (double above = probability(band.high); above <= 0.5 * outside; above += probability(band.high))
    --band.high;
  return band;
}

}  // namespace

double kolmogorov_smirnov_p(std::vector<double> cdf_values) {
  std::sort(cdf_values.begin(), cdf_values.end());
  const auto n = static_cast<double>(cdf_values.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < cdf_values.size(); ++i) {
    const auto rank = static_cast<double>(i);
    largest = std::max({largest, cdf_values[i] - rank / n, (rank + 1.0) / n - cdf_values[i]});
  }
  const double root = std::sqrt(n);
  return kolmogorov_survival((root + 0.12 + 0.11 / root) * largest);
}

double chi_square_p(double statistic, double degrees) { return upper_gamma(0.5 * degrees, 0.5 * statistic); }

double chi_square_p(const Eigen::VectorXd& counts, const Eigen::VectorXd& probabilities) {
  const Eigen::VectorXd expected = counts.sum() * probabilities;
  if (expected.minCoeff() < 5.0)
    throw std::invalid_argument("chi_square_p: a cell with fewer than 5 expected counts");
  const double statistic = ((counts - expected).array().square() / expected.array()).sum();
  return chi_square_p(statistic, static_cast<double>(counts.size() - 1));
}

double normal_two_sided_p(double z) { return std::erfc(std::abs(z) / std::numbers::sqrt2); }

double mean_p(const Eigen::VectorXd& values, double expected) {
  const auto n = static_cast<double>(values.size());
  const double sd = std::sqrt((values.array() - values.mean()).square().sum() / (n - 1.0));
  return normal_two_sided_p((values.mean() - expected) / sd * std::sqrt(n));
}

double variance_p(const Eigen::VectorXd& values, double expected) {
  const auto n = static_cast<double>(values.size());
  const double variance = (values.array() - values.mean()).square().sum() / (n - 1.0);
  return normal_two_sided_p((variance / expected - 1.0) * std::sqrt((n - 1.0) / 2.0));
}

double family_wise_p(const std::vector<double>& p_values) {
  const double smallest = *std::min_element(p_values.begin(), p_values.end());
  return std::min(1.0, smallest * static_cast<double>(p_values.size()));
}

CountBand binomial_band(int n, double p, double outside) {
  return band_of(binomial_probabilities(n, p), outside);
}

double binomial_outside(int n, double p, const CountBand& band) {
  const std::vector<double> probabilities = binomial_probabilities(n, p);
  double sum = 0.0;
  for (int x = 0; x <= n; ++x) {
    if (!band.contains(x)) sum += probabilities[static_cast<std::size_t>(x)];
  }
  return sum;
}

CountBand exceedance_band(int calibration, int rank, int n, double outside) {
  // All orders of the values are equally likely: x of the n values are among the rank - 1 largest of the
  // calibration, the others among the rest.
  std::vector<double> probabilities;
  for (int x = 0; x <= n; ++x) {
    probabilities.push_back(std::exp(log_choose(rank - 1 + x, x) +
                                     log_choose(calibration - rank + n - x, n - x) -
                                     log_choose(calibration + n, n)));
  }
  return band_of(probabilities, outside);
}

double largest_moment_z(const Points& samples, const Eigen::VectorXd& mean,
                        const Eigen::MatrixXd& covariance) {
  const auto n = static_cast<double>(samples.rows());
  const Points centred = samples.rowwise() - mean.transpose();
  const auto z_of = [n](const Eigen::ArrayXd& values, double expected) {
    const double average = values.mean();
    const double variance = (values - average).square().sum() / (n - 1.0);
    return std::abs(average - expected) / std::sqrt(variance / n);
  };
  double largest = 0.0;
  for (Eigen::Index i = 0; i < samples.cols(); ++i) {
    largest = std::max(largest, z_of(centred.col(i).array(), 0.0));
    for (Eigen::Index j = 0; j <= i; ++j) {
      largest = std::max(largest, z_of(centred.col(i).array() * centred.col(j).array(), covariance(i, j)));
    }
  }
  return largest;
}

Points directions_in_the_plane(int count) {
  Points directions(count, 2);
  for (int i = 0; i < count; ++i) {
    const double angle = std::numbers::pi * i / count;
    directions.row(i) << std::cos(angle), std::sin(angle);
  }
  return directions;
}

}  // namespace gmdiff::test
