#pragma once

#include <utility>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/train_flags.hpp"
#include "study/interrupted.hpp"

namespace gmdiff::cli {

/// Runs a training to its end with a progress line, and writes its file at every checkpoint, at the end and
/// after a signal; with `--keep-checkpoints` each checkpoint also has a file of its own.
/// @tparam Kind has a type Options, a `TrainingLog& log`, and functions of the training: place(options),
///   which sets the device, continued(training, options), write(file, training, overwrite), and note(report)
///   and note_checkpoint(training) for the log
/// @throws study::WorkInterrupted after a signal; NonFiniteError that also names what the file holds.
template <class Training, class Kind>
Training watched_training(const TrainFlags& flags, Training training, const Kind& kind) {
  const std::int64_t iterations = training.settings.iterations;
  check_checkpoints(flags, training.iteration, iterations);
  std::int64_t kept = 0;
  bool overwrite = flags.force;
  const auto keep = [&](const Training& state) {
    kind.write(flags.out, state, overwrite);
    kept = state.iteration;
    overwrite = true;
    if (flags.keep_checkpoints) kind.write(checkpoint_file(flags.out, kept).string(), state, flags.force);
    kind.note_checkpoint(state);
  };
  const InterruptWatcher watcher;
  ProgressLine line("train", iterations, flags.common.quiet);
  typename Kind::Options options;
  kind.place(options);
  options.progress = [&](const auto& report) {
    line.update(report.iteration);
    kind.note(report);
  };
  if (flags.checkpoint_every)
    options.checkpoint_every = parse_integer("--checkpoint-every", *flags.checkpoint_every, 1, 1 << 24);
  options.checkpoint = keep;
  options.stop = watcher.token();
  try {
    training = kind.continued(std::move(training), options);
  } catch (const NonFiniteError& error) {
    if (kept == 0) throw;
    throw NonFiniteError(concat(error.what(), "; ", flags.out, " holds iteration ", kept));
  }
  kind.log.finish();
  if (training.iteration == 0)
    throw study::WorkInterrupted("interrupted before the first iteration was finished; nothing was kept");
  if (kept != training.iteration) keep(training);
  if (training.iteration < iterations)
    throw study::WorkInterrupted(concat("interrupted: ", flags.out, " holds iteration ", training.iteration,
                                        " of ", iterations, "; --resume ", flags.out, " continues it"));
  return training;
}

}  // namespace gmdiff::cli
