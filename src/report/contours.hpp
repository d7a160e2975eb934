#pragma once

#include <vector>

#include <gmdiff/base/points.hpp>

#include "report/panel.hpp"

namespace gmdiff::report {

/// Values at the nodes of a rectangular grid: `values(i, j)` at (x[j], y[i]); both increase.
struct GridValues {
  std::vector<double> x, y;
  Points values;
};

/// The closed curves around the region where the values, linear along the edges of the grid's cells, are at
/// least `threshold`. Outside the grid the values are taken to be below it, so a region that touches the
/// grid's end is closed within one cell beyond it. By marching squares; the region lies to the left of its
/// curves.
std::vector<std::vector<Place>> contours(const GridValues& grid, double threshold);

}  // namespace gmdiff::report
