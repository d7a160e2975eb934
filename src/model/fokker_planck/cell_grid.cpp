#include <cmath>
#include <utility>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"

// Cells of a box (mathematics.md §14.1).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;

CellGrid::CellGrid(VectorXd lower, VectorXd upper, std::vector<Index> cells)
    : lower_(std::move(lower)), upper_(std::move(upper)), cells_(std::move(cells)) {
  const Index d = dim();
  require(d == 1 || d == 2, "CellGrid: the dimension must be 1 or 2, got ", d);
  require(upper_.size() == d, "CellGrid: upper: expected ", d, " numbers, got ", upper_.size());
  require(cells_.size() == static_cast<std::size_t>(d), "CellGrid: cells: expected ", d, " numbers, got ",
          cells_.size());
  for (Index a = 0; a < d; ++a) {
    require(std::isfinite(lower_(a)) && std::isfinite(upper_(a)), "CellGrid: axis ", a,
            ": expected finite walls, got ", lower_(a), " and ", upper_(a));
    require(lower_(a) < upper_(a), "CellGrid: axis ", a, ": expected lower < upper, got ", lower_(a), " and ",
            upper_(a));
    require(this->cells(a) >= 2, "CellGrid: axis ", a, ": expected at least 2 cells, got ", this->cells(a));
    require(this->cells(a) <= max_size / size_, "CellGrid: expected at most ", max_size,
            " cells in all, got more: axis ", a, " has ", this->cells(a));
    size_ *= this->cells(a);
    const double square = width(a) * width(a);
    require(std::isnormal(square), "CellGrid: axis ", a, ": expected cells whose squared width is a normal ",
            "double, got the width ", width(a));
  }
}

CellGrid::CellGrid(double lower, double upper, Index cells)
    : CellGrid(VectorXd::Constant(1, lower), VectorXd::Constant(1, upper), {cells}) {}

double CellGrid::width(Index axis) const {
  return (upper_(axis) - lower_(axis)) / static_cast<double>(cells(axis));
}

double CellGrid::volume() const { return dim() == 1 ? width(0) : width(0) * width(1); }

VectorXd CellGrid::axis_centres(Index axis) const {
  VectorXd x(cells(axis));
  for (Index i = 0; i < x.size(); ++i) x(i) = lower_(axis) + (static_cast<double>(i) + 0.5) * width(axis);
  return x;
}

Points CellGrid::centres() const {
  Points x(size(), dim());
  for (Index axis = 0; axis < dim(); ++axis) {
    const VectorXd on_axis = axis_centres(axis);
    for (Index i = 0; i < size(); ++i) x(i, axis) = on_axis(position(i, axis));
  }
  return x;
}

}  // namespace gmdiff
