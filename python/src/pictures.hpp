#pragma once

#include "arguments.hpp"

// What a result needs to show itself in a notebook.

namespace gmdiff::python {

/// Keeps the arguments that say which law a run samples with its result; `_repr_svg_` reads them.
void keep_origin(const nb::object& samples, const Arguments& given);

}  // namespace gmdiff::python
