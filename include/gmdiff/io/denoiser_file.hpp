#pragma once

#include <filesystem>

#include <gmdiff/network/training.hpp>

// Trainings as .npz archives, which NumPy reads: settings, moments of the data, and every array of parameters
// under its name ("averaged.K1", "parameters.K1", "adam_m.K1", ...; guide.md, "Learn a denoiser").

namespace gmdiff {

/// Writes a training; equal trainings give equal bytes. The file appears complete or not at all.
/// @throws std::invalid_argument for an existing file unless `overwrite`; std::runtime_error when writing
///   fails.
void write_denoiser(const std::filesystem::path& file, const DenoiserTraining& training,
                    bool overwrite = false);

/// Reads a training that `write_denoiser` wrote.
/// @throws std::invalid_argument naming the file and the reason: missing, damaged, not a training, another
///   version, arrays of wrong shapes, values outside their range.
DenoiserTraining read_denoiser(const std::filesystem::path& file);

}  // namespace gmdiff
