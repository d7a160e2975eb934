#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include <gmdiff/distances.hpp>
#include <gmdiff/error.hpp>
#include <gmdiff/sample.hpp>
#include <gmdiff/smc.hpp>
#include <gmdiff/smc_plan.hpp>

#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "device/random.hpp"
#include "io/json_input.hpp"
#include "model/check.hpp"

namespace gmdiff::cli {
namespace {

constexpr const char* exact_draws = "draw";  // stands among the samplers for exact draws of the law
constexpr std::int64_t most_ess_chains = 20;
constexpr double ess_bytes = 64 << 20;  // of the history that the effective sample size is taken from
constexpr std::int64_t most_problems = 100'000;

struct CompareFlags {
  std::vector<std::string> files;
  CommonFlags common;
  FlagText seeds, dx, dy, steps, samplers, count, slices, repeats, seed, device, precision;
};

struct NamedProblem {
  std::string name;
  Problem problem;
};

/// What is compared with the exact law: a sampler, or exact draws.
struct Candidate {
  std::string name;  ///< as on the command line
  std::optional<AnySampler> sampler;
};

struct Settings {
  std::vector<NamedProblem> problems;
  std::vector<Candidate> candidates;
  Options options;
  JudgeOptions judging;
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
    const bool is_draw = std::visit([](const auto& description) { return description.output == SmcOutput::draw; }, *smc);
    require(is_draw, "--samplers: ", text, ": particles of one chain are not independent, so one draw a chain is compared");
  }
  return {to_string(sampler), sampler};
}

bool is_noiseless(const NamedProblem& named) {
  const std::optional<LinearObservation>& observation = named.problem.observation;
  return observation && observation->has_noise_std() && observation->noise_std() == 0.0;
}

/// Those of `--samplers`, or the usual ones; the bootstrap filter only where every problem has noise.
std::vector<Candidate> candidates(const CompareFlags& flags, const std::vector<NamedProblem>& problems) {
  const bool noiseless = std::ranges::any_of(problems, is_noiseless);
  const std::string usual =
      std::string("mcgdiff,mcgdiff:variant=A,mcgdiff:kernel=exact,") + (noiseless ? "" : "bootstrap,") + "exact-transition," + exact_draws;
  std::vector<Candidate> result;
  for (const std::string& text : split(flags.samplers.value_or(usual), ',')) result.push_back(parse_candidate(text));
  if (noiseless && !flags.samplers) {
    print_remarks({}, {"bootstrap is left out: it needs noise on every observed direction"}, flags.common.quiet);
  }
  return result;
}

/// The benchmark's problems of `--seeds A:B`.
std::vector<NamedProblem> benchmark_problems(const CompareFlags& flags) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::string> ends = split(*flags.seeds, ':');
  require(ends.size() == 2, "--seeds: expected A:B, the problems of seeds A to B - 1, got ", *flags.seeds);
  const std::int64_t first = parse_integer("--seeds", ends[0], 0, most);
  const std::int64_t end = parse_integer("--seeds", ends[1], 0, most);
  require(first < end && end - first <= most_problems, "--seeds: A:B is half-open and needs A < B and at most ", most_problems,
          " seeds, got ", *flags.seeds);
  McgdiffProblem parameters;
  if (flags.dx) parameters.dx = static_cast<int>(parse_integer("--dx", *flags.dx, 1, std::numeric_limits<int>::max()));
  if (flags.dy) parameters.dy = static_cast<int>(parse_integer("--dy", *flags.dy, 1, std::numeric_limits<int>::max()));
  std::vector<NamedProblem> problems;
  for (std::int64_t seed = first; seed < end; ++seed) {
    parameters.seed = static_cast<std::uint64_t>(seed);
    problems.push_back({concat("mcgdiff seed ", seed), mcgdiff_problem(parameters)});
  }
  return problems;
}

std::vector<NamedProblem> load_problems(const CompareFlags& flags) {
  require(flags.files.empty() || !flags.seeds, "compare takes problem files or --seeds, not both");
  require(!flags.files.empty() || flags.seeds, "compare: expected problem files, or --seeds A:B for problems of the MCGdiff benchmark");
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

Settings parse_settings(const CompareFlags& flags) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  Settings settings;
  Options& options = settings.options;
  if (flags.count) options.count = parse_integer("--count", *flags.count, 1, most);
  options.seed = parse_seed(flags.seed);
  options.precision = parse_precision(flags.precision);
  options.device = flags.device ? Device::parse(*flags.device) : Device::best();
  JudgeOptions& judging = settings.judging;
  if (flags.slices) judging.slices = static_cast<int>(parse_integer("--slices", *flags.slices, 1, most_slices));
  if (flags.repeats) judging.repeats = static_cast<int>(parse_integer("--repeats", *flags.repeats, 2, most));
  settings.problems = load_problems(flags);
  settings.candidates = candidates(flags, settings.problems);
  return settings;
}

