#pragma once

#include <optional>

#include <gmdiff/model/target.hpp>
#include <gmdiff/sampler/mcmc.hpp>

// Parameters of proximal Markov chains (mathematics.md §12.1).

namespace gmdiff::mcmc {

/// The Lipschitz constant of the gradient of the log-likelihood, the largest eigenvalue of A^T R^-1 A; empty
/// if the map is not `identity` of A x + b.
std::optional<double> likelihood_lipschitz(const NonlinearObservation& observation);

/// The sampler with its theta and its step, where they are not given.
/// @param target or null for a mixture
/// @throws std::invalid_argument if the target has no prior with a proximal map, or a parameter is missing or
///   out of range.
Myula with_defaults(Myula sampler, const Target* target);

}  // namespace gmdiff::mcmc
