#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "metrics/eigenvalues.hpp"
#include "metrics/law_moments.hpp"
#include "metrics/point_set.hpp"

namespace gmdiff {
namespace {

/// Level at which the law has responsibilities. This is the law itself, unless a component of positive weight
/// has no density: then it is the law blurred by 1e-6 of its standard deviation (by 1 when the law is a
/// single point).
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

/// Calls `use(first, rows)` with log-responsibilities of consecutive points, from number `first` on. The
/// (n, K) responsibilities of all points may not fit in memory, so they are computed for some points at a
/// time.
template <class Use>
void for_log_responsibilities(const Points& x, const Mixture& law, Use use) {
  constexpr Eigen::Index batch = 4096;
  const Level level = responsibility_level(law);
  for (Eigen::Index first = 0; first < x.rows(); first += batch)
    use(first, law.log_responsibilities(x.middleRows(first, std::min(batch, x.rows() - first)), level));
}

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