// ----- one problem

/// What a candidate scored on one problem.
struct Score {
  Judgement judgement = {};
  std::optional<double> log_evidence_error = {};  ///< of SMC
  std::optional<double> ess = {};                 ///< share of the particles, mean over the weightings
  double seconds = 0.0;
};

/// The exact answer of a problem.
struct Answer {
  Law law;
  std::optional<double> log_evidence;
};

Answer answer_of(const Problem& problem) {
  if (!problem.observation) return {{"prior", problem.prior}, {}};
  Posterior exact = posterior(problem.prior, *problem.observation);
  return {{"posterior", std::move(exact.mixture)}, exact.log_evidence};
}

using AnyPlan = std::variant<Plan, SmcPlan>;

AnyPlan plan_of(const Candidate& candidate, const NamedProblem& named, const Law& law) {
  const std::span<const Mixture> laws(&law.mixture, 1);
  if (!candidate.sampler) return draw_plan(laws);
  const Problem& problem = named.problem;
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, problem.grid, problem.observation ? &*problem.observation : nullptr);
  if (const auto* smc = std::get_if<SmcSampler>(&*candidate.sampler)) {
    return smc_plan(problem.prior, observation_for(*smc, problem, named.name), process, grid, *smc);
  }
  return sampling_plan(laws, process, grid, std::get<Sampler>(*candidate.sampler));
}

/// Plans of all candidates, before any of them runs.
std::vector<AnyPlan> plans_of(const Settings& settings, const NamedProblem& named, const Law& law) {
  std::vector<AnyPlan> plans;
  for (const Candidate& candidate : settings.candidates) {
    try {
      plans.push_back(plan_of(candidate, named, law));
    } catch (const std::invalid_argument& error) {
      fail(named.name, ", sampler ", candidate.name, ": ", error.what());
    }
  }
  return plans;
}

/// Mean share of the particles that count, over the weightings of the first chains; they are run again for that, so that the history of all
/// need not be kept.
std::optional<double> mean_ess(const SmcPlan& plan, Options options) {
  const std::size_t weightings = plan.weightings().size();
  if (weightings == 0) return {};
  const double bytes = 12.0 * static_cast<double>(weightings) * plan.particles;  // of a chain's history
  const auto chains = static_cast<std::int64_t>(std::clamp(ess_bytes / bytes, 1.0, static_cast<double>(most_ess_chains)));
  options.count = std::min(options.count, chains);
  options.smc_history = true;
  options.progress = {};
  const SmcSamples samples = run(plan, options);
  const std::vector<double>& ess = samples.history().ess;
  return std::accumulate(ess.begin(), ess.end(), 0.0) / static_cast<double>(ess.size()) / plan.particles;
}

/// Samples of a candidate; fills in what its run tells.
class Runner {
 public:
  Runner(const Options& options, const Answer& answer, Score& score) : options_(options), answer_(answer), score_(score) {}

  Samples operator()(const Plan& plan) const { return taken(run(plan, options_)); }
  Samples operator()(const SmcPlan& plan) const {
    const SmcSamples samples = run(plan, options_);
    score_.log_evidence_error = samples.mean_log_evidence() - *answer_.log_evidence;
    score_.ess = mean_ess(plan, options_);
    return taken(samples);
  }

 private:
  Samples taken(const Samples& samples) const {
    score_.seconds = samples.provenance().seconds;
    return samples;
  }

  const Options& options_;
  const Answer& answer_;
  Score& score_;
};

/// `run` with the place in its errors.
Samples run_named(const Runner& runner, const AnyPlan& plan, const std::string& place) {
  try {
    return std::visit(runner, plan);
  } catch (const WeightError& error) {
    throw WeightError(place + ": " + error.what());
  } catch (const NonFiniteError& error) {
    throw NonFiniteError(place + ": " + error.what());
  }
}

/// Scores of all candidates on one problem; with the seed that a batch gives to problem number `index`.
std::vector<Score> scores_of(const Settings& settings, std::size_t index, ProgressLine& line) {
  const NamedProblem& named = settings.problems[index];
  const Answer answer = answer_of(named.problem);
  const std::vector<AnyPlan> plans = plans_of(settings, named, answer.law);
  Options options = settings.options;
  options.seed = problem_seed(options.seed, index);
  std::vector<Score> scores(plans.size());
  std::vector<PointSet> sets;
  for (std::size_t c = 0; c < plans.size(); ++c) {
    const std::int64_t before = static_cast<std::int64_t>(index * plans.size() + c) * options.count;
    options.progress = [&line, before](const Progress& progress) { line.update(before + progress.done); };
    const std::string place = concat(settings.candidates[c].name, " on ", named.name);
    sets.emplace_back(run_named(Runner(options, answer, scores[c]), plans[c], place));
  }
  JudgeOptions judging = settings.judging;
  judging.seed = options.seed;
  const std::vector<std::vector<Judgement>> judgements = judge_each(sets, answer.law.mixture, judging);
  for (std::size_t c = 0; c < plans.size(); ++c) scores[c].judgement = judgements[c].front();
  return scores;
}

