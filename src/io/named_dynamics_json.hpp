#pragma once

#include <string>
#include <vector>

#include <gmdiff/model/dynamics.hpp>

#include "io/json_input.hpp"
#include "io/json_output.hpp"

// Dynamics by name in problem files (mathematics.md §16.4).

namespace gmdiff::io {

/// Reads `{"type": name, parameters}`: `langevin`, `reverse`, `probability-flow`, `naive-backward` and
/// `linear`, and `brownian`, `ou`, `geometric` and `sine`, which stand for texts. The times, the scheme and
/// the start are those of the ready-made dynamics.
/// @param common keys of all dynamics, which are not read
/// @throws std::invalid_argument with the place of a missing or unknown key or name, or of a bad value.
Dynamics read_named_dynamics(const Json& value, const Location& where,
                             const std::vector<std::string>& common);

/// Type and parameters, without the common keys.
OrderedJson write_named_dynamics(const NamedDynamics& dynamics);

}  // namespace gmdiff::io
