#include <gmdiff/metrics/coverage.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "base/random.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "metrics/eigenvalues.hpp"
#include "metrics/law_moments.hpp"
#include "metrics/point_set.hpp"

namespace gmdiff {
namespace {

/// Replicate of the streams of truth and directions: the last one, which no draw of `judge` uses.
constexpr std::uint32_t coverage_replicate = (std::uint32_t{1} << 24) - 1;

/// Number of the order statistic at which the central interval of n values begins, from 1.
std::int64_t first_rank(std::int64_t n, double level) {
  require(level > 0.0 && level < 1.0, "credible_interval: level must be in (0, 1), given ", level);
  require(n >= least_interval_count(level), "credible_interval: ", n,
          " values are too few for an interval of level ", level, ", which needs ",
          least_interval_count(level), " or more");
  const double position = (1.0 - level) / 2.0 * (static_cast<double>(n) + 1.0);
  return std::max<std::int64_t>(std::lround(position), 1);
}

/// Probability that a further value lies between the order statistics i and n + 1 - i of n values.
double exact_level(std::int64_t n, std::int64_t i) {
  return static_cast<double>(n + 1 - 2 * i) / static_cast<double>(n + 1);
}

/// Whether all components vary along the unit vector u by more than `least`.
bool varies(const Mixture& law, const Eigen::VectorXd& u, double least) {
  const Mixture marginal = law.project(u);
  for (Eigen::Index k = 0; k < marginal.num_components(); ++k) {
    if (marginal.weights()(k) > 0.0 && !(std::sqrt(eigenvalue(marginal, k, 0)) > least)) return false;
  }
  return true;
}

/// Chooses the directions of one problem.
class CoverageDirections {
 public:
  CoverageDirections(const Mixture& law, const LinearObservation& observation, std::uint64_t seed)
      : law_(law),
        svd_(linear_algebra::full_svd(observation.A())),
        seed_(seed),
        least_(least_relative_deviation *
               std::sqrt(law.covariance().trace() / static_cast<double>(law.dim()))) {}

  std::optional<Eigen::VectorXd> observed() const {
    std::vector<Eigen::Index> left(static_cast<std::size_t>(svd_.rank()));
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = static_cast<Eigen::Index>(i);
    for (std::uint64_t draw = 0; !left.empty(); ++draw) {
      const double u = categorical_uniform(uniform_u64(stream(0), draw), Precision::f64);
      const auto chosen = left.begin() + static_cast<std::ptrdiff_t>(u * static_cast<double>(left.size()));
      const Eigen::VectorXd direction = svd_.V.col(*chosen);
      if (varies(law_, direction, least_)) return direction;
      left.erase(chosen);
    }
    return {};
  }

  std::optional<Eigen::VectorXd> null_space() const {
    const Eigen::Index dim = law_.dim();
    if (svd_.rank() == dim) return {};
    // The projection of normals of R^d does not depend on the basis of the null space.
    NormalStream normal(stream(1), Precision::f64);
    Eigen::VectorXd direction(dim);
    for (Eigen::Index i = 0; i < dim; ++i) direction(i) = normal(static_cast<std::uint64_t>(i));
    const Eigen::MatrixXd basis = svd_.V.rightCols(dim - svd_.rank());
    direction = (basis * (basis.transpose() * direction)).normalized();
    return varies(law_, direction, least_) ? std::optional(direction) : std::nullopt;
  }

 private:
  StreamKey stream(std::uint64_t index) const {
    return {.seed = seed_, .index = index, .purpose = Purpose::directions, .replicate = coverage_replicate};
  }

  const Mixture& law_;
  linear_algebra::Svd svd_;
  std::uint64_t seed_;
  double least_;
};

/// The point that the samples are supposed to have come from: an exact draw of the law.
Eigen::VectorXd draw_truth(const Mixture& law, std::uint64_t seed) {
  Points truth(1, law.dim());
  draw_points(draw_plan({&law, 1}), seed, coverage_replicate, thread_session(Device::reference())->executor(),
              truth);
  return truth.row(0).transpose();
}

}  // namespace

std::int64_t least_interval_count(double level) {
  return static_cast<std::int64_t>(std::ceil(1.0 / (1.0 - level) - 1.0));
}

CredibleInterval credible_interval(std::span<const double> values, double level) {
  const std::int64_t n = std::ssize(values);
  const std::int64_t i = first_rank(n, level);
  std::vector<double> sorted(values.begin(), values.end());
  for (std::size_t v = 0; v < sorted.size(); ++v)
    require(std::isfinite(sorted[v]), "credible_interval: value ", v, " is not finite (", sorted[v], ")");
  const auto order_statistic = [&](std::int64_t rank) {
    const auto nth = sorted.begin() + (rank - 1);
    std::nth_element(sorted.begin(), nth, sorted.end());
    return *nth;
  };
  return {.low = order_statistic(i), .high = order_statistic(n + 1 - i), .level = exact_level(n, i)};
}

CoverageHits coverage_hits(const PointSet& x, const Mixture& law, const LinearObservation& observation,
                           const CoverageOptions& options) {
  return coverage_hits_each({&x, 1}, law, observation, options).front();
}

std::vector<CoverageHits> coverage_hits_each(std::span<const PointSet> sets, const Mixture& law,
                                             const LinearObservation& observation,
                                             const CoverageOptions& options) {
  for (const PointSet& x : sets) check_points("coverage_hits", x.points(), law);
  require(observation.A().cols() == law.dim(), "coverage_hits: A has ", observation.A().cols(),
          " columns but the law has dimension ", law.dim());
  const CoverageDirections directions(law, observation, options.seed);
  const std::optional<Eigen::VectorXd> observed = directions.observed();
  const std::optional<Eigen::VectorXd> null_space = directions.null_space();
  const Eigen::VectorXd truth = draw_truth(law, options.seed);
  std::vector<CoverageHits> hits;
  for (const PointSet& x : sets) {
    const std::int64_t n = x.points().rows();
    const auto contains = [&](const std::optional<Eigen::VectorXd>& direction) -> std::optional<bool> {
      if (!direction) return {};
      const Eigen::VectorXd marginal = x.points() * *direction;
      return credible_interval({marginal.data(), static_cast<std::size_t>(n)}, options.level)
          .contains(direction->dot(truth));
    };
    hits.push_back({.level = exact_level(n, first_rank(n, options.level)),
                    .observed = contains(observed),
                    .null_space = contains(null_space)});
  }
  return hits;
}

}  // namespace gmdiff
