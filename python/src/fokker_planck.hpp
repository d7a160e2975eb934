#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include <gmdiff/model/fokker_planck.hpp>

#include "arguments.hpp"

// What the functions about densities on a grid share.

namespace gmdiff::python {

/// The argument `boundary`, a name; reflecting walls if it is absent.
Boundary boundary_of(const Arguments& given);
/// Classes and functions of a Langevin diffusion's density at chosen times.
void bind_evolution(nb::module_& module);

}  // namespace gmdiff::python
