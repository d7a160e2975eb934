#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/quadrature.hpp>
#include <gmdiff/model/target_law.hpp>

#include "report/axis.hpp"

// The one or two directions in which a picture shows a law or points of dimension d.

namespace gmdiff::report {

struct View {
  Eigen::MatrixXd directions;      ///< (1 or 2, d), rows of length 1
  std::vector<std::string> names;  ///< of the directions, for the axes

  Eigen::Index num_axes() const { return directions.rows(); }
};

/// The given coordinates: one or two different ones in [0, dim). @throws std::invalid_argument.
View coordinate_view(Eigen::Index dim, const std::vector<Eigen::Index>& coordinates);
/// The first two coordinates, or the only one.
View usual_view(Eigen::Index dim);
/// The two directions of largest variance of the law, dim >= 2. The largest entry of each is positive.
/// @throws std::invalid_argument for a law of one coordinate, or of too many for a dense covariance.
View principal_view(const Mixture& law);
/// Two orthogonal directions, uniformly distributed; they depend on `dim` >= 2 and `seed`.
View random_view(Eigen::Index dim, std::uint64_t seed);

/// Points (n, d) in the view, (n, 1 or 2).
Points in_view(const View& view, const Points& points);

/// A law in a view, which is a mixture in one or two dimensions. The noise of a level has the same standard
/// deviation in every view, so its diffusion is the view of the diffused law.
struct ViewedLaw {
  std::string name;  ///< for titles, e.g. "posterior of problem.json"
  Mixture mixture;
  std::vector<std::string> axes;

  bool is_curve() const { return mixture.dim() == 1; }
};
ViewedLaw in_view(const View& view, std::string name, const Mixture& law);

/// The law of a target of one or two coordinates.
struct ViewedTarget {
  std::string name;  ///< for titles, e.g. "target of problem.json"
  TargetLaw law;
  std::vector<MarginalDensity> marginals;  ///< of the coordinates
  std::vector<std::string> axes;

  bool is_curve() const { return law.dim() == 1; }
};
/// @throws std::invalid_argument for a target of three or more coordinates, whose marginals are not known.
ViewedTarget viewed(std::string name, const Target& target);

/// The axis on which coordinate `axis` of the law has its mass: means and three standard deviations of all
/// components with a share worth showing.
Axis axis_of(const ViewedLaw& law, Eigen::Index axis, Level level = {});
/// The axis on which a coordinate of a target has all of its mass but a thousandth at each end.
Axis axis_of(const ViewedTarget& target, Eigen::Index axis);
/// The shortest axis that contains both.
Axis union_of(Axis a, const Axis& b);

}  // namespace gmdiff::report
