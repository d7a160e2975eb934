#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <variant>

#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "io/json_input.hpp"
#include "study/compare.hpp"
#include "study/record.hpp"

namespace gmdiff::cli {
namespace {

using study::Candidate;
using study::CompareSettings;
using study::NamedProblem;
using study::SamplerRow;

constexpr const char* exact_draws = "draw";  // the name of exact draws of the law among the samplers
constexpr std::int64_t most_problems = 100'000;

struct CompareFlags {
  std::vector<std::string> files;
  CommonFlags common;
  FlagText seeds, dx, dy, steps, samplers, count, slices, repeats, seed, device, precision;
};

// ----- from flags to settings

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Candidate parse_candidate(const std::string& text) {
  require(!text.empty(), "--samplers: expected names separated by commas, got an empty one");
  if (text == exact_draws) return {text, {}};
  const AnySampler sampler = parse_sampler(text);
  if (const auto* smc = std::get_if<SmcSampler>(&sampler)) {
    const bool is_draw =
        std::visit([](const auto& description) { return description.output == SmcOutput::draw; }, *smc);
    require(is_draw, "--samplers: ", text,
            ": particles of one chain are not independent, so one draw a chain is compared");
  }
  return {to_string(sampler), sampler};
}

bool is_noiseless(const NamedProblem& named) {
  const std::optional<LinearObservation>& observation = named.problem.observation;
  return observation && observation->has_noise_std() && observation->noise_std() == 0.0;
}

/// The samplers of `--samplers`, or the default ones; the bootstrap filter only if every problem has noise.
std::vector<Candidate> candidates(const CompareFlags& flags, const std::vector<NamedProblem>& problems) {
  const bool noiseless = std::ranges::any_of(problems, is_noiseless);
  const std::string usual = std::string("mcgdiff,mcgdiff:variant=A,mcgdiff:kernel=exact,") +
                            (noiseless ? "" : "bootstrap,") + "exact-transition," + exact_draws;
  std::vector<Candidate> result;
  for (const std::string& text : split(flags.samplers.value_or(usual), ','))
    result.push_back(parse_candidate(text));
  if (noiseless && !flags.samplers) {
    print_remarks({}, {"bootstrap is left out: it needs noise on every observed direction"},
                  flags.common.quiet);
  }
  return result;
}

/// The benchmark problems of `--seeds A:B`.
std::vector<NamedProblem> benchmark_problems(const CompareFlags& flags) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::string> ends = split(*flags.seeds, ':');
  require(ends.size() == 2, "--seeds: expected A:B, the problems of seeds A to B - 1, got ", *flags.seeds);
  const std::int64_t first = parse_integer("--seeds", ends[0], 0, most);
  const std::int64_t end = parse_integer("--seeds", ends[1], 0, most);
  require(first < end && end - first <= most_problems,
          "--seeds: A:B is half-open and needs A < B and at most ", most_problems, " seeds, got ",
          *flags.seeds);
  McgdiffProblem parameters;
  if (flags.dx)
    parameters.dx = static_cast<int>(parse_integer("--dx", *flags.dx, 1, std::numeric_limits<int>::max()));
  if (flags.dy)
    parameters.dy = static_cast<int>(parse_integer("--dy", *flags.dy, 1, std::numeric_limits<int>::max()));
  std::vector<NamedProblem> problems;
  for (std::int64_t seed = first; seed < end; ++seed) {
    parameters.seed = static_cast<std::uint64_t>(seed);
    problems.push_back({concat("mcgdiff seed ", seed), mcgdiff_problem(parameters)});
  }
  return problems;
}

std::vector<NamedProblem> load_problems(const CompareFlags& flags) {
  require(flags.files.empty() || !flags.seeds, "compare takes problem files or --seeds, not both");
  require(!flags.files.empty() || flags.seeds,
          "compare: expected problem files, or --seeds A:B for problems of the MCGdiff benchmark");
  require(flags.seeds || (!flags.dx && !flags.dy), "--dx and --dy belong to the problems of --seeds");
  require(std::ranges::count(flags.files, "-") <= 1, "only one problem can be standard input");
  std::vector<NamedProblem> problems;
  if (flags.seeds) problems = benchmark_problems(flags);
  for (const std::string& file : flags.files) problems.push_back({file, load_problem(file)});
  if (flags.steps) {
    for (NamedProblem& named : problems) set_steps(named.problem, *flags.steps);
  }
  return problems;
}

CompareSettings parse_settings(const CompareFlags& flags) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  CompareSettings settings;
  Options& options = settings.options;
  if (flags.count) options.count = parse_integer("--count", *flags.count, 1, most);
  options.seed = parse_seed(flags.seed);
  options.precision = parse_precision(flags.precision);
  options.device = flags.device ? Device::parse(*flags.device) : Device::best();
  JudgeOptions& judging = settings.judging;
  if (flags.device) judging.device = options.device;
  if (flags.slices)
    judging.slices = static_cast<int>(parse_integer("--slices", *flags.slices, 1, most_slices));
  if (flags.repeats) judging.repeats = static_cast<int>(parse_integer("--repeats", *flags.repeats, 2, most));
  settings.problems = load_problems(flags);
  settings.candidates = candidates(flags, settings.problems);
  return settings;
}

