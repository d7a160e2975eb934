#pragma once

#include <gmdiff/sampler/learned.hpp>

#include "io/json_input.hpp"

// Settings of a sampler that is to be trained as the value of "sampler" in a problem file, with the keys of
// `parse_sampler_settings`.

namespace gmdiff::io {

/// Whether a "sampler" is to be trained: its type is dis, mcd, cmcd or dbs. The type ula is a Markov chain.
bool is_trainable(const Json& sampler);

/// @throws std::invalid_argument naming the place, the expected and the given value.
SamplerSettings read_sampler_settings(const Json& object, const Location& where);

/// The settings that a file has; those with their defaults are left out.
OrderedJson write_sampler_settings(const SamplerSettings& settings);

}  // namespace gmdiff::io
