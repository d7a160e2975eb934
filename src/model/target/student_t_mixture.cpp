#include <cmath>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/target/compiled.hpp"
#include "model/target/formulas.hpp"
#include "model/target/log_gamma.hpp"
#include "model/uniform_locations.hpp"

// Mixtures of products of Student's t-distributions (mathematics.md §13.5).

namespace gmdiff {
namespace {

constexpr long double pi = 3.14159265358979323846264338327950288420L;
constexpr double least_nu = 0.1;  // draws of smaller ones overflow
constexpr double most_nu = 1000.0;

/// Operations of l: 6 for each location's coordinate, 4 for each location.
std::int64_t operations(const StudentTMixture& target) {
  return std::int64_t{target.components} * (6 * std::int64_t{target.dim} + 4);
}

}  // namespace

Points student_t_locations(const StudentTMixture& target) {
  if (target.locations.size() > 0) return target.locations;
  return uniform_locations(LocationStream::student_t_mixture, target.components, target.dim, 10.0);
}

namespace targets {

void check(const StudentTMixture& target) {
  require(target.components >= 1, target.name, ": components must be at least 1, got ", target.components);
  require(target.dim >= 1, target.name, ": dim must be at least 1, got ", target.dim);
  require(target.nu >= least_nu && target.nu <= most_nu, target.name, ": nu must be in [", least_nu, ", ",
          most_nu, "], got ", target.nu);
  require(operations(target) <= Expression::max_operations, target.name, ": ", target.components,
          " components in dimension ", target.dim, " take ", operations(target), " operations, more than ",
          Expression::max_operations);
  const Points& locations = target.locations;
  if (locations.size() == 0) return;
  require(locations.rows() == target.components && locations.cols() == target.dim, target.name,
          ": locations has shape (", locations.rows(), ", ", locations.cols(), "), expected (",
          target.components, ", ", target.dim, "), the numbers components and dim");
  require(locations.allFinite(), target.name, ": locations must be finite");
}

expressions::Term append_log_density(expressions::Graph& graph, const StudentTMixture& target) {
  using expressions::Term;
  const Points locations = student_t_locations(target);
  const auto nu = static_cast<long double>(target.nu);
  const auto log_component = [&](Eigen::Index k) {
    Term sum(graph, graph.constant(0.0L));
    for (int j = 0; j < target.dim; ++j) {
      const Term u = coordinate(graph, j) - static_cast<long double>(locations(k, j));
      sum = sum + log(1.0L + (1.0L / nu) * square(u));
    }
    return -0.5L * (nu + 1.0L) * sum;
  };
  // log(e^a + e^b) = a + log(1 + e^(b - a)), one component after the other.
  Term l = log_component(0);
  for (Eigen::Index k = 1; k < locations.rows(); ++k) l = l + softplus(log_component(k) - l);
  return l;
}

double log_constant(const StudentTMixture& target) {
  const auto nu = static_cast<long double>(target.nu);
  const long double c = log_gamma(0.5L * (nu + 1.0L)) - log_gamma(0.5L * nu) - 0.5L * extended::log(nu * pi);
  const auto K = static_cast<long double>(target.components);
  return static_cast<double>(static_cast<long double>(target.dim) * c - extended::log(K));
}

std::optional<CoordinateMoments> moments(const StudentTMixture& target) {
  if (target.nu <= 2.0) return {};
  const Points locations = student_t_locations(target);
  const Eigen::RowVectorXd mean = locations.colwise().mean();
  const Eigen::RowVectorXd spread = (locations.rowwise() - mean).array().square().colwise().mean();
  return CoordinateMoments{mean.transpose(), spread.transpose().array() + target.nu / (target.nu - 2.0)};
}

Eigen::MatrixXd covariance(const StudentTMixture& target, const CoordinateMoments& moments) {
  Points offsets = student_t_locations(target);
  offsets.rowwise() -= moments.mean.transpose();
  Eigen::MatrixXd result = offsets.transpose() * offsets / static_cast<double>(offsets.rows());
  result.diagonal() = moments.variance;
  return result;
}

void draw(const StudentTMixture& target, DrawStreams& streams, Row x) {
  const double u = categorical_uniform(streams.uniform(0), Precision::f64);
  const auto k = static_cast<Eigen::Index>(u * target.components);
  const Points locations = student_t_locations(target);
  const auto nu = static_cast<long double>(target.nu);
  // The polar method for Student's t-distribution (Bailey 1994).
  for (Eigen::Index j = 0; j < x.size(); ++j) {
    const auto m = static_cast<std::uint64_t>(2 * j);
    const long double log_radius = extended::log(streams.open_uniform(m + 1));
    const auto angle = static_cast<long double>(categorical_uniform(streams.uniform(m + 2), Precision::f64));
    const long double t =
        std::sqrt(nu * extended::expm1(-2.0L / nu * log_radius)) * extended::cos(2.0L * pi * angle);
    x(j) = locations(k, j) + static_cast<double>(t);
  }
}

}  // namespace targets
}  // namespace gmdiff
