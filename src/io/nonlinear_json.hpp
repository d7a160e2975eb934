#pragma once

#include <cstdint>

#include <gmdiff/model/nonlinear_observation.hpp>

#include "io/json_input.hpp"

// Nonlinear observations of problem files.

namespace gmdiff::io {

/// Reads `{"map": {"type": name, parameters}, "y": [...], "noise_std": number}`, or with `noise_covariance`.
/// @param d dimension of the prior; `any_size`: that of the map's arrays, or its key `dim` beside texts
/// @throws std::invalid_argument with the place of a missing or unknown key or of a value of another type or
///   shape.
NonlinearObservation read_nonlinear_observation(const Json& value, const Location& where, std::int64_t d);
/// Whether a map of texts has the key `dim`: elsewhere its dimension is that of the prior.
enum class MapDimension { of_prior, written };
OrderedJson write_nonlinear_observation(const NonlinearObservation& observation,
                                        MapDimension dimension = MapDimension::of_prior);

}  // namespace gmdiff::io
