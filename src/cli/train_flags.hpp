#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmdiff/device/device.hpp>
#include <gmdiff/sampler/learned.hpp>

#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/verb.hpp"
#include "study/path_law.hpp"

namespace gmdiff::cli {

struct TrainFlags {
  std::string problem;
  CommonFlags common;
  std::string out;
  bool force = false, keep_checkpoints = false;
  FlagText import_file;  ///< a state dictionary of torch
  FlagText data, resume, log, device, checkpoint_every;
  FlagText iterations, batch, seed, parametrisation, weight, hidden, layers, rate, precision;
  FlagText sampler, draws, count;  ///< of samplers
};

/// @throws std::invalid_argument when one of the flags is given together with --resume.
void check_no_settings(const TrainFlags& flags,
                       const std::vector<std::pair<const char*, const FlagText*>>& settings);

/// Flags of settings that denoisers and samplers have in common.
std::vector<std::pair<const char*, const FlagText*>> common_setting_flags(const TrainFlags& flags);

/// A whole number of a flag, or its default.
std::int64_t whole_flag(const char* flag, const FlagText& text, std::int64_t low, std::int64_t high,
                        std::int64_t otherwise);

/// Sets what these flags give, but the rate.
template <class Settings>
void set_common_settings(const TrainFlags& flags, Settings& settings) {
  settings.iterations = whole_flag("--iterations", flags.iterations, 1, (1 << 24) - 1, settings.iterations);
  settings.batch = whole_flag("--batch", flags.batch, 1, 1 << 24, settings.batch);
  settings.hidden = whole_flag("--hidden", flags.hidden, 2, 1 << 14, settings.hidden);
  settings.layers = static_cast<int>(whole_flag("--layers", flags.layers, 1, 100, settings.layers));
  settings.seed = parse_seed(flags.seed);
  settings.precision = parse_precision(flags.precision);
}

/// File of a checkpoint that is kept: model.npz after 200 iterations -> model-200.npz.
std::filesystem::path checkpoint_file(const std::string& out, std::int64_t iteration);

/// Checks `--keep-checkpoints`, and that the files of the checkpoints after `iteration` can be written.
/// @throws std::invalid_argument
void check_checkpoints(const TrainFlags& flags, std::int64_t iteration, std::int64_t iterations);

/// Threads of `--device` for a denoiser; 0: one per usable processor.
/// @throws std::invalid_argument unless the device is `cpu`.
int training_threads(const TrainFlags& flags);
/// The device of a sampler: `cpu`, or one GPU. @throws std::invalid_argument for another one.
Device sampler_device(const TrainFlags& flags);

/// Trains a sampler of a law, and judges it by its weights.
/// @param settings of the problem file, which flags replace.
void train_sampler_of(const TrainFlags& flags, const study::PathLaw& law,
                      const std::optional<SamplerSettings>& settings, InputFiles inputs);

}  // namespace gmdiff::cli
