#pragma once

#include <array>
#include <vector>

#include "report/contours.hpp"
#include "report/figure.hpp"
#include "report/panel.hpp"
#include "report/view.hpp"

// Densities of laws in a view, as curves and as shaded regions of highest density.

namespace gmdiff::report {

/// Shares of the law's mass in the shaded regions, from outside to inside. Each region is the smallest one
/// that holds its share.
constexpr std::array<double, 6> shaded_masses{0.99, 0.95, 0.8, 0.6, 0.4, 0.2};

/// The density of a 1-D law at `num_nodes` nodes of an axis, in the order of the axis. A law with details
/// finer than the nodes is blurred to their distance; `blurred` then becomes true.
std::vector<Place> density_curve(const Mixture& law, const Axis& x, int num_nodes, bool& blurred);

/// The density of a coordinate of a law at nodes of an axis, as above.
std::vector<Place> marginal_curve(const ViewedLaw& law, Eigen::Index axis, const Axis& x, int num_nodes,
                                  bool& blurred);
std::vector<Place> marginal_curve(const ViewedTarget& target, Eigen::Index axis, const Axis& x, int num_nodes,
                                  bool& blurred);

/// At every node the share of the mass that does not lie at nodes of higher density: 1 at the mode, 0 far
/// away. With `by_column` each column is a law of its own. `density` >= 0.
Points depth_of(const Points& density, bool by_column);

/// Shades the regions of a 2-D law. @returns whether the law was blurred to the distance of the grid's nodes.
bool draw_density(Panel& panel, const Mixture& law, const Axis& x, const Axis& y);
bool draw_density(Panel& panel, const ViewedLaw& law, const Axis& x, const Axis& y);
bool draw_density(Panel& panel, const ViewedTarget& target, const Axis& x, const Axis& y);

/// Shades regions of a grid of depths.
void draw_depths(Panel& panel, const GridValues& depths);

/// The legend of the shaded regions.
std::vector<LegendEntry> density_legend();

/// The note about a law that was blurred.
constexpr const char* blur_note =
    "The law has details finer than a point of this picture; its density is blurred to that width.";

}  // namespace gmdiff::report
