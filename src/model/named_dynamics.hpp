#pragma once

#include <gmdiff/model/dynamics.hpp>

// Dynamics by name: a law, a process or matrices instead of drift and noise (mathematics.md §16.4).

namespace gmdiff {

int dim_of(const NamedDynamics& dynamics);

/// The prior, or null where the dynamics have none.
const Mixture* prior_of(const NamedDynamics& dynamics);
/// The process, or null where the dynamics have none.
const ProcessDescription* process_of(const NamedDynamics& dynamics);

/// Whether the drift evaluates the density of a law.
bool evaluates_law(const NamedDynamics& dynamics);

/// Process time of the time u of the dynamics: T - u backwards, else u, moved into [0, T] where rounding has
/// left it. The dynamics have a process.
long double process_time(const NamedDynamics& dynamics, const ForwardProcess& process, long double u);

/// Checks dynamics by name: their numbers, the times, the scheme and the start.
/// @throws std::invalid_argument for texts, functions or parameters beside the name, numbers out of range, a
///   law or process without what the drift needs, a scheme that does not support the noise, and a start of
///   another dimension or of a mixture beside the law that the drift evaluates.
void check_named(const Dynamics& dynamics);

/// Checks dynamics of any kind, so that a file that is read can also be run; `exact` is checked by the plan.
void check_dynamics(const Dynamics& dynamics);

}  // namespace gmdiff
