#include "plan/tables.hpp"

#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"

namespace gmdiff {

namespace {

/// 2^64 times the cumulative weights, rounded down (numerics.md §5). From the last component of weight > 0 on
/// they are all ones, so that this component gets everything above the last threshold for any rounding of the
/// sum.
std::vector<std::uint64_t> component_thresholds(const Eigen::VectorXd& weights) {
  Eigen::Index last = weights.size() - 1;
  while (weights(last) == 0.0) --last;
  std::vector<std::uint64_t> thresholds;
  long double cumulative = 0.0L;
  for (Eigen::Index k = 0; k < weights.size(); ++k) {
    cumulative += static_cast<long double>(weights(k));
    const bool full = k >= last || cumulative >= 1.0L;
    thresholds.push_back(full ? std::numeric_limits<std::uint64_t>::max()
                              : static_cast<std::uint64_t>(std::ldexp(cumulative, 64)));
  }
  return thresholds;
}

Points rotated_means(const Mixture& mixture) {
  if (mixture.bases().empty() || mixture.covariance_type() == CovarianceType::full) return {};
  return linear_algebra::product(mixture.means(), mixture.bases().front());
}

MixtureTable mixture_table(const Mixture& mixture) {
  return {.structure = mixture.covariance_type(),
          .log_weights = mixture.log_weights(),
          .thresholds = component_thresholds(mixture.weights()),
          .means = mixture.means(),
          .rotated_means = rotated_means(mixture),
          .eigenvalues = mixture.eigenvalues(),
          .bases = mixture.bases(),
          .covariances = mixture.dense_covariances()};
}

}  // namespace

std::vector<MixtureTable> mixture_tables(std::span<const Mixture> mixtures) {
  require(!mixtures.empty(), "plan: no mixture given");
  const Mixture& first = mixtures.front();
  std::vector<MixtureTable> tables;
  for (const Mixture& mixture : mixtures) {
    require(mixture.dim() == first.dim() && mixture.num_components() == first.num_components() &&
                mixture.covariance_type() == first.covariance_type(),
            "plan: the problems of a batch must have one shape; problem 0 has K = ", first.num_components(),
            ", d = ", first.dim(), " and covariance '", to_string(first.covariance_type()), "', problem ",
            tables.size(), " has K = ", mixture.num_components(), ", d = ", mixture.dim(),
            " and covariance '", to_string(mixture.covariance_type()), "'");
    tables.push_back(mixture_table(mixture));
  }
  return tables;
}

MixtureTable no_mixture(Eigen::Index dim) {
  MixtureTable table{};
  table.structure = CovarianceType::spherical;
  table.means = Points(0, dim);
  table.eigenvalues = Points(0, 1);
  return table;
}

MixtureTable in_data_coordinates(MixtureTable table) {
  if (table.bases.empty() || table.structure == CovarianceType::full) return table;
  const Eigen::Index K = table.num_components();
  const auto of_each = [K](auto& matrices) {
    if (matrices.size() == 1) matrices.assign(static_cast<std::size_t>(K), matrices.front());
  };
  of_each(table.bases);
  of_each(table.covariances);
  if (table.eigenvalues.rows() == 1) table.eigenvalues = table.eigenvalues.row(0).replicate(K, 1).eval();
  table.rotated_means.resize(0, 0);
  table.structure = CovarianceType::full;
  return table;
}

MixtureTable evaluated_mixture(const Target& target) {
  const ObservedMixture* const observed = target.observed();
  if (observed == nullptr) return no_mixture(target.dim());
  return in_data_coordinates(mixture_tables(std::span(&observed->prior, 1)).front());
}

}  // namespace gmdiff
