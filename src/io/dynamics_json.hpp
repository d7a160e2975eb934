#pragma once

#include <gmdiff/model/dynamics.hpp>

#include "io/json_input.hpp"

// Dynamics of problem files.

namespace gmdiff::io {

/// Reads `{"drift": [text, ...], "noise": number, numbers or texts, ...}` or `{"type": name, ...}`.
/// @throws std::invalid_argument with the place of a missing or unknown key or a value of another type. Texts
///   and ranges are not checked.
Dynamics read_dynamics(const Json& value, const Location& where);
OrderedJson write_dynamics(const Dynamics& dynamics);

}  // namespace gmdiff::io
