#include "cli/chunked_run.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/result_file.hpp"
#include "device/chain_remarks.hpp"
#include "io/npy_header.hpp"
#include "io/output_file.hpp"
#include "io/sidecar.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t chunk_bytes = 32 << 20;
constexpr std::uint64_t header_bytes = 4096;  // more than headers and the sidecar take, but for the evidence of many chains

/// Bytes of what one particle, or one chain, adds to all arrays.
std::int64_t row_bytes(const ResultArrays& arrays) {
  std::int64_t sum = 0;
  for (const io::NpzEntry& array : arrays) {
    std::int64_t bytes = array.precision == Precision::f32 ? 4 : 8;
    bool overflows = false;
    for (std::size_t i = 1; i < array.shape.size(); ++i) overflows = overflows || __builtin_mul_overflow(bytes, array.shape[i], &bytes);
    require(!overflows && !__builtin_add_overflow(sum, bytes, &sum), "one row of shape ", io::shape_text(array.shape),
            " has more than 2^63 bytes");
  }
  return sum;
}

/// Bytes that the disk must have for the whole output; arrays of an archive are put together at the end.
std::uint64_t output_bytes(const ResultArrays& arrays) {
  std::int64_t bytes = 0;
  require(!__builtin_mul_overflow(row_bytes(arrays), arrays.front().shape.front(), &bytes), "an output of shape ",
          io::shape_text(arrays.front().shape), " has more than 2^63 bytes");
  return static_cast<std::uint64_t>(bytes) * (is_archive(arrays) ? 2 : 1) + header_bytes;
}

// What the kinds of plans differ in.

ResultArrays result_arrays(const Plan& /*plan*/, const RunRecord& record, Precision precision) {
  return npy_array(record.shape, precision);
}
ResultArrays result_arrays(const SmcPlan& plan, const RunRecord& record, Precision precision) {
  return plan.output == SmcOutput::draw ? npy_array(record.shape, precision) : particle_arrays(record.shape, precision);
}

/// Samples of a run, or what was finished of them.
template <class Result>
struct Outcome {
  Result samples;
  bool is_whole;
};

Outcome<Samples> run_or_stop(const Plan& plan, const Options& options) {
  try {
    return {run(plan, options), true};
  } catch (const Interrupted& interrupted) {
    return {interrupted.finished(), false};
  }
}
Outcome<SmcSamples> run_or_stop(const SmcPlan& plan, const Options& options) {
  try {
    return {run(plan, options), true};
  } catch (const SmcInterrupted& interrupted) {
    return {interrupted.finished_chains(), false};
  }
}

void append(ResultWriter& writer, const Samples& samples) {
  const auto write = [&](const auto& values) { writer.append(0, std::span(values.data(), static_cast<std::size_t>(values.size()))); };
  if (samples.precision() == Precision::f32) {
    write(samples.host<float>());
  } else {
    write(samples.host<double>());
  }
}
void append(ResultWriter& writer, const SmcSamples& samples) {
  append(writer, static_cast<const Samples&>(samples));
  if (samples.log_weights().empty()) return;
  writer.append(1, std::span(samples.log_weights()));
  writer.append(2, std::span(samples.log_evidence()));
}

void record_remarks(RunRecord& record, const Samples& samples) { add_missing(record.warnings, samples.provenance().warnings); }
/// What a chunk's chains warn of is decided anew when all are known; other warnings are those of the plan.
void record_remarks(RunRecord& record, const SmcSamples& samples) { append(record.smc->chains, samples.chains()); }

/// One run, chunk by chunk.
template <class AnyPlan>
class ChunkedRun {
 public:
  ChunkedRun(const AnyPlan& plan, FileRun& run, ProgressLine& line)
      : plan_(plan), run_(run), line_(line), first_(run.options.first), count_(run.options.count) {
    if (run_.start) start_.emplace(*run_.start);
  }

  /// Runs the next chunk and appends what it finished. @returns false when the run was interrupted.
  bool advance(ResultWriter& writer, std::int64_t most_rows) {
    Options options = run_.options;
    options.first = first_ + done_;
    options.count = std::min(most_rows, count_ - done_);
    if (start_) options.start = read_start(options.count);
    options.progress = [this, before = done_](const Progress& progress) { line_.update(before + progress.done); };
    const auto outcome = run_or_stop(plan_, options);
    if (outcome.is_whole || outcome.samples.shape().front() > 0) take(writer, outcome.samples, options);
    return outcome.is_whole || done_ == count_;
  }

  std::int64_t done() const { return done_; }
  bool finished() const { return done_ == count_; }

 private:
  Points read_start(std::int64_t rows) {
    Points states(static_cast<Eigen::Index>(rows), plan_.dim());
    start_->read(done_ * plan_.dim(), std::span(states.data(), static_cast<std::size_t>(states.size())));
    return states;
  }

