#include "study/file_run.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "device/chain_remarks.hpp"
#include "io/npy_header.hpp"
#include "plan/program.hpp"
#include "study/array_reader.hpp"
#include "study/chain_figures.hpp"
#include "study/result_file.hpp"

namespace gmdiff::study {
namespace {

constexpr std::int64_t chunk_bytes = 32 << 20;
// More than headers and sidecar need, unless the sidecar lists the evidence of many chains.
constexpr std::uint64_t header_bytes = 4096;

/// Bytes that one particle, or one chain, adds to all arrays.
std::int64_t row_bytes(const ResultArrays& arrays) {
  std::int64_t sum = 0;
  for (const io::NpzEntry& array : arrays) {
    std::int64_t bytes = array.precision == Precision::f32 ? 4 : 8;
    bool overflows = false;
    for (std::size_t i = 1; i < array.shape.size(); ++i)
      overflows = overflows || __builtin_mul_overflow(bytes, array.shape[i], &bytes);
    require(!overflows && !__builtin_add_overflow(sum, bytes, &sum), "one row of shape ",
            io::shape_text(array.shape), " has more than 2^63 bytes");
  }
  return sum;
}

/// Bytes of disk space that the arrays need. The arrays of an archive are copied together at the end.
std::uint64_t bytes_on_disk(const ResultArrays& arrays) {
  std::int64_t bytes = 0;
  require(!__builtin_mul_overflow(row_bytes(arrays), arrays.front().shape.front(), &bytes),
          "an output of shape ", io::shape_text(arrays.front().shape), " has more than 2^63 bytes");
  return static_cast<std::uint64_t>(bytes) * (is_archive(arrays) ? 2 : 1) + header_bytes;
}

// Overloads for the two kinds of plans.

ResultArrays result_arrays(const Plan& plan, const FileRun& run) {
  return chain_arrays(run.record.shape, run.options.precision,
                      {.moments = accumulate_stage(plan) != nullptr,
                       .acceptance = accept_stage(plan) != nullptr,
                       .steps = adapts_steps(plan),
                       .log_density = static_cast<bool>(run.log_density),
                       .velocities = run.options.velocities});
}
ResultArrays result_arrays(const SmcPlan& plan, const FileRun& run) {
  return plan.output == SmcOutput::draw ? npy_array(run.record.shape, run.options.precision)
                                        : particle_arrays(run.record.shape, run.options.precision);
}

ResultArrays result_arrays(const PathPlan& /*plan*/, const FileRun& run) {
  return path_arrays(run.record.shape, run.options.precision);
}

/// First states of one particle, or of one chain.
std::int64_t states_per_row(const Plan& /*plan*/) { return 1; }
std::int64_t states_per_row(const SmcPlan& plan) { return plan.particles; }
std::int64_t states_per_row(const PathPlan& /*plan*/) { return 1; }

/// Samples of a run, or those that were finished before an interruption.
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

Outcome<PathSamples> run_or_stop(const PathPlan& plan, const Options& options) {
  try {
    return {run(plan, options), true};
  } catch (const PathsInterrupted& interrupted) {
    return {interrupted.finished_paths(), false};
  }
}

std::span<const double> numbers_of(const Points& values) {
  return {values.data(), static_cast<std::size_t>(values.size())};
}

/// Fills the arrays of `chain_arrays`.
void append(ResultWriter& writer, const ChainMoments& moments, const std::optional<Acceptance>& acceptance) {
  writer.append("mean", numbers_of(moments.mean));
  writer.append("variance", numbers_of(moments.variance));
  writer.append("batch_means", numbers_of(moments.batch_means));
  if (moments.covariance.cols() > 0) writer.append("covariance", numbers_of(moments.covariance));
  if (!acceptance) return;
  writer.append("acceptance", acceptance->probability);
  const std::vector<double> non_finite(acceptance->non_finite.begin(), acceptance->non_finite.end());
  writer.append("non_finite", non_finite);
  if (!acceptance->step.empty()) writer.append("step", acceptance->step);
}

void append(ResultWriter& writer, const Samples& samples) {
  const auto write = [&](const auto& values) {
    writer.append(0, std::span(values.data(), static_cast<std::size_t>(values.size())));
  };
  if (samples.precision() == Precision::f32) {
    write(samples.host<float>());
  } else {
    write(samples.host<double>());
  }
  if (samples.moments()) append(writer, *samples.moments(), samples.acceptance());
  if (samples.velocities()) writer.append("velocities", numbers_of(*samples.velocities()));
}
void append(ResultWriter& writer, const SmcSamples& samples) {
  append(writer, static_cast<const Samples&>(samples));
  if (samples.log_weights().empty()) return;
  writer.append(1, std::span(samples.log_weights()));
  writer.append(2, std::span(samples.log_evidence()));
}
void append(ResultWriter& writer, const PathSamples& samples) {
  append(writer, static_cast<const Samples&>(samples));
  writer.append(1, std::span(samples.log_weights()));
}

void record_remarks(RunRecord& record, const Samples& samples) {
  add_missing(record.warnings, samples.provenance().warnings);
  if (!samples.acceptance()) return;
  if (!record.acceptance) record.acceptance.emplace();
  add_chains(*record.acceptance, *samples.acceptance());
}
/// Warnings about chains are decided again when all chains are known, so a chunk records only warnings of the
/// plan.
void record_remarks(RunRecord& record, const SmcSamples& samples) {
  append(record.smc->chains, samples.chains());
}

/// Runs one plan chunk by chunk.
template <class AnyPlan>
class ChunkedRun {
 public:
  ChunkedRun(const AnyPlan& plan, FileRun& run)
      : plan_(plan), run_(run), first_(run.options.first), count_(run.options.count) {
    if (run_.start) start_.emplace(*run_.start, "samples");
    if (run_.start && has_array(*run_.start, "velocities")) velocities_.emplace(*run_.start, "velocities");
    figures_ = chain_figures(run.record, run.estimates);
  }