// ----- output

/// Name of the law that the samplers are compared with.
std::string law_name(const std::vector<NamedProblem>& problems) {
  const auto observed = [](const NamedProblem& named) { return named.problem.observation.has_value(); };
  if (std::ranges::all_of(problems, observed)) return "posterior";
  return std::ranges::none_of(problems, observed) ? "prior" : "posterior or prior";
}

Json row_json(const SamplerRow& row) {
  const auto known = [](const std::optional<double>& value) {
    return value ? json_number(*value) : Json(nullptr);
  };
  const auto number = [&](double value) { return row.error ? Json(nullptr) : json_number(value); };
  Json json;
  json["sampler"] = row.sampler;
  json["value"] = number(row.value);
  json["standard_error"] = known(row.standard_error);
  json["median"] = number(row.median);
  json["floor"] = number(row.floor);
  json["floor_sd"] = number(row.floor_sd);
  json["ratio"] = number(row.ratio);
  json["log_evidence_error"] = known(row.log_evidence_error);
  json["log_evidence_sd"] = known(row.log_evidence_sd);
  json["ess"] = known(row.ess);
  json["smallest_ess"] = known(row.smallest_ess);
  json["seconds"] = number(row.seconds);
  json["problems"] = row.problems;
  json["warnings"] = row.warnings;
  json["error"] = row.error ? Json(*row.error) : Json(nullptr);
  return json;
}

std::string compare_json(const CompareSettings& settings, const std::vector<SamplerRow>& rows) {
  Json json;
  json["problems"] = Json::array();
  for (const NamedProblem& named : settings.problems) json["problems"].push_back(named.name);
  json["law"] = law_name(settings.problems);
  json["quantity"] = "sw_1";
  json["count"] = settings.options.count;
  json["slices"] = settings.judging.slices;
  json["repeats"] = settings.judging.repeats;
  json["seed"] = settings.options.seed;
  json["precision"] = study::precision_name(settings.options.precision);
  json["device"] = settings.options.device.name();
  json["rows"] = Json::array();
  for (const SamplerRow& row : rows) json["rows"].push_back(row_json(row));
  return json_text(json);
}

std::string compare_text(const CompareSettings& settings, const std::vector<SamplerRow>& rows) {
  const auto known = [](const std::optional<double>& value, double factor = 1.0) {
    return value ? format_number(factor * *value, 3) : std::string("-");
  };
  Table table({"sampler", "sw_1", "+-", "median", "floor", "ratio", "log-evidence error", "sd", "ESS/N",
               "smallest", "seconds"});
  for (const SamplerRow& row : rows) {
    if (row.error) {
      table.add({row.sampler, "-", "-", "-", "-", "-", "-", "-", "-", "-", "failed " + *row.error});
      continue;
    }
    table.add({row.sampler, format_number(row.value, 4), known(row.standard_error, 1.96),
               format_number(row.median, 4), format_number(row.floor, 4), format_number(row.ratio, 3),
               known(row.log_evidence_error), known(row.log_evidence_sd), known(row.ess),
               known(row.smallest_ess), format_number(row.seconds, 3)});
  }
  const std::size_t problems = settings.problems.size();
  const std::string which = problems == 1 ? settings.problems.front().name : concat(problems, " problems");
  return concat(law_name(settings.problems), " of ", which, ": sliced W1 of ", settings.options.count,
                " samples, ", settings.judging.slices, " directions; floor: expectation for exact draws\n\n",
                table.text());
}

