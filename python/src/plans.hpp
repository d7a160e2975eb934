#pragma once

#include <string>
#include <variant>
#include <vector>

#include <gmdiff/device/paths.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "arguments.hpp"

// Plans from the arguments of the functions that run one.

namespace gmdiff::python {

/// A plan of any kind. All plans of SMC belong to one run.
using AnyPlan = std::variant<Plan, std::vector<SmcPlan>, PathPlan>;

/// Names of the arguments of `sample` besides the options, and their types in the stubs.
std::vector<std::string> sample_keys();
extern const char* const sample_signature;

/// The plan of `sample`. @param seed of the pilot run of Markov chains
AnyPlan sampling_plan_of(const Arguments& given, std::uint64_t seed);
/// The plan of `forward`: of a problem, a mixture with process and grid, or dynamics.
Plan forward_plan_of(const Arguments& given);
/// The plan of `draw`: of a problem, mixtures or a target.
Plan draw_plan_of(const Arguments& given);

/// The objects of a sequence, or the object itself.
std::vector<nb::object> listed(const nb::object& given);

}  // namespace gmdiff::python