  /// Runs the next chunk and appends its finished samples. @returns false when the run was interrupted.
  bool advance(ResultWriter& writer, std::int64_t most_rows) {
    Options options = run_.options;
    options.first = first_ + done_;
    options.count = std::min(most_rows, count_ - done_);
    if (start_) options.start = read_states(*start_, options.count);
    if (velocities_) options.start_velocities = read_states(*velocities_, options.count);
    if (run_.options.progress) {
      options.progress = [this, before = done_](const Progress& progress) {
        run_.options.progress({.done = before + progress.done, .total = count_});
      };
    }
    const auto outcome = run_or_stop(plan_, options);
    if (outcome.is_whole || outcome.samples.shape().front() > 0) take(writer, outcome.samples, options);
    return outcome.is_whole || done_ == count_;
  }

  /// Writes the diagnostics of the finished chains into the record.
  void record_figures() const {
    if (!figures_) return;
    const std::optional<PooledMoments> moments =
        pool_ ? std::optional(pool_->result()) : std::optional<PooledMoments>();
    figures_->write_to(run_.record, moments ? &*moments : nullptr);
  }

  std::int64_t done() const { return done_; }
  bool finished() const { return done_ == count_; }

 private:
  Points read_states(ArrayReader& reader, std::int64_t rows) const {
    Points states(static_cast<Eigen::Index>(rows * states_per_row(plan_)), plan_.dim());
    reader.read({states.data(), static_cast<std::size_t>(states.size())});
    return states;
  }

  /// Adds the first states of a chunk to their digest, with velocities as further coordinates.
  void add_start(const Options& options, Eigen::Index rows) {
    const std::int64_t N = states_per_row(plan_);
    Points states = options.start->topRows(rows * N);
    if (options.start_velocities) {
      const Points positions = states;
      states.resize(positions.rows(), 2 * positions.cols());
      states << positions, options.start_velocities->topRows(rows * N);
    }
    *run_.record.start += start_digest(states, static_cast<std::uint64_t>(options.first * N));
  }

  /// Log-densities at the states of a trace.
  void write_log_density(ResultWriter& writer, const Samples& samples) const {
    if (!run_.log_density) return;
    writer.append("log_density", numbers_of(run_.log_density(samples)));
  }

  /// Adds the chains of a chunk; the record has the estimates of all chains so far.
  void pool(const ChainMoments& moments) {
    if (!pool_) pool_.emplace(moments.mean.cols(), moments.steps);
    add_chains(*pool_, moments);
    run_.record.moments = moments_json(pool_->result());
  }