/// The first warning of each sampler, since the warnings of many problems would bury the table.
std::vector<std::string> first_warnings(const std::vector<SamplerRow>& rows) {
  std::vector<std::string> warnings;
  for (const SamplerRow& row : rows) {
    if (row.warnings.empty()) continue;
    const std::size_t more = row.warnings.size() - 1;
    warnings.push_back(concat(row.sampler, " ", row.warnings.front(),
                              more == 0 ? "" : concat(" (", more, " more; --json has all)")));
  }
  return warnings;
}

void run_compare(const CompareFlags& flags) {
  CompareSettings settings = parse_settings(flags);
  std::vector<SamplerRow> rows;
  {
    ProgressLine line("compare", study::num_samples(settings), flags.common.quiet);
    settings.options.progress = [&line](const Progress& progress) { line.update(progress.done); };
    rows = study::compare(settings);
  }
  print_remarks(first_warnings(rows), {}, flags.common.quiet);
  print(flags.common.json ? compare_json(settings, rows) : compare_text(settings, rows));
  const auto failed =
      std::ranges::count_if(rows, [](const SamplerRow& row) { return row.error.has_value(); });
  if (failed > 0)
    throw std::runtime_error(
        concat("compare: ", failed, " of ", rows.size(), " samplers failed; their rows say why"));
}

void add_compare_flags(CLI::App& verb, CompareFlags& flags) {
  verb.add_option("PROBLEMS", flags.files, "problem files, - for standard input")->type_name("");
  verb.add_option("--seeds", flags.seeds,
                  "instead of files: problems of the MCGdiff benchmark, of seeds A to B - 1")
      ->type_name("A:B");
  verb.add_option("--dx", flags.dx, "with --seeds: dimension of x, even (8)")->type_name("N");
  verb.add_option("--dy", flags.dy, "with --seeds: dimension of y (2)")->type_name("N");
  verb.add_option("--steps", flags.steps, "number of steps, instead of the grids'")->type_name("N");
  verb.add_option("--samplers", flags.samplers,
                  "names or name:key=value:..., separated by commas; draw: exact draws "
                  "(mcgdiff,mcgdiff:variant=A,mcgdiff:kernel=exact,"
                  "bootstrap,exact-transition,draw)")
      ->type_name("LIST");
  verb.add_option("--count", flags.count, "samples per problem; SMC gives one per chain (1000)")
      ->type_name("N");
  verb.add_option("--slices", flags.slices, "directions of the distance (100)")->type_name("N");
  verb.add_option("--repeats", flags.repeats, "without effect: distance and floor need no exact draws (5)")->type_name("N");
  verb.add_option("--seed", flags.seed, "seed of samplers, exact draws and directions (0)")->type_name("S");
  verb.add_option("--device", flags.device,
                  "device of samplers, exact draws and distances: best, reference, cpu[:threads] or "
                  "cuda[:index[,index...]] (best; draws and "
                  "distances: cpu)")
      ->type_name("DEVICE");
  verb.add_option("--precision", flags.precision, "f32 or f64 (f32)")->type_name("P");
  add_common_flags(verb, flags.common);
}

}  // namespace

Verb add_compare(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "compare", "samplers against the exact law: distance, noise floor, evidence, time");
  auto flags = std::make_shared<CompareFlags>();
  add_compare_flags(*verb, *flags);
  verb->footer(
      "One row per sampler. sw_1: sliced W1 between samples and law, mean over the problems, +- 1.96 "
      "standard errors over them; "
      "median; "
      "floor: its expectation for as many exact draws, and the ratio to it. log-evidence error: log of the "
      "mean "
      "evidence of the chains, less the "
      "exact "
      "one, mean over the problems; sd: standard deviation of the chains' log-evidences. ESS/N: share of the "
      "particles that count, mean "
      "over all weightings of the first 20 chains, which run again for it; smallest: the smallest of a "
      "chain, mean over the chains. "
      "seconds: of the samplers, sum over the problems. A sampler that fails on a problem has no numbers: "
      "its row says why, and the exit "
      "code is 1.\n\n"
      "Example:\n"
      "  gmdiff compare problem.json --count 200 --samplers mcgdiff:particles=64,exact-transition,draw\n"
      "  gmdiff compare --seeds 0:2 --dx 2 --dy 1 --steps 10 --count 50 --samplers "
      "mcgdiff:particles=32,bootstrap:particles=32\n");
  return {verb, [flags] { run_compare(*flags); }};
}

}  // namespace gmdiff::cli
