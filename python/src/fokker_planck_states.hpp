#pragma once

#include <gmdiff/model/fokker_planck.hpp>

#include "states.hpp"

// States of grids of cells and of their moments.

namespace gmdiff::python {

template <>
struct StateOf<GridMoments> {
  static constexpr AllMembers members{&GridMoments::mass, &GridMoments::mean, &GridMoments::covariance};
};

template <>
struct Codec<CellGrid> {
  static nb::object write(const CellGrid& grid) {
    std::vector<Eigen::Index> cells;
    cells.reserve(static_cast<std::size_t>(grid.dim()));
    for (Eigen::Index axis = 0; axis < grid.dim(); ++axis) cells.push_back(grid.cells(axis));
    return nb::make_tuple(to_state(grid.lower()), to_state(grid.upper()), to_state(cells));
  }
  static CellGrid read(nb::handle state) {
    const auto parts = nb::cast<nb::tuple>(state);
    return {from_state<Eigen::VectorXd>(nb::object(parts[0])),
            from_state<Eigen::VectorXd>(nb::object(parts[1])),
            from_state<std::vector<Eigen::Index>>(nb::object(parts[2]))};
  }
};

}  // namespace gmdiff::python
