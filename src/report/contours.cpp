#include "report/contours.hpp"

#include <array>
#include <cstddef>

namespace gmdiff::report {
namespace {

/// The grid with a ring of nodes around it, whose edges are numbered: 2 n for the edge from node n to its
/// right neighbour, 2 n + 1 for that to the node above.
class FramedGrid {
 public:
  FramedGrid(const GridValues& grid, double threshold) : grid_(grid), threshold_(threshold) {}

  std::size_t columns() const { return grid_.x.size() + 2; }
  std::size_t rows() const { return grid_.y.size() + 2; }
  std::size_t node(std::size_t i, std::size_t j) const { return i * columns() + j; }

  bool is_inside(std::size_t i, std::size_t j) const { return excess(i, j) >= 0.0; }

  /// By how much the value at a node exceeds the threshold; nodes of the ring are below it.
  double excess(std::size_t i, std::size_t j) const {
    if (i == 0 || j == 0 || i + 1 == rows() || j + 1 == columns()) return -1.0;
    return grid_.values(static_cast<Eigen::Index>(i) - 1, static_cast<Eigen::Index>(j) - 1) - threshold_;
  }

  /// Returns the place on an edge at which the excess is 0.
  Place crossing(std::size_t edge) const {
    const std::size_t n = edge / 2, i = n / columns(), j = n % columns();
    const bool is_horizontal = edge % 2 == 0;
    const std::size_t i2 = is_horizontal ? i : i + 1, j2 = is_horizontal ? j + 1 : j;
    const double from = excess(i, j), to = excess(i2, j2);
    const double share = from / (from - to);
    const auto between = [share](double a, double b) { return a + share * (b - a); };
    return {between(coordinate_of(grid_.x, j), coordinate_of(grid_.x, j2)),
            between(coordinate_of(grid_.y, i), coordinate_of(grid_.y, i2))};
  }

 private:
  /// Coordinate of node `k` of the framed grid; the ring is one step outside.
  static double coordinate_of(const std::vector<double>& nodes, std::size_t k) {
    if (k == 0) return 2.0 * nodes[0] - nodes[1];
    if (k == nodes.size() + 1) return 2.0 * nodes[k - 2] - nodes[k - 3];
    return nodes[k - 1];
  }

  const GridValues& grid_;
  double threshold_;
};

constexpr std::size_t no_edge = static_cast<std::size_t>(-1);

/// The crossings of one cell's boundary, counter-clockwise: edges on which it leaves or enters the region.
struct CellCrossings {
  std::array<std::size_t, 4> edges{};
  std::array<bool, 4> leaves{};
  std::size_t count = 0;
};

CellCrossings crossings_of(const FramedGrid& grid, std::size_t i, std::size_t j) {
  const std::array<bool, 4> inside{grid.is_inside(i, j), grid.is_inside(i, j + 1),
                                   grid.is_inside(i + 1, j + 1), grid.is_inside(i + 1, j)};
  const std::array<std::size_t, 4> edges{2 * grid.node(i, j), 2 * grid.node(i, j + 1) + 1,
                                         2 * grid.node(i + 1, j), 2 * grid.node(i, j) + 1};
  CellCrossings found;
  for (std::size_t k = 0; k < 4; ++k) {
    if (inside[k] == inside[(k + 1) % 4]) continue;
    found.edges[found.count] = edges[k];
    found.leaves[found.count++] = inside[k];
  }
  return found;
}

/// Joins the crossings of a cell: the curve goes from where the boundary leaves the region to where it enters
/// it. At a saddle the mean of the corners says whether the two parts of the region are connected.
void join(const FramedGrid& grid, std::size_t i, std::size_t j, std::vector<std::size_t>& next) {
  const CellCrossings found = crossings_of(grid, i, j);
  const double centre =
      grid.excess(i, j) + grid.excess(i, j + 1) + grid.excess(i + 1, j) + grid.excess(i + 1, j + 1);
  const std::size_t step = centre >= 0.0 ? 1 : found.count - 1;
  for (std::size_t k = 0; k < found.count; ++k) {
    if (found.leaves[k]) next[found.edges[k]] = found.edges[(k + step) % found.count];
  }
}

}  // namespace

std::vector<std::vector<Place>> contours(const GridValues& grid, double threshold) {
  const FramedGrid framed(grid, threshold);
  std::vector<std::size_t> next(2 * framed.rows() * framed.columns(), no_edge);
  for (std::size_t i = 0; i + 1 < framed.rows(); ++i) {
    for (std::size_t j = 0; j + 1 < framed.columns(); ++j) join(framed, i, j, next);
  }
  std::vector<std::vector<Place>> curves;
  for (std::size_t first = 0; first < next.size(); ++first) {
    if (next[first] == no_edge) continue;
    std::vector<Place>& curve = curves.emplace_back();
    for (std::size_t edge = first; next[edge] != no_edge;) {
      curve.push_back(framed.crossing(edge));
      const std::size_t following = next[edge];
      next[edge] = no_edge;
      edge = following;
    }
  }
  return curves;
}

}  // namespace gmdiff::report
