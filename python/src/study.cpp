#include "bindings.hpp"

namespace gmdiff::python {
void bind_study(nanobind::module_& /*module*/) {}
}  // namespace gmdiff::python