  /// Adds the weights of a chunk; the record has the summary of all paths so far.
  void add_weights(const Samples& /*samples*/) {}
  void add_weights(const PathSamples& samples) {
    log_weights_.insert(log_weights_.end(), samples.log_weights().begin(), samples.log_weights().end());
    run_.record.weights = weights_json(log_weights_);
  }

  void take(ResultWriter& writer, const auto& samples, const Options& options) {
    append(writer, samples);
    write_log_density(writer, samples);
    record_remarks(run_.record, samples);
    add_weights(samples);
    if (samples.moments()) pool(*samples.moments());
    if (figures_ && figures_->needs_states()) figures_->add(samples.to_double());
    const Provenance& provenance = samples.provenance();
    const auto rows = static_cast<Eigen::Index>(samples.shape().front());
    RunRecord& record = run_.record;
    record.device = provenance.device;
    record.seconds += provenance.seconds;
    record.particle_steps += provenance.particle_steps;
    add_missing(record.notes, provenance.notes);
    if (!samples.times().empty()) {
      record.times = io::json_vector(
          Eigen::Map<const Eigen::VectorXd>(samples.times().data(), std::ssize(samples.times())));
    }
    if (options.start) add_start(options, rows);
    done_ += rows;
  }

  const AnyPlan& plan_;
  FileRun& run_;
  std::int64_t first_;
  std::int64_t count_;
  std::int64_t done_ = 0;
  std::optional<ArrayReader> start_, velocities_;
  std::optional<MomentPool> pool_;
  std::optional<ChainFigures> figures_;
  std::vector<double> log_weights_;  ///< of the paths so far
};

/// Commits the finished part of the output.
[[noreturn]] void keep_partial(FileRun& run, ResultWriter& writer, std::int64_t done) {
  RunRecord& record = run.record;
  const std::uint64_t end = std::exchange(record.end, record.first + static_cast<std::uint64_t>(done));
  record.shape.front() = done;
  record.complete = false;
  const std::string message =
      concat("interrupted: ", done, " of ", run.options.count, " ", counted(record), " are finished");
  if (done == 0) throw FileRunInterrupted(message, std::move(record), end);
  add_missing(record.warnings, chain_warnings(record));
  record.checksums = writer.checksums();
  writer.commit_partial(run.partial, io::json_text(sidecar_json(record)));
  throw FileRunInterrupted(message + ", in " + run.partial.string(), std::move(record), end);
}

template <class AnyPlan>
RunRecord run_any(const AnyPlan& plan, FileRun run) {
  const ResultArrays arrays = result_arrays(plan, run);
  if (run.start) run.record.start = 0;
  add_missing(run.record.warnings, plan.warnings);
  add_missing(run.record.notes, plan.notes);
  ResultWriter writer(run.out, arrays, run.force);
  const std::int64_t state_bytes =
      run.start ? static_cast<std::int64_t>(sizeof(double)) * states_per_row(plan) * plan.dim() : 0;
  const std::int64_t rows = std::max<std::int64_t>(1, chunk_bytes / std::max(row_bytes(arrays), state_bytes));
  ChunkedRun chunks(plan, run);
  while (!chunks.finished()) {
    if (chunks.advance(writer, rows)) continue;
    if (chunks.done() > 0) chunks.record_figures();
    keep_partial(run, writer, chunks.done());
  }
  chunks.record_figures();
  add_missing(run.record.warnings, chain_warnings(run.record));
  run.record.checksums = writer.checksums();
  writer.commit(io::json_text(sidecar_json(run.record)));
  return std::move(run.record);
}

}  // namespace

std::uint64_t output_bytes(const Plan& plan, const FileRun& run) {
  return bytes_on_disk(result_arrays(plan, run));
}

std::uint64_t output_bytes(const SmcPlan& plan, const FileRun& run) {
  return bytes_on_disk(result_arrays(plan, run));
}

std::uint64_t output_bytes(const PathPlan& plan, const FileRun& run) {
  return bytes_on_disk(result_arrays(plan, run));
}

RunRecord run_to_file(const Plan& plan, FileRun run) { return run_any(plan, std::move(run)); }

RunRecord run_to_file(const SmcPlan& plan, FileRun run) {
  run.record.smc = {.particles = plan.particles, .chains = {}};
  return run_any(plan, std::move(run));
}

RunRecord run_to_file(const PathPlan& plan, FileRun run) { return run_any(plan, std::move(run)); }

}  // namespace gmdiff::study