  void take(ResultWriter& writer, const auto& samples, const Options& options) {
    append(writer, samples);
    record_remarks(run_.record, samples);
    const Provenance& provenance = samples.provenance();
    const auto rows = static_cast<Eigen::Index>(samples.shape().front());
    RunRecord& record = run_.record;
    record.device = provenance.device;
    record.seconds += provenance.seconds;
    record.particle_steps += provenance.particle_steps;
    add_missing(record.notes, provenance.notes);
    if (!samples.times().empty()) {
      record.times = json_vector(Eigen::Map<const Eigen::VectorXd>(samples.times().data(), std::ssize(samples.times())));
    }
    if (options.start) *record.start += start_digest(options.start->topRows(rows), static_cast<std::uint64_t>(options.first));
    done_ += rows;
  }

  const AnyPlan& plan_;
  FileRun& run_;
  ProgressLine& line_;
  std::int64_t first_;
  std::int64_t count_;
  std::int64_t done_ = 0;
  std::optional<NpyReader> start_;
};

/// Prints the warnings and notes of a record, each once: those of the plan before the run, those of the device after it.
class Announcer {
 public:
  explicit Announcer(bool quiet) : quiet_(quiet) {}

  void announce(const RunRecord& record) {
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

/// What a run may leave behind, all free to write.
void check_outputs(const FileRun& run) {
  check_not_input(run.out, run.inputs);
  check_output_with_sidecar(run.out, run.force);
  const std::filesystem::path partial = partial_name(run.out);
  std::error_code ignored;
  require(run.force || !std::filesystem::exists(partial, ignored), partial.string(),
          " exists, what an interrupted run finished: complete it under another name and merge, or give --force");
  check_output_with_sidecar(partial, run.force);
}

/// Keeps what is finished and says how to complete it.
[[noreturn]] void keep_partial(FileRun& run, ResultWriter& writer, std::int64_t done) {
  const auto total = static_cast<std::uint64_t>(run.options.count);
  const char* kind = counted(run.record);
  if (done == 0) throw CommandInterrupted(concat("interrupted before the first of ", total, " ", kind, " was finished; nothing was kept"));
  const std::filesystem::path partial = partial_name(run.out);
  RunRecord& record = run.record;
  const std::uint64_t end = std::exchange(record.end, record.first + static_cast<std::uint64_t>(done));
  record.shape.front() = done;
  record.complete = false;
  add_missing(record.warnings, chain_warnings(record));
  record.checksums = writer.checksums();
  writer.commit_partial(partial, json_text(sidecar_json(record)));
  throw CommandInterrupted(concat("interrupted: ", done, " of ", total, " ", kind, " are in ", partial.string(), "; --range ", record.end,
                                  ":", end, " completes it, and gmdiff merge joins the two"));
}

template <class AnyPlan>
RunRecord run_any(const AnyPlan& plan, FileRun run) {
  check_outputs(run);
  const ResultArrays arrays = result_arrays(plan, run.record, run.options.precision);
  check_free_space(run.out, output_bytes(arrays));
  const InterruptWatcher watcher;
  run.options.stop = watcher.token();
  if (run.start) run.record.start = 0;
  ResultWriter writer(run.out, arrays, run.force);
  const std::int64_t state_bytes = run.start ? static_cast<std::int64_t>(sizeof(double)) * plan.dim() : 0;
  const std::int64_t rows = std::max<std::int64_t>(1, chunk_bytes / std::max(row_bytes(arrays), state_bytes));
  Announcer announcer(run.quiet);
  add_missing(run.record.warnings, plan.warnings);
  add_missing(run.record.notes, plan.notes);
  announcer.announce(run.record);
  {
    ProgressLine line(run.record.verb, run.options.count, run.quiet);
    ChunkedRun chunks(plan, run, line);
    while (!chunks.finished()) {
      if (!chunks.advance(writer, rows)) keep_partial(run, writer, chunks.done());
    }
  }
  add_missing(run.record.warnings, chain_warnings(run.record));
  announcer.announce(run.record);
  run.record.checksums = writer.checksums();
  writer.commit(json_text(sidecar_json(run.record)));
  return std::move(run.record);
}

}  // namespace

std::int64_t count_start_states(const std::filesystem::path& file, Eigen::Index dim) {
  const NpyReader reader(file);
  const std::vector<std::int64_t>& shape = reader.shape();
  const bool column = shape.size() == 1 && dim == 1;
  require(column || (shape.size() == 2 && shape[1] == dim), "--start ", file.string(), ": expected shape (n, ", dim, "), got ",
          io::shape_text(shape));
  require(shape[0] >= 1, "--start ", file.string(), ": it holds no state");
  return shape[0];
}

RunRecord run_to_file(const Plan& plan, FileRun run) { return run_any(plan, std::move(run)); }

RunRecord run_to_file(const SmcPlan& plan, FileRun run) {
  run.record.smc = {.particles = plan.particles, .chains = {}};
  return run_any(plan, std::move(run));
}

}  // namespace gmdiff::cli
