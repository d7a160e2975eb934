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

/// Reads the state dictionary of a torch module of the same network from a .npz archive
/// (`numpy.savez(file, **{k: v.numpy() for k, v in module.state_dict().items()})`; guide.md, "A denoiser from
/// torch", has the module and its names). Layers have `weight` (outputs, inputs) and `bias`; `mean` (d) and
/// `scale` () are those of `DenoiserTraining`. Values are float32 or float64.
/// @param settings hidden, layers and parametrisation are those of the module; the others matter to a
///   training that continues from here.
/// @returns the training before its first iteration, with these parameters also as their average.
/// @throws std::invalid_argument naming the file and the array that is missing, unknown, of another shape or
///   out of range, or the setting that is out of range.
DenoiserTraining import_denoiser(const std::filesystem::path& file, const DenoiserSettings& settings = {});

}  // namespace gmdiff
