#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gmdiff/model/target.hpp>

#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/verb.hpp"

namespace gmdiff::cli {

struct TrainFlags {
  std::string problem;
  CommonFlags common;
  std::string out;
  bool force = false;
  FlagText data, resume, log, device, checkpoint_every;
  FlagText iterations, batch, seed, parametrisation, weight, hidden, layers, rate, precision;
  FlagText sampler, draws, count;  ///< of targets
};

/// @throws std::invalid_argument when one of the flags is given together with --resume.
void check_no_settings(const TrainFlags& flags,
                       const std::vector<std::pair<const char*, const FlagText*>>& settings);

/// A whole number of a flag, or its default.
std::int64_t whole_flag(const char* flag, const FlagText& text, std::int64_t low, std::int64_t high,
                        std::int64_t otherwise);

/// Threads of `--device`; 0: one per usable processor.
int training_threads(const TrainFlags& flags);

/// Trains a sampler of a target, and judges it by its weights.
void train_target(const TrainFlags& flags, const Target& target, InputFiles inputs);

}  // namespace gmdiff::cli
