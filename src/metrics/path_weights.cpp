#include <gmdiff/metrics/path_weights.hpp>

#include <cmath>

#include "base/check.hpp"
#include "base/log_mean_exp.hpp"

namespace gmdiff {

namespace {

using Eigen::ArrayXd;

/// Standard error of the mean.
double mean_error(const ArrayXd& values) {
  const double n = static_cast<double>(values.size());
  return std::sqrt((values - values.mean()).square().sum() / (n - 1.0) / n);
}

/// w over the largest w
struct Scaled {
  ArrayXd w;
  double mean;
  double log_mean;  ///< of w itself

  explicit Scaled(const ArrayXd& log_w)
      : w((log_w - log_w.maxCoeff()).exp()),
        mean(w.mean()),
        log_mean(log_mean_exp({log_w.data(), static_cast<std::size_t>(log_w.size())})) {}
};

}  // namespace

PathSummary forward_summary(const Eigen::VectorXd& log_w) {
  require(log_w.size() >= 1, "path weights: no paths");
  for (Eigen::Index i = 0; i < log_w.size(); ++i)
    require(std::isfinite(log_w(i)) || log_w(i) < 0.0, "path weights: log w of path ", i, " is ", log_w(i),
            ", expected a number below infinity");
  require(std::isfinite(log_w.maxCoeff()), "path weights: the weights of all paths are 0");
  const Scaled of(log_w.array());
  const double squares = of.w.square().mean();
  const double ess = of.mean * of.mean / squares;
  // The errors of log Z and of the ESS are those of the linear parts of these functions of means.
  const ArrayXd relative = of.w / of.mean;
  return {.bound = log_w.mean(),
          .bound_error = mean_error(log_w.array()),
          .log_z = of.log_mean,
          .log_z_error = mean_error(relative),
          .ess = ess,
          .ess_error = ess * mean_error(2.0 * relative - of.w.square() / squares)};
}

PathSummary backward_summary(const Eigen::VectorXd& log_w) {
  require(log_w.size() >= 1, "path weights: no paths");
  for (Eigen::Index i = 0; i < log_w.size(); ++i)
    require(std::isfinite(log_w(i)), "path weights: log w of backward path ", i, " is ", log_w(i),
            ", expected a finite number");
  const Scaled of(log_w.array()), inverse(-log_w.array());
  const double log_z = -inverse.log_mean, ess = std::exp(log_z - of.log_mean);
  const ArrayXd relative = of.w / of.mean, relative_inverse = inverse.w / inverse.mean;
  return {.bound = log_w.mean(),
          .bound_error = mean_error(log_w.array()),
          .log_z = log_z,
          .log_z_error = mean_error(relative_inverse),
          .ess = ess,
          .ess_error = ess * mean_error(relative + relative_inverse)};
}

}  // namespace gmdiff
