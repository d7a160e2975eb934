#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "metrics/eigenvalues.hpp"
#include "metrics/law_moments.hpp"
#include "metrics/point_set.hpp"
#include "metrics/responsibilities.hpp"

namespace gmdiff {

Level responsibility_level(const Mixture& law) {
  const Eigen::RowVectorXd mean = law.mean().transpose();
  double variance = 0.0;
  bool singular = false;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) == 0.0) continue;
    const Eigen::VectorXd l = component_eigenvalues(law, k);
    singular = singular || l.minCoeff() == 0.0;
    variance += law.weights()(k) * (l.sum() + (law.means().row(k) - mean).squaredNorm());
  }
  const double deviation = std::sqrt(variance / static_cast<double>(law.dim()));
  return {.alpha = 1.0,
          .sigma = !singular         ? 0.0
                   : deviation > 0.0 ? least_relative_deviation * deviation
                                     : 1.0};
}

namespace {

void check_point_weights(std::span<const double> weights, Eigen::Index count) {
  require(std::ssize(weights) == count, "mode_weights: ", count, " points need as many point weights, given ",
          weights.size());
  double sum = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    require(weights[i] >= 0.0 && std::isfinite(weights[i]), "mode_weights: point weights must be >= 0 and ",
            "finite, given ", weights[i], " for point ", i);
    sum += weights[i];
  }
  require(sum > 0.0 && std::isfinite(sum),
          "mode_weights: the sum of the point weights must be > 0 and finite, ", "given ", sum);
}

double total_variation(const Eigen::VectorXd& p, const Eigen::VectorXd& q) {
  return 0.5 * (p - q).lpNorm<1>();
}

}  // namespace

ModeFrequencies mode_frequencies(const PointSet& x, const Mixture& law) {
  check_points("mode_frequencies", x.points(), law);
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(law.num_components());
  for_log_responsibilities(x.points(), law, [&](Eigen::Index, const Points& log_responsibilities) {
    for (Eigen::Index i = 0; i < log_responsibilities.rows(); ++i) {
      Eigen::Index mode = 0;
      log_responsibilities.row(i).maxCoeff(&mode);
      counts(mode) += 1.0;
    }
  });
  const Eigen::VectorXd frequencies = counts / static_cast<double>(x.points().rows());
  return {.frequencies = frequencies,
          .weights = law.weights(),
          .total_variation = total_variation(frequencies, law.weights())};
}

ModeWeights mode_weights(const PointSet& x, const Mixture& law, std::span<const double> point_weights) {
  check_points("mode_weights", x.points(), law);
  if (!point_weights.empty()) check_point_weights(point_weights, x.points().rows());
  Eigen::VectorXd sums = Eigen::VectorXd::Zero(law.num_components());
  for_log_responsibilities(x.points(), law, [&](Eigen::Index first, const Points& log_responsibilities) {
    const Points responsibilities = log_responsibilities.array().exp();
    if (point_weights.empty()) {
      sums += responsibilities.colwise().sum().transpose();
    } else {
      const Eigen::Map<const Eigen::VectorXd> rows(point_weights.data() + first, responsibilities.rows());
      sums += responsibilities.transpose() * rows;
    }
  });
  const Eigen::VectorXd estimates = sums / sums.sum();
  return {.estimates = estimates,
          .weights = law.weights(),
          .total_variation = total_variation(estimates, law.weights())};
}

}  // namespace gmdiff
