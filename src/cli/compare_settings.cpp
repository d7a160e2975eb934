#include "cli/compare_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <variant>

#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "cli/external_samples.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"

namespace gmdiff::cli {
namespace {

constexpr const char* exact_draws = "draw";  // the name of exact draws of the law among the samplers
constexpr std::int64_t most_problems = 100'000;
constexpr std::int64_t most_runs = 100'000;

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
  if (text == exact_draws) return {text, ExactDraws{}};
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
  const auto* problem = std::get_if<Problem>(&named.problem);
  if (problem == nullptr || !problem->observation) return false;
  return problem->observation->has_noise_std() && problem->observation->noise_std() == 0.0;
}

bool has_map(const NamedProblem& named) { return std::holds_alternative<NonlinearProblem>(named.problem); }
bool has_denoiser(const NamedProblem& named) {
  const auto* problem = std::get_if<Problem>(&named.problem);
  const auto* nonlinear = std::get_if<NonlinearProblem>(&named.problem);
  return problem != nullptr ? problem->denoiser.has_value()
                            : nonlinear != nullptr && nonlinear->denoiser.has_value();
}
bool has_observation(const NamedProblem& named) {
  const auto* problem = std::get_if<Problem>(&named.problem);
  return problem == nullptr || problem->observation.has_value();
}
bool has_target(const NamedProblem& named) { return study::target_in(named.problem).has_value(); }

/// Returns the text that replaces `{problem}` for each problem: the base name of its file, or its seed.
std::vector<std::string> problem_keys(const CompareFlags& flags, const std::vector<NamedProblem>& problems) {
  std::vector<std::string> keys;
  keys.reserve(problems.size());
  for (const NamedProblem& named : problems)
    keys.push_back(flags.seeds ? split(named.name, ' ').back()
                               : std::filesystem::path(named.name).stem().string());
  return keys;
}

void add_external(const CompareFlags& flags, CompareSettings& settings) {
  const std::vector<std::string> keys = problem_keys(flags, settings.problems);
  for (const std::string& text : flags.external) {
    Candidate candidate = external_candidate(text, keys, settings.runs);
    const bool is_new = std::ranges::none_of(
        settings.candidates, [&](const Candidate& other) { return other.name == candidate.name; });
    require(is_new, "--external: ", candidate.name, " is the name of another row");
    settings.candidates.push_back(std::move(candidate));
  }
}

/// The default samplers but for exact draws: those that evaluate a denoiser if problems have one, guided ones
/// and chains for observations with a map, chains for targets, otherwise methods for posteriors, with the
/// bootstrap filter only if every problem has noise.
std::string usual_samplers(const std::vector<NamedProblem>& problems, bool noiseless) {
  if (std::ranges::any_of(problems, has_denoiser))
    return std::ranges::any_of(problems, has_observation)
               ? "pigdm,dps,"
               : "ancestral:start=gaussian,ddim:start=gaussian,heun:start=gaussian,";
  // From exact starts, so that the rows show the methods' own errors.
  if (std::ranges::all_of(problems, has_map))
    return "tmp:start=exact,dps-likelihood:start=exact,dps:start=exact,mala,";
  if (std::ranges::all_of(problems, has_target)) return "mala,hmc,";
  return std::string("mcgdiff,mcgdiff:variant=A,mcgdiff:kernel=exact,") + (noiseless ? "" : "bootstrap,") +
         "exact-transition,";
}

/// The samplers of `--samplers`, or the default ones.
std::vector<Candidate> candidates(const CompareFlags& flags, const std::vector<NamedProblem>& problems) {
  const bool noiseless = std::ranges::any_of(problems, is_noiseless);
  const std::string usual = usual_samplers(problems, noiseless) + exact_draws;
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

/// `--steps` is about grids; chains have their steps in the text of the sampler.
void set_steps(NamedProblem& named, const std::string& steps) {
  if (auto* nonlinear = std::get_if<NonlinearProblem>(&named.problem))
    return set_grid_steps(nonlinear->grid, steps);
  auto* problem = std::get_if<Problem>(&named.problem);
  require(problem != nullptr, "--steps: ", named.name,
          " has no grid; give chains their steps as in mala:steps=1000");
  cli::set_steps(*problem, steps);
}

std::vector<NamedProblem> load_problems(const CompareFlags& flags) {
  require(flags.files.empty() || !flags.seeds, "compare takes problem files or --seeds, not both");
  require(!flags.files.empty() || flags.seeds,
          "compare: expected problem files, or --seeds A:B for problems of the MCGdiff benchmark");
  require(flags.seeds || (!flags.dx && !flags.dy), "--dx and --dy belong to the problems of --seeds");
  require(std::ranges::count(flags.files, "-") <= 1, "only one problem can be standard input");
  std::vector<NamedProblem> problems;
  if (flags.seeds) problems = benchmark_problems(flags);
  for (const std::string& file : flags.files) {
    InputFiles inputs;
    problems.push_back({file, load_any_problem(file, inputs)});
  }
  if (flags.steps) {
    for (NamedProblem& named : problems) set_steps(named, *flags.steps);
  }
  return problems;
}

/// The metrics of `--metrics`, each once.
std::vector<Metric> parse_metrics(const std::string& text) {
  std::vector<Metric> metrics;
  for (const std::string& name : split(text, ',')) {
    const Metric metric = parse_metric("--metrics", name);
    require(std::ranges::count(metrics, metric) == 0, "--metrics: ", name, " is given twice");
    metrics.push_back(metric);
  }
  return metrics;
}

JudgeOptions parse_judging(const CompareFlags& flags, const std::vector<Metric>& metrics) {
  JudgeOptions judging;
  if (flags.device) judging.device = Device::parse(*flags.device);
  const bool sliced = std::ranges::any_of(metrics, [](Metric metric) {
    return metric == Metric::sliced_wasserstein || metric == Metric::max_sliced_wasserstein;
  });
  require(sliced || !flags.slices, "--slices belongs to the metrics sw and max-sw");
  if (flags.slices)
    judging.slices = static_cast<int>(parse_integer("--slices", *flags.slices, 1, most_slices));
  if (flags.repeats) {
    judging.repeats =
        static_cast<int>(parse_integer("--repeats", *flags.repeats, 2, std::numeric_limits<int>::max()));
  }
  return judging;
}

}  // namespace

CompareSettings parse_settings(const CompareFlags& flags) {
  require(!flags.csv || !flags.common.json, "compare prints --csv or --json, not both");
  CompareSettings settings;
  Options& options = settings.options;
  if (flags.count) options.count = parse_integer("--count", *flags.count, 1, std::numeric_limits<int>::max());
  options.seed = parse_seed(flags.seed);
  options.precision = parse_precision(flags.precision);
  options.device = flags.device ? Device::parse(*flags.device) : Device::best();
  if (flags.metrics) settings.metrics = parse_metrics(*flags.metrics);
  settings.judging = parse_judging(flags, settings.metrics);
  if (flags.runs) settings.runs = static_cast<int>(parse_integer("--runs", *flags.runs, 1, most_runs));
  if (flags.results) settings.results = *flags.results;
  settings.problems = load_problems(flags);
  settings.candidates = candidates(flags, settings.problems);
  add_external(flags, settings);
  return settings;
}

}  // namespace gmdiff::cli
