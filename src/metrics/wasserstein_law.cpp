#include <algorithm>
#include <cmath>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "device/distance_sums.hpp"
#include "device/thread_session.hpp"
#include "metrics/point_set.hpp"
#include "metrics/projected_laws.hpp"
#include "metrics/scale.hpp"
#include "metrics/scaled_slices.hpp"

// Sliced Wasserstein distances to a law, without draws from it (mathematics.md §9.1).

namespace gmdiff {
namespace {

/// Weights with sum 1; empty for none.
Eigen::VectorXd checked_weights(const char* where, std::span<const double> weights, Eigen::Index count) {
  if (weights.empty()) return {};
  require(std::ssize(weights) == count, where, ": expected ", count, " weights, one for each point, given ",
          weights.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    require(weights[i] >= 0.0 && std::isfinite(weights[i]), where,
            ": weights must be finite and >= 0, weight ", i, " is ", weights[i]);
    largest = std::max(largest, weights[i]);
  }
  require(largest > 0.0, where, ": all weights are 0");
  // The sum of the largest doubles would overflow.
  Eigen::VectorXd result(count);
  for (Eigen::Index i = 0; i < count; ++i) result(i) = weights[static_cast<std::size_t>(i)] / largest;
  return result / result.sum();
}

ScaledSlices law_slices(const Points& x, const Mixture& law, const Points& directions, int p,
                        const Device& device, const Eigen::VectorXd& weights) {
  const double factor = normalising_factor(std::max(x.cwiseAbs().maxCoeff(), largest_size(law)));
  const LineLaws laws = project_law(law, directions, factor);
  const DistanceSums& sums = thread_session(device)->sums();
  return {.powers = factor == 1.0 ? sums.law_slices(x, weights, laws, directions, p)
                                  : sums.law_slices(factor * x, weights, laws, directions, p),
          .factor = factor,
          .p = p};
}

/// W_p^p along given directions; `where` is the function that messages name.
ScaledSlices checked_law_slices(const char* where, const PointSet& x, const Mixture& law,
                                const Points& directions, int p, const Device& device,
                                std::span<const double> weights) {
  check_order(where, p);
  check_points(where, x.points(), law);
  check_directions(where, directions, law.dim(), "law has dimension");
  return law_slices(x.points(), law, directions, p, device,
                    checked_weights(where, weights, x.points().rows()));
}

/// W_p^p along the random directions of the options.
ScaledSlices random_law_slices(const char* where, const PointSet& x, const Mixture& law,
                               const SlicedOptions& options, std::span<const double> weights) {
  check_order(where, options.p);
  check_slices(where, options.slices);
  check_points(where, x.points(), law);
  return law_slices(x.points(), law, random_directions(law.dim(), options.slices, options.seed), options.p,
                    options.device, checked_weights(where, weights, x.points().rows()));
}

}  // namespace

Eigen::VectorXd slice_wasserstein(const PointSet& x, const Mixture& law, const Points& directions, int p,
                                  const Device& device, std::span<const double> weights) {
  return checked_law_slices("slice_wasserstein", x, law, directions, p, device, weights).values();
}

double sliced_wasserstein(const PointSet& x, const Mixture& law, const SlicedOptions& options,
                          std::span<const double> weights) {
  return random_law_slices("sliced_wasserstein", x, law, options, weights).mean();
}

double sliced_wasserstein(const PointSet& x, const Mixture& law, const Points& directions, int p,
                          const Device& device, std::span<const double> weights) {
  return checked_law_slices("sliced_wasserstein", x, law, directions, p, device, weights).mean();
}

double max_sliced_wasserstein(const PointSet& x, const Mixture& law, const SlicedOptions& options,
                              std::span<const double> weights) {
  return random_law_slices("max_sliced_wasserstein", x, law, options, weights).max();
}

double max_sliced_wasserstein(const PointSet& x, const Mixture& law, const Points& directions, int p,
                              const Device& device, std::span<const double> weights) {
  return checked_law_slices("max_sliced_wasserstein", x, law, directions, p, device, weights).max();
}

}  // namespace gmdiff
