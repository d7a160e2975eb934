#include "fokker_planck.hpp"
#include "fokker_planck_states.hpp"

#include "docstrings.hpp"
#include "models.hpp"
#include "records.hpp"

// Grids of cells, and the masses of laws on them.

namespace gmdiff::python {

using Eigen::Index;
using Eigen::VectorXd;

VectorXd side_of(const nb::object& value, const std::string& place) {
  if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr()))
    return VectorXd::Constant(1, number_of(value, place));
  return vector_of(value, place, "(d)");
}

VectorXd values_of(nb::handle value, const std::string& place) {
  const Numbers numbers = numbers_of(value, place, "(size), or (n1, n2) in dimension 2", {1, 2});
  const Index size = numbers.rows().size();
  return Eigen::Map<const VectorXd>(numbers.values, size);
}

const CellGrid& grid_from(nb::handle object, const std::string& place) {
  if (!nb::isinstance<CellGrid>(object)) fail_type(place, "a CellGrid", object);
  return nb::cast<const CellGrid&>(object);
}

namespace {

std::vector<Index> cells_of(const nb::object& value, const std::string& place) {
  if (!PySequence_Check(value.ptr()) || PyUnicode_Check(value.ptr()))
    return {integer_of(value, place, 2, CellGrid::max_size)};
  std::vector<Index> cells;
  for (const nb::handle count : nb::borrow<nb::sequence>(value))
    cells.push_back(integer_of(count, place, 2, CellGrid::max_size));
  return cells;
}

void bind_grid_of_cells(nb::module_& module) {
  const auto docs_of = [](const char* name) { return docs(std::string("CellGrid::") + name); };
  nb::class_<CellGrid> made(module, "CellGrid", docs("CellGrid"));
  def_state(made);
  made.def(
          "__init__",
          [](CellGrid* self, const nb::args& positional, const nb::kwargs& named) {
            const Arguments given("CellGrid", {"lower", "upper", "cells"}, 3, positional, named);
            new (self) CellGrid(side_of(given.need("lower"), given.place("lower")),
                                side_of(given.need("upper"), given.place("upper")),
                                cells_of(given.need("cells"), given.place("cells")));
          },
          nb::sig("def __init__(self, lower: typing.Any, upper: typing.Any, cells: typing.Any) -> None"),
          "lower, upper: a number, or one for each axis. cells: the number of cells, or one for each axis.")
      .def_prop_ro("dim", &CellGrid::dim)
      .def_prop_ro("size", &CellGrid::size, docs_of("size"))
      .def_prop_ro("lower", [](const CellGrid& self) { return array(self.lower()); })
      .def_prop_ro("upper", [](const CellGrid& self) { return array(self.upper()); })
      .def_prop_ro(
          "cells",
          [](const CellGrid& self) {
            nb::list list;
            for (Index axis = 0; axis < self.dim(); ++axis) list.append(self.cells(axis));
            return nb::tuple(list);
          },
          "Number of cells on each axis.")
      .def_prop_ro("volume", &CellGrid::volume, docs_of("volume"))
      .def(
          "width",
          [](const CellGrid& self, nb::handle axis) {
            return self.width(integer_of(axis, "CellGrid.width: axis", 0, self.dim() - 1));
          },
          any_arg("axis") = 0, docs_of("width"))
      .def(
          "axis_centres",
          [](const CellGrid& self, nb::handle axis) {
            return array(
                self.axis_centres(integer_of(axis, "CellGrid.axis_centres: axis", 0, self.dim() - 1)));
          },
          any_arg("axis") = 0, docs_of("axis_centres"))
      .def(
          "centres", [](const CellGrid& self) { return array(self.centres()); }, docs_of("centres"))
      .def("__repr__", [](const CellGrid& self) {
        std::string cells;
        for (Index axis = 0; axis < self.dim(); ++axis)
          cells += concat(axis > 0 ? " x " : "", self.cells(axis));
        return concat("<CellGrid of ", cells, " cells>");
      });
}

nb::object masses_by_density(nb::handle law, nb::handle grid, nb::handle level) {
  if (is_mixture(law)) {
    const CellGrid& cells = grid_from(grid, "density_masses: grid");
    const Level at = level.is_none() ? Level{} : level_of(level, "density_masses: level");
    return array(density_masses(mixture_of(law, "law"), cells, at));
  }
  if (!grid.is_none() || !level.is_none())
    fail("density_masses: grid and level belong to a mixture, and the log-densities of the cells are given");
  return array(density_masses(values_of(law, "density_masses: law")));
}

void bind_masses(nb::module_& module) {
  module.def(
      "cell_masses",
      [](nb::handle law, nb::handle grid) {
        return array(cell_masses(mixture_of(law, "cell_masses: law"), grid_from(grid, "cell_masses: grid")));
      },
      any_arg("law"), any_arg("grid"), docs("cell_masses"));
  module.def("density_masses", &masses_by_density, any_arg("law"), nb::arg("grid") = nb::none(),
             nb::arg("level") = nb::none(),
             "Masses with sum 1, shape (size): of a Mixture by its density at the centres of a CellGrid, or "
             "proportional to exp(l) of given log-densities l (size).");
  Record<GridMoments>(module, "GridMoments")
      .def("mass", &GridMoments::mass)
      .def("mean", &GridMoments::mean)
      .def("covariance", &GridMoments::covariance)
      .with_repr();
  module.def(
      "grid_moments",
      [](nb::handle P, nb::handle grid) {
        return grid_moments(values_of(P, "grid_moments: P"), grid_from(grid, "grid_moments: grid"));
      },
      any_arg("P"), any_arg("grid"), docs("GridMoments"));
  module.def(
      "edge_mass",
      [](nb::handle P, nb::handle grid) {
        return edge_mass(values_of(P, "edge_mass: P"), grid_from(grid, "edge_mass: grid"));
      },
      any_arg("P"), any_arg("grid"), docs("edge_mass"));
  module.def(
      "entropy",
      [](nb::handle P, nb::handle grid) {
        return entropy(values_of(P, "entropy: P"), grid_from(grid, "entropy: grid"));
      },
      any_arg("P"), any_arg("grid"), docs("entropy"));
  module.def(
      "relative_entropy",
      [](nb::handle P, nb::handle R) {
        return relative_entropy(values_of(P, "relative_entropy: P"), values_of(R, "relative_entropy: R"));
      },
      any_arg("P"), any_arg("R"), docs("relative_entropy"));
}

}  // namespace

void bind_cells(nb::module_& module) {
  bind_grid_of_cells(module);
  bind_masses(module);
}

}  // namespace gmdiff::python
