#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include <gmdiff/model/fokker_planck.hpp>

#include "arguments.hpp"

// Conversions that the functions about densities on a grid share.

namespace gmdiff::python {

/// The argument `boundary`, a name; reflecting walls if it is absent.
Boundary boundary_of(const Arguments& given);
/// A side of the box: a number, or one for each axis.
Eigen::VectorXd side_of(const nb::object& value, const std::string& place);
/// Masses or other values of all cells, shape (size), or (n1, n2) in dimension 2.
Eigen::VectorXd values_of(nb::handle value, const std::string& place);
const CellGrid& grid_from(nb::handle object, const std::string& place);

/// The class CellGrid, and functions of masses.
void bind_cells(nb::module_& module);
/// Classes and functions of a Langevin diffusion's density at chosen times.
void bind_evolution(nb::module_& module);

}  // namespace gmdiff::python
