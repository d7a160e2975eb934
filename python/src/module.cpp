#include <nanobind/nanobind.h>

#include <gmdiff/base/version.hpp>

#include "bindings.hpp"

NB_MODULE(_core, module) {
  using namespace gmdiff::python;
  module.attr("__version__") = gmdiff::version();
  bind_errors(module);
  bind_mixture(module);
  bind_process(module);
  bind_observation(module);
  bind_grid(module);
  bind_target(module);
  bind_samplers(module);
  bind_callables(module);
  bind_problem(module);
  bind_samples(module);
  bind_run(module);
  bind_study(module);
  bind_learning(module);
  bind_target_law(module);
  bind_chain(module);
  bind_dynamics_functions(module);
  bind_fokker_planck(module);
  bind_nonlinear(module);
  bind_learning_judgement(module);
}
