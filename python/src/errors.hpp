#pragma once

#include <nanobind/nanobind.h>

namespace gmdiff::python {

/// The exception `Interrupted` of the package.
nanobind::handle interrupted_error();
/// The category of the package's warnings.
nanobind::handle run_warning();

}  // namespace gmdiff::python
