#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>

#include <gmdiff/model/target.hpp>
#include <gmdiff/sampler/problem.hpp>

// Objects of Python as parts of a problem. Every function takes the place that messages begin with.

namespace nb = nanobind;

namespace gmdiff::python {

/// @throws TypeError for other objects, here and below.
ProcessDescription process_of(nb::handle object, const std::string& place);
GridDescription grid_of(nb::handle object, const std::string& place);
/// A sampler, or its text such as "ddim:eta=0.5".
AnySampler sampler_of(nb::handle object, const std::string& place);
TargetSampler target_sampler_of(nb::handle object, const std::string& place);
/// A Mixture, or that of a Posterior.
Mixture mixture_of(nb::handle object, const std::string& place);
bool is_mixture(nb::handle object);
/// Points (n, d) of a law in dimension d; (n) counts as (n, 1) for d = 1. @throws ValueError for another d
Points points_in(nb::handle object, const std::string& place, Eigen::Index d);
/// A Target, or a description of one.
Target target_of(nb::handle object, const std::string& place);
/// A Target, or a description of one; nothing for other objects.
std::optional<Target> find_target(nb::handle object);
/// A problem; nothing for other objects.
std::optional<AnyProblem> find_problem(nb::handle object);

}  // namespace gmdiff::python