// ----- all problems

/// A candidate's row: means over the problems.
struct SamplerRow {
  std::string sampler;
  double value = 0.0;
  std::optional<double> standard_error;  ///< of the value, over the problems; of one problem none
  double median = 0.0;
  double floor = 0.0;
  double floor_sd = 0.0;  ///< of one pair of exact draws: root mean square over the problems
  double ratio = 0.0;
  std::optional<double> log_evidence_error;
  std::optional<double> ess;
  double seconds = 0.0;  ///< sum
  std::size_t problems = 0;
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2.0;
}

std::optional<double> standard_error(const std::vector<double>& values) {
  if (values.size() < 2) return {};
  const double centre = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1.0) / n);
}

/// Means of what every problem has, or nothing.
std::optional<double> mean_of_known(const std::vector<Score>& scores, std::optional<double> Score::*quantity) {
  std::vector<double> known;
  for (const Score& score : scores) {
    if (score.*quantity) known.push_back(*(score.*quantity));
  }
  return known.size() == scores.size() ? std::optional(mean(known)) : std::nullopt;
}

SamplerRow row_of(const std::string& sampler, const std::vector<Score>& scores) {
  std::vector<double> values, floors, floor_variances;
  SamplerRow row{.sampler = sampler, .standard_error = {}, .log_evidence_error = {}, .ess = {}};
  for (const Score& score : scores) {
    values.push_back(score.judgement.value);
    floors.push_back(score.judgement.floor);
    floor_variances.push_back(score.judgement.floor_sd * score.judgement.floor_sd);
    row.seconds += score.seconds;
  }
  row.value = mean(values);
  row.standard_error = standard_error(values);
  row.median = median(values);
  row.floor = mean(floors);
  row.floor_sd = std::sqrt(mean(floor_variances));
  row.ratio = row.floor > 0.0 ? row.value / row.floor : row.value == 0.0 ? 1.0 : std::numeric_limits<double>::infinity();
  row.log_evidence_error = mean_of_known(scores, &Score::log_evidence_error);
  row.ess = mean_of_known(scores, &Score::ess);
  row.problems = scores.size();
  return row;
}

std::vector<SamplerRow> rows_of(const Settings& settings, bool quiet) {
  const std::size_t runs = settings.problems.size() * settings.candidates.size();
  ProgressLine line("compare", static_cast<std::int64_t>(runs) * settings.options.count, quiet);
  std::vector<std::vector<Score>> scores(settings.candidates.size());
  for (std::size_t p = 0; p < settings.problems.size(); ++p) {
    const std::vector<Score> of_problem = scores_of(settings, p, line);
    for (std::size_t c = 0; c < of_problem.size(); ++c) scores[c].push_back(of_problem[c]);
  }
  std::vector<SamplerRow> rows;
  for (std::size_t c = 0; c < scores.size(); ++c) rows.push_back(row_of(settings.candidates[c].name, scores[c]));
  return rows;
}

// ----- output

/// What the samplers are compared with.
std::string law_name(const std::vector<NamedProblem>& problems) {
  const auto observed = [](const NamedProblem& named) { return named.problem.observation.has_value(); };
  if (std::ranges::all_of(problems, observed)) return "posterior";
  return std::ranges::none_of(problems, observed) ? "prior" : "posterior or prior";
}

Json row_json(const SamplerRow& row) {
  const auto known = [](const std::optional<double>& value) { return value ? json_number(*value) : Json(nullptr); };
  Json json;
  json["sampler"] = row.sampler;
  json["value"] = json_number(row.value);
  json["standard_error"] = known(row.standard_error);
  json["median"] = json_number(row.median);
  json["floor"] = json_number(row.floor);
  json["floor_sd"] = json_number(row.floor_sd);
  json["ratio"] = json_number(row.ratio);
  json["log_evidence_error"] = known(row.log_evidence_error);
  json["ess"] = known(row.ess);
  json["seconds"] = row.seconds;
  json["problems"] = row.problems;
  return json;
}

