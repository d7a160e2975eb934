#pragma once

#include <filesystem>
#include <string>

#include <gmdiff/network/trained_sampler.hpp>

// Trained samplers as .npz archives, which NumPy reads: settings, the target's name as codes of its
// characters, every array of parameters under its name ("parameters.mu", "parameters.u.K1", "adam_m.mu", ...;
// mathematics.md §17.7), the number of active components, and the chains of a refinement (§17.13).

namespace gmdiff {

/// Writes a training; equal trainings give equal bytes. The file appears complete or not at all.
/// @throws std::invalid_argument for an existing file unless `overwrite`; std::runtime_error when writing
///   fails.
void write_sampler(const std::filesystem::path& file, const SamplerTraining& training,
                   bool overwrite = false);

/// Reads a training that `write_sampler` wrote.
/// @throws std::invalid_argument naming the file and the reason: missing, damaged, not a training, another
///   version, arrays of wrong shapes, values outside their range.
SamplerTraining read_sampler(const std::filesystem::path& file);

/// Whether a file is an archive with a trained sampler, by the names of its arrays; false for a file that
/// cannot be read.
bool holds_sampler(const std::filesystem::path& file);

/// Settings from text: a method and its parameters by the names of `SamplerSettings`, such as
/// "dis:components=4:steps=32:loss=log-variance"; all others have their defaults.
/// @throws std::invalid_argument with the parameter, the expected and the given value.
SamplerSettings parse_sampler_settings(const std::string& text);

}  // namespace gmdiff
