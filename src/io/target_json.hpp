#pragma once

#include <gmdiff/model/target.hpp>

#include "io/json_input.hpp"

// Targets of problem files.

namespace gmdiff::io {

/// Reads `{"type": name, parameters}`, where the data of a logistic regression may be the path of a .csv
/// file.
/// @throws std::invalid_argument with the place of a missing or unknown key, or of a bad value.
Target read_target(const Json& value, const Location& where);

}  // namespace gmdiff::io
