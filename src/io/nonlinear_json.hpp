#pragma once

#include <cstdint>

#include <gmdiff/model/nonlinear_observation.hpp>

#include "io/json_input.hpp"

// Nonlinear observations of problem files.

namespace gmdiff::io {

/// Reads `{"map": {"type": name, parameters}, "y": [...], "noise_std": number}`, or with `noise_covariance`.
/// @param d dimension of the prior
/// @throws std::invalid_argument with the place of a missing or unknown key or of a value of another type or
///   shape.
NonlinearObservation read_nonlinear_observation(const Json& value, const Location& where, std::int64_t d);
OrderedJson write_nonlinear_observation(const NonlinearObservation& observation);

}  // namespace gmdiff::io
