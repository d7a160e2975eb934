#include <gmdiff/metrics/denoiser_error.hpp>

#include <algorithm>
#include <cmath>

#include <gmdiff/device/sample.hpp>

#include "base/check.hpp"
#include "base/random.hpp"

namespace gmdiff {

namespace {

/// Mean and standard error of numbers that arrive one by one (Welford 1962).
class RunningMean {
 public:
  void add(double value) {
    ++count_;
    const double step = value - mean_;
    mean_ += step / static_cast<double>(count_);
    squares_ += step * (value - mean_);
  }
  double mean() const { return mean_; }
  double error() const {
    const auto n = static_cast<double>(count_);
    return std::sqrt(squares_ / (n - 1.0) / n);
  }

 private:
  std::int64_t count_ = 0;
  double mean_ = 0.0, squares_ = 0.0;
};

Points forward_noise(std::int64_t count, Eigen::Index d, std::uint64_t seed) {
  Points eps(count, d);
  for (std::int64_t i = 0; i < count; ++i) {
    NormalStream normals(
        {.seed = seed, .index = static_cast<std::uint64_t>(i), .purpose = Purpose::forward_noise},
        Precision::f64);
    for (Eigen::Index j = 0; j < d; ++j) eps(i, j) = normals(static_cast<std::uint64_t>(j));
  }
  return eps;
}

DenoiserError error_at(const HostDenoiser& denoiser, const Mixture& law, const Points& x_0, const Points& eps,
                       double n) {
  constexpr Eigen::Index at_once = 1000;  // bounds the memory of the covariances
  RunningMean floor, excess, loss, unresolved;
  for (Eigen::Index first = 0; first < x_0.rows(); first += at_once) {
    const Eigen::Index rows = std::min(at_once, x_0.rows() - first);
    const Points data = x_0.middleRows(first, rows);
    const Points x = data + n * eps.middleRows(first, rows);
    const Level level{.alpha = 1.0, .sigma = n};
    const Points exact = law.denoiser(x, level);
    Points D(rows, x.cols());
    denoiser.function(x, level, D);
    require(D.rows() == rows && D.cols() == x.cols(), "denoiser ", denoiser.id,
            ": expected a result of shape (", rows, ", ", x.cols(), "), got (", D.rows(), ", ", D.cols(),
            ")");
    const std::vector<Eigen::MatrixXd> covariances = law.posterior_covariance(x, level);
    for (Eigen::Index r = 0; r < rows; ++r) {
      const double of_floor = covariances[static_cast<std::size_t>(r)].trace();
      const double of_excess = (D.row(r) - exact.row(r)).squaredNorm();
      const double of_loss = (D.row(r) - data.row(r)).squaredNorm();
      floor.add(of_floor);
      excess.add(of_excess);
      loss.add(of_loss);
      unresolved.add(of_loss - of_floor - of_excess);
    }
  }
  return {.n = n,
          .floor = floor.mean(),
          .excess = excess.mean(),
          .floor_error = floor.error(),
          .excess_error = excess.error(),
          .loss = loss.mean(),
          .unresolved = unresolved.mean(),
          .unresolved_error = unresolved.error()};
}

}  // namespace

std::vector<DenoiserError> denoiser_errors(const HostDenoiser& denoiser, const Mixture& law,
                                           const std::vector<double>& levels,
                                           const DenoiserErrorOptions& options) {
  require(options.count >= 2, "denoiser errors: count must be at least 2, got ", options.count);
  for (const double n : levels)
    require(n > 0.0 && std::isfinite(n), "denoiser errors: levels must be positive and finite, got ", n);
  const Points x_0 = draw(law, {.count = options.count,
                                .seed = options.seed,
                                .device = Device::cpu(),
                                .precision = Precision::f64})
                         .to_double();
  const Points eps = forward_noise(options.count, law.dim(), options.seed);
  std::vector<DenoiserError> errors;
  errors.reserve(levels.size());
  for (const double n : levels) errors.push_back(error_at(denoiser, law, x_0, eps, n));
  return errors;
}

}  // namespace gmdiff
