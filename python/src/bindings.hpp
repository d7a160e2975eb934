#pragma once

#include <nanobind/nanobind.h>

// The parts of the module, one for each concept. Those of a concept that others refer to come first.

namespace gmdiff::python {

void bind_errors(nanobind::module_& module);
void bind_mixture(nanobind::module_& module);
void bind_process(nanobind::module_& module);
void bind_grid(nanobind::module_& module);
void bind_observation(nanobind::module_& module);
void bind_target(nanobind::module_& module);
void bind_samplers(nanobind::module_& module);
void bind_callables(nanobind::module_& module);
void bind_denoisers(nanobind::module_& module);
void bind_problem(nanobind::module_& module);
void bind_samples(nanobind::module_& module);
void bind_run(nanobind::module_& module);
void bind_study(nanobind::module_& module);
void bind_distances(nanobind::module_& module);
void bind_learning(nanobind::module_& module);
void bind_target_law(nanobind::module_& module);
void bind_chain(nanobind::module_& module);
void bind_dynamics_functions(nanobind::module_& module);
void bind_fokker_planck(nanobind::module_& module);
void bind_target_answers(nanobind::module_& module);
void bind_learning_judgement(nanobind::module_& module);
void bind_pictures(nanobind::module_& module);

}  // namespace gmdiff::python
