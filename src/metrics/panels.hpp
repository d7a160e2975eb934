#pragma once

#include <vector>

#include <Eigen/Core>

namespace gmdiff {

/// Nodes and weights of Gauss-Legendre quadrature on [-1, 1].
struct GaussLegendre {
  Eigen::ArrayXd nodes;
  Eigen::ArrayXd weights;

  explicit GaussLegendre(int n);
};

/// The interval in which the cdf of a component with this deviation changes.
struct ComponentRange {
  double begin;
  double end;
  double deviation;
};

/// Ends of panels for integrals over a function of the cdf of a one-dimensional mixture, ascending. On each
/// panel the cdf of every component is constant or changes over at least half the panel's length.
std::vector<double> panel_ends(const std::vector<ComponentRange>& components);

}  // namespace gmdiff
