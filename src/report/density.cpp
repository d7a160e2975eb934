#include "report/density.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>

#include "base/check.hpp"
#include "report/palette.hpp"

namespace gmdiff::report {
namespace {

static_assert(shaded_masses.size() == num_density_colors);

/// The law with every standard deviation at least about `least`, when it has a smaller one.
Mixture blurred_to(const Mixture& law, double least, bool& blurred) {
  if (law.eigenvalues().minCoeff() >= least * least) return law;
  blurred = true;
  return law.diffuse({.alpha = 1.0, .sigma = least});
}

constexpr double least_deviation = 0.7;  // of what is visible, in distances of nodes

std::vector<double> nodes_of(const Axis& axis, int count) {
  std::vector<double> nodes;
  nodes.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) nodes.push_back(axis.low + (axis.high - axis.low) * i / (count - 1));
  return nodes;
}

/// The density of a table at any point, linear between its points and 0 beyond them.
double interpolated(const MarginalDensity& marginal, double x) {
  const Eigen::VectorXd& points = marginal.points;
  const Eigen::Index last = points.size() - 1;
  const double place = (x - points(0)) / (points(last) - points(0)) * static_cast<double>(last);
  if (!(place >= 0.0 && place <= static_cast<double>(last))) return 0.0;
  const auto i = std::min(static_cast<Eigen::Index>(place), last - 1);
  return std::lerp(marginal.density(i), marginal.density(i + 1), place - static_cast<double>(i));
}

/// Depths of one law, whose densities are those at `order`.
void fill_depths(const Points& density, std::vector<Eigen::Index> order, Points& depth) {
  const auto value = [&](Eigen::Index i) { return density.data()[i]; };
  std::ranges::stable_sort(order, [&](Eigen::Index a, Eigen::Index b) { return value(a) > value(b); });
  double total = 0.0;
  for (const Eigen::Index i : order) total += value(i);
  double above = 0.0;
  for (const Eigen::Index i : order) {
    const double share = total > 0.0 ? value(i) / total : 0.0;
    depth.data()[i] = total > 0.0 ? 1.0 - above - share / 2.0 : 0.0;
    above += share;
  }
}

}  // namespace

std::vector<Place> density_curve(const Mixture& law, const Axis& x, int num_nodes, bool& blurred) {
  const std::vector<double> nodes = nodes_of(x, num_nodes);
  const Mixture visible = blurred_to(law, least_deviation * (nodes[1] - nodes[0]), blurred);
  const Eigen::VectorXd density = visible.pdf(Eigen::Map<const Points>(nodes.data(), std::ssize(nodes), 1));
  std::vector<Place> curve;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    curve.push_back({nodes[i], density(static_cast<Eigen::Index>(i))});
  return curve;
}

Points depth_of(const Points& density, bool by_column) {
  Points depth(density.rows(), density.cols());
  if (!by_column) {
    std::vector<Eigen::Index> all(static_cast<std::size_t>(density.size()));
    std::iota(all.begin(), all.end(), Eigen::Index{0});
    fill_depths(density, std::move(all), depth);
    return depth;
  }
  for (Eigen::Index j = 0; j < density.cols(); ++j) {
    std::vector<Eigen::Index> column;
    for (Eigen::Index i = 0; i < density.rows(); ++i) column.push_back(i * density.cols() + j);
    fill_depths(density, std::move(column), depth);
  }
  return depth;
}

namespace {

/// Nodes of a picture of a plane, a few pixels apart.
GridValues picture_nodes(const Panel& panel, const Axis& x, const Axis& y) {
  constexpr double cell = 4.0;  // pixels
  const auto count = [](double pixels) { return std::clamp(static_cast<int>(pixels / cell), 30, 160) + 1; };
  return {nodes_of(x, count(panel.frame().width)), nodes_of(y, count(panel.frame().height)), {}};
}

/// All nodes (n, 2), row by row, divided by the units of the axes.
Points points_of(const GridValues& grid, double unit_x, double unit_y) {
  const auto columns = std::ssize(grid.x), rows = std::ssize(grid.y);
  Points nodes(columns * rows, 2);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j)
      nodes.row(i * columns + j) << grid.x[static_cast<std::size_t>(j)] / unit_x,
          grid.y[static_cast<std::size_t>(i)] / unit_y;
  }
  return nodes;
}

/// Shades the regions of densities at all nodes.
void draw_densities(Panel& panel, GridValues grid, const Eigen::VectorXd& density) {
  const auto columns = std::ssize(grid.x), rows = std::ssize(grid.y);
  grid.values = depth_of(Eigen::Map<const Points>(density.data(), rows, columns), /*by_column=*/false);
  draw_depths(panel, grid);
}

}  // namespace

bool draw_density(Panel& panel, const Mixture& law, const Axis& x, const Axis& y) {
  const GridValues grid = picture_nodes(panel, x, y);
  // In units of the distance between nodes, so that one width serves both axes.
  const double dx = grid.x[1] - grid.x[0], dy = grid.y[1] - grid.y[0];
  const Eigen::MatrixXd scaling = Eigen::Vector2d(1.0 / dx, 1.0 / dy).asDiagonal();
  bool blurred = false;
  const Mixture visible =
      blurred_to(law.push_forward(scaling, Eigen::VectorXd::Zero(2)), least_deviation, blurred);
  draw_densities(panel, grid, visible.pdf(points_of(grid, dx, dy)));
  return blurred;
}

bool draw_density(Panel& panel, const ViewedLaw& law, const Axis& x, const Axis& y) {
  return draw_density(panel, law.mixture, x, y);
}

bool draw_density(Panel& panel, const ViewedTarget& target, const Axis& x, const Axis& y) {
  const GridValues grid = picture_nodes(panel, x, y);
  const Eigen::ArrayXd l = target.law.target().log_density(points_of(grid, 1.0, 1.0));
  const Eigen::VectorXd density = (l - target.law.log_normalizer()).exp();
  // Outside of the support the log-density may be NaN.
  draw_densities(panel, grid, density.array().isNaN().select(0.0, density));
  return false;
}

std::vector<Place> marginal_curve(const ViewedLaw& law, Eigen::Index axis, const Axis& x, int num_nodes,
                                  bool& blurred) {
  const Mixture exact = law.is_curve() ? law.mixture : law.mixture.marginal(std::span(&axis, 1));
  return density_curve(exact, x, num_nodes, blurred);
}

std::vector<Place> marginal_curve(const ViewedTarget& target, Eigen::Index axis, const Axis& x, int num_nodes,
                                  bool& /*blurred*/) {
  std::vector<Place> curve;
  curve.reserve(static_cast<std::size_t>(num_nodes));
  for (const double node : nodes_of(x, num_nodes))
    curve.push_back({node, interpolated(target.marginals[static_cast<std::size_t>(axis)], node)});
  return curve;
}

void draw_depths(Panel& panel, const GridValues& depths) {
  for (std::size_t i = 0; i < shaded_masses.size(); ++i)
    panel.region(contours(depths, 1.0 - shaded_masses[i]), density_class(static_cast<int>(i) + 1));
}

std::vector<LegendEntry> density_legend() {
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < shaded_masses.size(); ++i)
    entries.push_back(
        {LegendEntry::Mark::area, density_class(static_cast<int>(i) + 1),
         concat(std::lround(100.0 * shaded_masses[i]), " %", i == 0 ? " of the law's mass" : "")});
  return entries;
}

}  // namespace gmdiff::report
