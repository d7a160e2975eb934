#include "cli/watched_run.hpp"

#include <optional>
#include <system_error>

#include "base/check.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

namespace gmdiff::cli {
namespace {

/// Prints the warnings and notes of a record, each once: those of the plan before the run, those of the
/// device after it.
class Announcer {
 public:
  explicit Announcer(bool quiet) : quiet_(quiet) {}

  void announce(const study::RunRecord& record) {
    print_remarks(rest(record.warnings, warnings_), rest(record.notes, notes_), quiet_);
    warnings_ = record.warnings.size();
    notes_ = record.notes.size();
  }

 private:
  static std::vector<std::string> rest(const std::vector<std::string>& texts, std::size_t printed) {
    return {texts.begin() + static_cast<std::ptrdiff_t>(printed), texts.end()};
  }

  bool quiet_;
  std::size_t warnings_ = 0;
  std::size_t notes_ = 0;
};

/// Throws the error of an interrupted command; it says how to complete the run.
[[noreturn]] void explain(const study::FileRunInterrupted& interrupted, const study::FileRun& run) {
  const study::RunRecord& finished = interrupted.finished();
  const char* kind = counted(finished);
  const std::uint64_t total = interrupted.end_of_run() - finished.first;
  const std::uint64_t done = finished.end - finished.first;
  if (done == 0) {
    throw study::WorkInterrupted(
        concat("interrupted before the first of ", total, " ", kind, " was finished; nothing was kept"));
  }
  throw study::WorkInterrupted(
      concat("interrupted: ", done, " of ", total, " ", kind, " are in ", run.partial.string(), "; --range ",
             finished.end, ":", interrupted.end_of_run(), " completes it, and gmdiff merge joins the two"));
}

template <class AnyPlan>
study::RunRecord watch(const AnyPlan& plan, study::FileRun run, bool quiet) {
  study::add_missing(run.record.warnings, plan.warnings);
  study::add_missing(run.record.notes, plan.notes);
  Announcer announcer(quiet);
  announcer.announce(run.record);
  const InterruptWatcher watcher;
  run.options.stop = watcher.token();
  std::optional<ProgressLine> line(std::in_place, run.record.verb, run.options.count, quiet);
  run.options.progress = [&line](const Progress& progress) { line->update(progress.done); };
  try {
    study::RunRecord done = study::run_to_file(plan, run);
    line.reset();
    announcer.announce(done);
    return done;
  } catch (const study::FileRunInterrupted& interrupted) {
    explain(interrupted, run);
  }
}

}  // namespace

void check_outputs(const study::FileRun& run, const InputFiles& inputs) {
  check_not_input(run.out, inputs);
  check_output_with_sidecar(run.out, run.force);
  std::error_code ignored;
  require(run.force || !std::filesystem::exists(run.partial, ignored), run.partial.string(),
          " exists and holds a part of an interrupted run: complete it under another name and merge, or give "
          "--force");
  check_output_with_sidecar(run.partial, run.force);
}

study::RunRecord watched_run(const Plan& plan, study::FileRun run, bool quiet) {
  return watch(plan, std::move(run), quiet);
}

study::RunRecord watched_run(const SmcPlan& plan, study::FileRun run, bool quiet) {
  return watch(plan, std::move(run), quiet);
}

study::RunRecord watched_run(const PathPlan& plan, study::FileRun run, bool quiet) {
  return watch(plan, std::move(run), quiet);
}

}  // namespace gmdiff::cli
