#pragma once

#include <string>
#include <vector>

#include <gmdiff/model/dynamics.hpp>

#include "arguments.hpp"

// Dynamics by name, and the arguments that all dynamics have.

namespace gmdiff::python {

/// The keys, and those of the times, the scheme and the start.
std::vector<std::string> with_run_of_dynamics(std::vector<std::string> keys);
/// Sets the times, the scheme and the start that are given.
void set_run_of_dynamics(const Arguments& given, Dynamics& dynamics);

void bind_named_dynamics(nb::module_& module);

}  // namespace gmdiff::python
