#include "cli/run_plan.hpp"

#include <algorithm>
#include <utility>

#include <gmdiff/base/version.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "cli/report.hpp"
#include "cli/watched_run.hpp"
#include "io/npy_header.hpp"
#include "study/array_reader.hpp"

namespace gmdiff::cli {
namespace {

/// The unit that a range counts, and the shape of its first states.
struct Counted {
  const char* name;
  const char* states;  ///< name of the first states of several
  std::vector<std::int64_t> state_shape;
};
Counted counted_of(const Plan& plan) { return {"particles", "states", {plan.dim()}}; }
Counted counted_of(const SmcPlan& plan) {
  return {"chains", "chains of states", {plan.particles, plan.dim()}};
}
Counted counted_of(const PathPlan& plan) { return {"paths", "states", {plan.dim()}}; }

/// "(n, 16, 2)"
std::string shape_of_many(const std::vector<std::int64_t>& shape) {
  std::string text = "(n";
  for (const std::int64_t entry : shape) text += concat(", ", entry);
  return text + ")";
}

/// Rows of the .npy file of given start states: (n, d), or (n, N, d) for chains; d = 1 may be omitted.
/// @throws std::invalid_argument naming the file when it has another shape or no row.
std::int64_t count_start_states(const std::filesystem::path& file, const Counted& counted) {
  require(!study::has_array(file, "log_weights"), "--start ", file.string(),
          ": its states have weights, which a start has not");
  const std::vector<std::int64_t> shape = study::ArrayReader(file, "samples").shape();
  const std::vector<std::int64_t>& state = counted.state_shape;
  const auto is_many_of = [&](auto begin, auto end) {
    return !shape.empty() && std::equal(shape.begin() + 1, shape.end(), begin, end);
  };
  const bool omits_one = state.back() == 1 && is_many_of(state.begin(), state.end() - 1);
  require(omits_one || is_many_of(state.begin(), state.end()), "--start ", file.string(), ": expected shape ",
          shape_of_many(state), ", got ", io::shape_text(shape));
  if (study::has_array(file, "velocities")) {
    const std::vector<std::int64_t> of_velocities = study::ArrayReader(file, "velocities").shape();
    require(of_velocities == shape, "--start ", file.string(), ": expected velocities of shape ",
            io::shape_text(shape), ", got ", io::shape_text(of_velocities));
  }
  require(shape[0] >= 1, "--start ", file.string(), ": it holds no state");
  return shape[0];
}

/// The particles or chains to run: the start states set the count.
ParticleRange particles(const RunFlags& flags, const Counted& counted, std::vector<std::string>& notes) {
  ParticleRange range = parse_particles(flags.count, flags.range);
  if (!flags.start) return range;
  const std::int64_t rows = count_start_states(*flags.start, counted);
  require(!flags.range || range.count == rows, "--range holds ", range.count, " ", counted.name,
          ", but --start ", *flags.start, " has ", rows, " ", counted.states);
  if (flags.count && range.count != rows)
    notes.push_back(
        concat("--start has ", rows, " ", counted.states, ", which replaces --count ", range.count));
  range.count = rows;
  return range;
}

/// The options of the flags, without the first states. The record gets what they say.
Options options_of(const RunFlags& flags, const auto& plan, int history, study::RunRecord& record) {
  const ParticleRange range = particles(flags, counted_of(plan), record.notes);
  Options options;
  options.first = range.first;
  options.count = range.count;
  options.seed = parse_seed(flags.seed);
  options.precision = parse_precision(flags.precision);
  options.math = parse_math(flags.math);
  options.device = flags.device ? Device::parse(*flags.device) : Device::best();
  options.history = history;
  options.velocities = flags.velocities;
  record.version = version();
  record.problem = flags.problem.file;
  record.seed = options.seed;
  record.first = static_cast<std::uint64_t>(range.first);
  record.end = range.end();
  record.precision = study::precision_name(options.precision);
  record.math = study::math_name(options.math);
  record.plan_hash = hex(plan.hash());
  return options;
}

/// `run_plan` for either kind of plan.
template <class AnyPlan>
void run(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const AnyPlan& plan,
         std::vector<std::int64_t> row_shape, int history, study::TraceDensity log_density = {}) {
  Options options = options_of(flags, plan, history, record);
  record.shape = std::move(row_shape);
  record.shape.insert(record.shape.begin(), options.count);
  study::FileRun run{.record = std::move(record),
                     .options = std::move(options),
                     .start = {},
                     .log_density = std::move(log_density),
                     .estimates = flags.estimates,
                     .out = flags.out,
                     .partial = partial_name(flags.out),
                     .force = flags.force};
  InputFiles read = inputs;
  if (flags.start) {
    run.start = *flags.start;
    add_data(read, *flags.start);
    check_sidecar(*flags.start, run.record.warnings);
  }
  check_outputs(run, read);
  check_free_space(run.out, output_bytes(plan, run));
  const study::RunRecord done = watched_run(plan, std::move(run), flags.common.quiet);
  print(flags.common.json ? json_text(result_json(done, flags.out)) : result_text(done, flags.out));
}

}  // namespace

Options run_options(const RunFlags& flags, const Plan& plan, int history, study::RunRecord& record) {
  return options_of(flags, plan, history, record);
}

void add_run_flags(CLI::App& verb, RunFlags& flags) {
  add_problem_flags(verb, flags.problem);
  verb.add_option("--out", flags.out, "the .npy file to write; its provenance is written to FILE.json")
      ->required()
      ->type_name("FILE");
  verb.add_option("--count", flags.count, "number of particles (1000)")->type_name("N");
  verb.add_option("--range", flags.range, "particles A to B - 1 of the run, instead of --count")
      ->type_name("A:B");
  verb.add_option("--seed", flags.seed, "64-bit seed (0)")->type_name("S");
  verb.add_option("--device", flags.device,
                  "best, reference, cpu[:threads] or cuda[:index[,index...]] (best)")
      ->type_name("DEVICE");
  verb.add_option("--precision", flags.precision, "f32 or f64 (f32)")->type_name("P");
  verb.add_option("--math", flags.math, "exact, or fast: approximate functions of a GPU, in f32 (exact)")
      ->type_name("MODE");
  add_force(verb, flags.force);
  add_common_flags(verb, flags.common);
}

void add_start(CLI::App& verb, RunFlags& flags, const std::string& meaning) {
  verb.add_option("--start", flags.start, meaning + "; sets the count")->type_name("FILE");
}

void add_history(CLI::App& verb, RunFlags& flags, const std::string& meaning) {
  verb.add_option("--history", flags.history, meaning)->type_name("M");
}

int parse_history(const std::string& text, std::size_t levels) {
  return static_cast<int>(parse_integer("--history", text, 2, static_cast<std::int64_t>(levels)));
}

void run_plan(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const Plan& plan,
              std::vector<std::int64_t> row_shape, int history, study::TraceDensity log_density) {
  run(flags, inputs, std::move(record), plan, std::move(row_shape), history, std::move(log_density));
}

void run_plan(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const SmcPlan& plan,
              std::vector<std::int64_t> row_shape, int history) {
  run(flags, inputs, std::move(record), plan, std::move(row_shape), history);
}

void run_plan(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const PathPlan& plan,
              std::vector<std::int64_t> row_shape, int history) {
  run(flags, inputs, std::move(record), plan, std::move(row_shape), history);
}

}  // namespace gmdiff::cli
