#include "bindings.hpp"

#include <gmdiff/network/learned_denoiser.hpp>

namespace gmdiff::python {
void bind_learning(nanobind::module_& module) {
  nanobind::class_<LearnedDenoiser>(module, "LearnedDenoiser");
}
}  // namespace gmdiff::python
