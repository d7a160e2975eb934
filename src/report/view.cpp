#include "report/view.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <Eigen/Eigenvalues>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"

namespace gmdiff::report {
namespace {

constexpr Eigen::Index most_principal_dim = 2000;  // its dense covariance takes 32 MB

/// The direction with a positive largest entry.
Eigen::RowVectorXd oriented(const Eigen::VectorXd& direction) {
  Eigen::Index largest = 0;
  direction.cwiseAbs().maxCoeff(&largest);
  return (direction(largest) < 0.0 ? -direction : direction).transpose();
}

}  // namespace

View coordinate_view(Eigen::Index dim, const std::vector<Eigen::Index>& coordinates) {
  require(coordinates.size() == 1 || coordinates.size() == 2,
          "a picture shows one or two coordinates, given ", coordinates.size());
  View view{Eigen::MatrixXd::Zero(std::ssize(coordinates), dim), {}};
  for (std::size_t i = 0; i < coordinates.size(); ++i) {
    const Eigen::Index coordinate = coordinates[i];
    require(coordinate >= 0 && coordinate < dim, "coordinate ", coordinate,
            ": the law has the coordinates 0 to ", dim - 1);
    require(i == 0 || coordinate != coordinates[0], "coordinate ", coordinate, " is given twice");
    view.directions(static_cast<Eigen::Index>(i), coordinate) = 1.0;
    view.names.push_back(concat("coordinate ", coordinate));
  }
  return view;
}

View usual_view(Eigen::Index dim) {
  return coordinate_view(dim, dim == 1 ? std::vector<Eigen::Index>{0} : std::vector<Eigen::Index>{0, 1});
}

View principal_view(const Mixture& law) {
  const Eigen::Index dim = law.dim();
  require(dim >= 2, "a plane needs a law of two or more coordinates, this one has 1");
  require(dim <= most_principal_dim, "principal directions are computed up to dimension ", most_principal_dim,
          ", the law has ", dim, "; choose two coordinates");
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(law.covariance());
  const double total = solver.eigenvalues().sum();
  View view{Eigen::MatrixXd(2, dim), {}};
  for (const Eigen::Index i : {0, 1}) {
    const Eigen::Index column = dim - 1 - i;
    view.directions.row(i) = oriented(solver.eigenvectors().col(column));
    const double share = total > 0.0 ? 100.0 * solver.eigenvalues()(column) / total : 0.0;
    view.names.push_back(
        concat("principal direction ", i + 1, " (", number_label(share), " % of the variance)"));
  }
  return view;
}

View random_view(Eigen::Index dim, std::uint64_t seed) {
  require(dim >= 2, "a plane needs a law of two or more coordinates, this one has 1");
  const Points directions = random_directions(dim, 2, seed);
  const Eigen::RowVectorXd first = directions.row(0);
  const Eigen::RowVectorXd rest = directions.row(1) - directions.row(1).dot(first) * first;
  View view{Eigen::MatrixXd(2, dim), {concat("random direction 1 of seed ", seed), "random direction 2"}};
  view.directions.row(0) = first;
  view.directions.row(1) = rest.normalized();
  return view;
}

Points in_view(const View& view, const Points& points) { return points * view.directions.transpose(); }

ViewedLaw in_view(const View& view, std::string name, const Mixture& law) {
  return {std::move(name), law.push_forward(view.directions, Eigen::VectorXd::Zero(view.num_axes())),
          view.names};
}

ViewedTarget viewed(std::string name, const Target& target) {
  require(target.dim() <= 2,
          "a picture of a target shows its marginals, which are known in dimension 1 and 2; ", name,
          " has dimension ", target.dim());
  return {std::move(name), TargetLaw(target), quadrature(target).marginals, usual_view(target.dim()).names};
}

Axis axis_of(const ViewedLaw& law, Eigen::Index axis, Level level) {
  constexpr double deviations = 3.0;
  const Mixture& mixture = law.mixture;
  const double least_weight = 0.02 / static_cast<double>(mixture.num_components());
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (Eigen::Index k = 0; k < mixture.num_components(); ++k) {
    if (mixture.weights()(k) < least_weight) continue;
    const double variance = std::max(mixture.component_covariance(k)(axis, axis), 0.0);
    const double reach = deviations * std::hypot(level.alpha * std::sqrt(variance), level.sigma);
    const double centre = level.alpha * mixture.means()(k, axis);
    low = std::min(low, centre - reach);
    high = std::max(high, centre + reach);
  }
  return widened(low, high, 0.04, law.axes[static_cast<std::size_t>(axis)]);
}

Axis axis_of(const ViewedTarget& target, Eigen::Index axis) {
  constexpr double tail = 1e-3;
  const MarginalDensity& marginal = target.marginals[static_cast<std::size_t>(axis)];
  const double total = marginal.density.sum();
  const auto end = [&](Eigen::Index first, Eigen::Index step) {
    double mass = 0.0;
    Eigen::Index i = first;
    while ((mass += marginal.density(i)) < tail * total) i += step;
    return marginal.points(i);
  };
  return widened(end(0, 1), end(marginal.points.size() - 1, -1), 0.1,
                 target.axes[static_cast<std::size_t>(axis)]);
}

Axis union_of(Axis a, const Axis& b) {
  a.low = std::min(a.low, b.low);
  a.high = std::max(a.high, b.high);
  return a;
}

}  // namespace gmdiff::report
