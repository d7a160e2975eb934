#include <nanobind/nanobind.h>

#include <cstdlib>

#include <gmdiff/base/version.hpp>

#include "bindings.hpp"
#include "docstrings.hpp"

NB_MODULE(_core, module) {
  using namespace gmdiff::python;
  // An error that ends a program keeps its frames, and with them objects, to the end; nanobind would report
  // those as leaks. The tests of the package ask for the report.
  nanobind::set_leak_warnings(std::getenv("GMDIFF_REPORT_LEAKS") != nullptr);
  module.attr("__version__") = gmdiff::version();
  bind_errors(module);
  bind_mixture(module);
  bind_process(module);
  bind_observation(module);
  bind_grid(module);
  bind_target(module);
  bind_samplers(module);
  bind_callables(module);
  bind_denoisers(module);
  bind_problem(module);
  bind_samples(module);
  bind_run(module);
  bind_study(module);
  bind_distances(module);
  bind_learning(module);
  bind_target_law(module);
  bind_chain(module);
  bind_dynamics_functions(module);
  bind_fokker_planck(module);
  bind_target_answers(module);
  bind_learning_judgement(module);
  bind_pictures(module);
  document_attributes(module);
}
