#pragma once

#include <gmdiff/model/fokker_planck.hpp>

// Faces between cells (mathematics.md §14.1).

namespace gmdiff::fokker_planck {

/// A face between the cells `before` and `after` on an axis.
struct Face {
  Eigen::Index axis, before, after;
};

/// Calls f(Face) for all faces inside the box, in the order of axes and cells; on a periodic axis the wall is
/// the face between the last and the first cell.
template <class F>
void for_each_face(const CellGrid& grid, Boundary boundary, F f) {
  for (Eigen::Index axis = 0; axis < grid.dim(); ++axis) {
    const Eigen::Index stride = grid.stride(axis), last = grid.cells(axis) - 1;
    for (Eigen::Index i = 0; i < grid.size(); ++i) {
      if (grid.position(i, axis) < last)
        f(Face{axis, i, i + stride});
      else if (boundary == Boundary::periodic)
        f(Face{axis, i, i - last * stride});
    }
  }
}

/// A wall of the box: the face of a cell on an axis in the outward direction +1 or -1.
struct Wall {
  Eigen::Index axis, cell;
  double outward;
};

/// Calls f(Wall) for all faces of cells in the walls.
template <class F>
void for_each_wall(const CellGrid& grid, F f) {
  for (Eigen::Index axis = 0; axis < grid.dim(); ++axis) {
    for (Eigen::Index i = 0; i < grid.size(); ++i) {
      if (grid.position(i, axis) == 0) f(Wall{axis, i, -1.0});
      if (grid.position(i, axis) == grid.cells(axis) - 1) f(Wall{axis, i, 1.0});
    }
  }
}

/// The centre of the face in a wall; `centres` are those of the grid.
Eigen::VectorXd wall_point(const CellGrid& grid, const Points& centres, const Wall& wall);

/// Rates over a face: along the axis, and against it.
struct FaceRates {
  double up, down;
};

/// Scharfetter-Gummel rates for w, the integral of drift / diffusion between the centres.
inline FaceRates scharfetter_gummel(double w, double diffusion, double width) {
  const double scale = diffusion / (width * width);
  return {scale * bernoulli(-w), scale * bernoulli(w)};
}

/// All rates 0.
FokkerPlanck::Rates no_rates(const CellGrid& grid);
/// Sets the rates of a face.
void set(FokkerPlanck::Rates& rates, const Face& face, const FaceRates& over_face);

}  // namespace gmdiff::fokker_planck