std::string compare_json(const Settings& settings, const std::vector<SamplerRow>& rows) {
  Json json;
  json["problems"] = Json::array();
  for (const NamedProblem& named : settings.problems) json["problems"].push_back(named.name);
  json["law"] = law_name(settings.problems);
  json["quantity"] = "sw_1";
  json["count"] = settings.options.count;
  json["slices"] = settings.judging.slices;
  json["repeats"] = settings.judging.repeats;
  json["seed"] = settings.options.seed;
  json["precision"] = precision_name(settings.options.precision);
  json["device"] = settings.options.device.name();
  json["rows"] = Json::array();
  for (const SamplerRow& row : rows) json["rows"].push_back(row_json(row));
  return json_text(json);
}

std::string compare_text(const Settings& settings, const std::vector<SamplerRow>& rows) {
  const auto known = [](const std::optional<double>& value, double factor = 1.0) {
    return value ? format_number(factor * *value, 3) : std::string("-");
  };
  Table table({"sampler", "sw_1", "+-", "median", "floor", "ratio", "log-evidence error", "ESS/N", "seconds"});
  for (const SamplerRow& row : rows) {
    table.add({row.sampler, format_number(row.value, 4), known(row.standard_error, 1.96), format_number(row.median, 4),
               format_number(row.floor, 4), format_number(row.ratio, 3), known(row.log_evidence_error), known(row.ess),
               format_number(row.seconds, 3)});
  }
  const std::size_t problems = settings.problems.size();
  const std::string which = problems == 1 ? settings.problems.front().name : concat(problems, " problems");
  return concat(law_name(settings.problems), " of ", which, ": sliced W1 of ", settings.options.count, " samples to as many exact ones, ",
                settings.judging.slices, " directions; floor: between exact ones\n\n", table.text());
}

void run_compare(const CompareFlags& flags) {
  const Settings settings = parse_settings(flags);
  const std::vector<SamplerRow> rows = rows_of(settings, flags.common.quiet);
  print(flags.common.json ? compare_json(settings, rows) : compare_text(settings, rows));
}

void add_compare_flags(CLI::App& verb, CompareFlags& flags) {
  verb.add_option("PROBLEMS", flags.files, "problem files, - for standard input")->type_name("");
  verb.add_option("--seeds", flags.seeds, "instead of files: problems of the MCGdiff benchmark, of seeds A to B - 1")->type_name("A:B");
  verb.add_option("--dx", flags.dx, "of --seeds: dimension of x, even (8)")->type_name("N");
  verb.add_option("--dy", flags.dy, "of --seeds: dimension of y (2)")->type_name("N");
  verb.add_option("--steps", flags.steps, "number of steps, instead of the grids'")->type_name("N");
  verb.add_option("--samplers", flags.samplers,
                  "names or name:key=value:..., separated by commas; draw: exact draws (mcgdiff,mcgdiff:variant=A,mcgdiff:kernel=exact,"
                  "bootstrap,exact-transition,draw)")
      ->type_name("LIST");
  verb.add_option("--count", flags.count, "samples a problem, of SMC one a chain (1000)")->type_name("N");
  verb.add_option("--slices", flags.slices, "directions of the distance (100)")->type_name("N");
  verb.add_option("--repeats", flags.repeats, "independent exact draws of a problem (5)")->type_name("N");
  verb.add_option("--seed", flags.seed, "seed of samplers, exact draws and directions (0)")->type_name("S");
  verb.add_option("--device", flags.device, "of the samplers: best, reference, cpu[:threads] or cuda[:index[,index...]] (best)")
      ->type_name("DEVICE");
  verb.add_option("--precision", flags.precision, "f32 or f64 (f32)")->type_name("P");
  add_common_flags(verb, flags.common);
}

}  // namespace

Verb add_compare(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("compare", "samplers against the exact law: distance, noise floor, evidence, time");
  auto flags = std::make_shared<CompareFlags>();
  add_compare_flags(*verb, *flags);
  verb->footer(
      "One row a sampler. sw_1: sliced W1 between samples and exact draws, mean over the problems, +- 1.96 standard errors over them; "
      "median; "
      "floor: the same between exact draws, and the ratio to it. log-evidence error: log of the mean evidence of the chains, less the "
      "exact "
      "one, mean over the problems. ESS/N: share of the particles that count, mean over all weightings of the first 20 chains, which run "
      "again for it. seconds: of the samplers, sum over the problems.\n\n"
      "Example:\n"
      "  gmdiff compare problem.json --count 200 --samplers mcgdiff:particles=64,exact-transition,draw\n"
      "  gmdiff compare --seeds 0:2 --dx 2 --dy 1 --steps 10 --count 50 --samplers mcgdiff:particles=32,bootstrap:particles=32\n");
  return {verb, [flags] { run_compare(*flags); }};
}

}  // namespace gmdiff::cli
