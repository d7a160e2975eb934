#pragma once

#include <gmdiff/plan/plan.hpp>

#include "model/dynamics_fields.hpp"

// The schemes of dynamics as stages (mathematics.md §16.2).

namespace gmdiff::schemes {

/// t_start + s (t_end - t_start) / steps. `s` need not be an integer.
long double extended_time(const Dynamics& dynamics, long double s);
/// `extended_time`, rounded once.
double dynamics_time(const Dynamics& dynamics, long double s);

/// Adds all steps to the plan, with their fields, times and prologue.
/// @throws std::invalid_argument if the scheme `exact` does not support drift and noise.
void add_steps(Plan& plan, const Dynamics& dynamics, const DynamicsFields& fields);
/// Adds all steps of dynamics by name, which have been checked.
/// @throws std::invalid_argument as `named_equation`.
void add_steps(Plan& plan, const Dynamics& dynamics, const NamedDynamics& named);

}  // namespace gmdiff::schemes
