#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "io/npz.hpp"
#include "metrics/comparison.hpp"
#include "study/weighted_points.hpp"

namespace gmdiff::cli {
namespace {

constexpr const char* no_law =
    "between two .npy files there is no law to draw from, so there is no noise floor";

constexpr double least_bandwidth = 1e-100;  // the bounds of `mmd_squared`
constexpr double most_bandwidth = 1e100;

struct DistanceFlags {
  std::string a, b;
  bool prior = false;
  bool spread = false;
  bool weights = false;
  CommonFlags common;
  std::string metric = "sw";
  FlagText p, slices, bandwidth, epsilon, relative_epsilon, count, repeats, seed, device;
};

/// One side: samples of a .npy file or of an archive of a trained sampler, or the law of a problem file.
struct Side {
  std::string file;
  std::optional<Points> points;
  std::optional<study::ExactLaw> law;
  std::vector<double> weights = {};  ///< of the points, where they are to be used

  PointSet set() const {
    return weights.empty() ? PointSet(*points) : PointSet(*points).with_weights(weights);
  }
};

/// A measured distance; without a law it has only a value.
struct DistanceRow {
  Judgement judgement;
  bool has_floor = true;
};

bool is_npy(const std::string& file) {
  if (file.ends_with(".npy")) return true;
  std::ifstream in(file, std::ios::binary);
  std::string magic(6, '\0');
  return in.read(magic.data(), std::ssize(magic)) && magic == "\x93NUMPY";
}

Side load_archive(const std::string& file, bool with_weights, std::vector<std::string>& warnings) {
  study::WeightedPoints points = study::read_weighted_points(file);
  check_sidecar(file, warnings);
  Side side{file, std::move(points.x), {}};
  if (with_weights) side.weights = std::move(points.weights);
  return side;
}

Side load_side(const DistanceFlags& flags, const std::string& file, std::vector<std::string>& warnings) {
  const bool prior = flags.prior;
  if (file != "-" && is_npy(file)) return {file, load_points(file, warnings), {}};
  if (file != "-" && io::is_npz(file)) return load_archive(file, flags.weights, warnings);
  InputFiles inputs;
  const AnyProblem problem = load_any_problem(file, inputs);
  return {file, {}, study::exact_law_of(problem, file == "-" ? "standard input" : file, prior)};
}

double parse_bandwidth(const std::string& text) {
  const double bandwidth = parse_number("--bandwidth", text);
  require(bandwidth >= least_bandwidth && bandwidth <= most_bandwidth, "--bandwidth must be in [",
          least_bandwidth, ", ", most_bandwidth, "], given ", text);
  return bandwidth;
}

JudgeOptions judge_options(const DistanceFlags& flags) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  const auto integer = [](const char* flag, const FlagText& text, std::int64_t low, std::int64_t high,
                          int& value) {
    if (text) value = static_cast<int>(parse_integer(flag, *text, low, high));
  };
  JudgeOptions options;
  options.metric = parse_metric("--metric", flags.metric);
  const bool sliced = is_sliced(options);
  require(sliced || (!flags.p && !flags.slices),
          "--p and --slices belong to the metrics sw and max-sw, not to ", flags.metric);
  require(options.metric == Metric::mmd_squared || !flags.bandwidth,
          "--bandwidth belongs to the metric mmd, not to ", flags.metric);
  if (flags.bandwidth) options.bandwidth = parse_bandwidth(*flags.bandwidth);
  require(options.metric == Metric::sinkhorn || (!flags.epsilon && !flags.relative_epsilon),
          "--epsilon and --relative-epsilon belong to the metric sinkhorn, not to ", flags.metric);
  require(!flags.epsilon || !flags.relative_epsilon, "--epsilon and --relative-epsilon exclude each other");
  if (flags.epsilon) options.sinkhorn.epsilon = parse_number("--epsilon", *flags.epsilon);
  if (flags.relative_epsilon)
    options.sinkhorn.relative_epsilon = parse_number("--relative-epsilon", *flags.relative_epsilon);
  integer("--p", flags.p, 1, 2, options.p);
  integer("--slices", flags.slices, 1, most_slices, options.slices);
  require(sliced || !flags.spread, "--spread belongs to the metrics sw and max-sw, not to ", flags.metric);
  options.spread = flags.spread;
  if (flags.spread) options.repeats = 20;
  integer("--repeats", flags.repeats, 2, most, options.repeats);
  options.seed = parse_seed(flags.seed);
  if (flags.device) options.device = Device::parse(*flags.device);
  return options;
}

/// A bandwidth for `mmd_squared`; empty where that function has to take the median itself, in its own unit.
std::optional<double> usable(double bandwidth) {
  return bandwidth >= least_bandwidth && bandwidth <= most_bandwidth ? std::optional(bandwidth)
                                                                     : std::nullopt;
}

/// Distance of two sets of samples.
DistanceRow measure(const Points& x, const Points& y, const DistanceFlags& flags,
                    const JudgeOptions& options) {
  require(!needs_law(options.metric), "--metric ", flags.metric,
          " compares with a law: one side must be a problem file");
  require(!flags.repeats, "--repeats: ", no_law, " and nothing to repeat");
  require(!flags.spread, "--spread: ", no_law);
  require(x.cols() == y.cols(), flags.a, " has points of dimension ", x.cols(), ", ", flags.b,
          " of dimension ", y.cols());
  std::optional<double> bandwidth = options.bandwidth;
  if (options.metric == Metric::mmd_squared && !bandwidth) bandwidth = median_distance(x, y);
  SetDistance distance(x.cols(), options, bandwidth ? usable(*bandwidth) : std::nullopt);
  Judgement judgement;
  judgement.quantity = quantities(options).front();
  judgement.value = distance(x, y);
  judgement.bandwidth = bandwidth;
  judgement.sinkhorn = distance.sinkhorn_report();
  return {.judgement = judgement, .has_floor = false};
}

/// Number of points of each exact draw.
std::int64_t exact_count(const DistanceFlags& flags, const Side& a, const Side& b) {
  const Side& samples = a.points ? a : b;
  if (!samples.points)
    return flags.count ? parse_integer("--count", *flags.count, 1, std::numeric_limits<std::int64_t>::max())
                       : 1000;
  require(!flags.count, "--count is for two problem files: exact draws are as many as the points of ",
          samples.file);
  return samples.points->rows();
}

std::vector<DistanceRow> measure(const DistanceFlags& flags, const Side& a, const Side& b,
                                 const JudgeOptions& options) {
  const std::int64_t count = exact_count(flags, a, b);
  require(!flags.weights || !a.weights.empty() || !b.weights.empty(), "--weights: neither ", a.file, " nor ",
          b.file, " is an archive of a trained sampler");
  require(!flags.weights || !a.points || !b.points, "--weights: ", no_law,
          " and no distance that takes weights");
  if (a.points && b.points) return {measure(*a.points, *b.points, flags, options)};
  const Side& law = b.law ? b : a;
  const Side& judged = b.law ? a : b;
  const ReferenceLaw reference = law.law->reference();
  const Eigen::Index dim = judged.points ? judged.points->cols() : judged.law->reference().dim();
  require(dim == reference.dim(), judged.file, " has dimension ", dim, ", ", law.file, " has dimension ",
          reference.dim());
  const std::vector<Judgement> judgements = judged.points
                                                ? judge(judged.set(), reference, options)
                                                : judge(judged.law->reference(), reference, count, options);
  std::vector<DistanceRow> rows;
  rows.reserve(judgements.size());
  for (const Judgement& judgement : judgements) rows.push_back({judgement});
  return rows;
}

Json row_json(const DistanceRow& row) {
  const Judgement& judgement = row.judgement;
  const auto known = [&](double value) { return row.has_floor ? json_number(value) : Json(nullptr); };
  Json json;
  json["quantity"] = judgement.quantity;
  json["value"] = json_number(judgement.value);
  json["value_sd"] = known(judgement.value_sd);
  json["floor"] = known(judgement.floor);
  json["floor_sd"] = known(judgement.floor_sd);
  json["ratio"] = known(judgement.ratio);
  if (judgement.spread)
    json["spread"] = {json_number(judgement.spread->low), json_number(judgement.spread->high)};
  if (judgement.bandwidth) json["bandwidth"] = json_number(*judgement.bandwidth);
  if (const auto& sinkhorn = judgement.sinkhorn) {
    json["iterations"] = sinkhorn->iterations;
    json["error"] = json_number(sinkhorn->error);
  }
  return json;
}

Json side_json(const Side& side) {
  Json json;
  json["file"] = side.file;
  json["law"] = side.law ? Json(side.law->name) : Json(nullptr);
  return json;
}

/// The law that the result names: B's, if both sides have one.
const Side* law_side(const Side& a, const Side& b) { return b.law ? &b : a.law ? &a : nullptr; }

std::string distance_json(const DistanceFlags& flags, const Side& a, const Side& b,
                          const JudgeOptions& options, const std::vector<DistanceRow>& rows,
                          const std::vector<std::string>& warnings) {
  const Side* law = law_side(a, b);
  Json json;
  json["a"] = side_json(a);
  json["b"] = side_json(b);
  json["law"] = law != nullptr ? Json(law->law->name) : Json(nullptr);
  json["metric"] = flags.metric;
  json["seed"] = options.seed;
  json["device"] = options.device.name();
  json["repeats"] = law != nullptr ? Json(options.repeats) : Json(nullptr);
  json["rows"] = Json::array();
  for (const DistanceRow& row : rows) json["rows"].push_back(row_json(row));
  json["warnings"] = warnings;
  if (law == nullptr) json["reason"] = no_law;
  return json_text(json);
}

/// "exact draws", or how draws of a law approximate it.
const char* draws_of(const study::ExactLaw& law) {
  const TargetLaw* target = law.reference().target();
  return target == nullptr || target->has_exact_draws() ? " exact draws"
                                                        : " draws from a table of the density";
}

/// Says where value, floor and spread come from.
std::string origin(const JudgeOptions& options, const study::ExactLaw& law, bool between_laws,
                   std::int64_t count) {
  const std::string sets = concat(options.repeats, " sets of ", count, draws_of(law));
  if (!compares_with_law(options, law.reference())) return "value and floor are means over " + sets;
  const bool is_expected = options.metric == Metric::sliced_wasserstein && options.p == 1;
  std::string text = between_laws ? "value: mean over " + sets + "; " : "";
  text += is_expected ? concat("floor: expectation for ", count, " exact draws") : "floor: mean over " + sets;
  if (options.spread) text += "; last column: 5 % to 95 % of the ratios of " + sets;
  return text;
}

std::string distance_text(const DistanceFlags& flags, const Side& a, const Side& b,
                          const JudgeOptions& options, const std::vector<DistanceRow>& rows) {
  std::vector<std::string> heads{"distance", "value", "sd", "floor", "sd", "ratio"};
  if (options.spread) heads.emplace_back("of exact draws");
  Table table(heads);
  for (const DistanceRow& row : rows) {
    const auto known = [&](double value, int digits) {
      return row.has_floor ? format_number(value, digits) : std::string("-");
    };
    const Judgement& judgement = row.judgement;
    std::vector<std::string> cells{judgement.quantity,           format_number(judgement.value),
                                   known(judgement.value_sd, 3), known(judgement.floor, 6),
                                   known(judgement.floor_sd, 3), known(judgement.ratio, 4)};
    if (const auto& spread = judgement.spread)
      cells.push_back(concat(format_number(spread->low, 4), " to ", format_number(spread->high, 4)));
    table.add(cells);
  }
  const Side* law = law_side(a, b);
  if (law == nullptr) return table.text() + "\n" + no_law + "\n";
  const bool between_laws = a.law && b.law;
  return concat("law  ", law->law->name, " of ", law->file, "; ",
                origin(options, *law->law, between_laws, exact_count(flags, a, b)), "\n\n", table.text());
}

void run_distance(const DistanceFlags& flags) {
  const JudgeOptions options = judge_options(flags);
  require(flags.a != "-" || flags.b != "-", "only one side can be standard input");
  std::vector<std::string> warnings;
  const Side a = load_side(flags, flags.a, warnings);
  const Side b = load_side(flags, flags.b, warnings);
  std::vector<DistanceRow> rows;
  {
    const ProgressLine line("distance", 0, flags.common.quiet);
    rows = measure(flags, a, b, options);
  }
  for (const std::string& text : warnings_of(rows.front().judgement)) warnings.push_back(text);
  print_remarks(warnings, {}, flags.common.quiet);
  print(flags.common.json ? distance_json(flags, a, b, options, rows, warnings)
                          : distance_text(flags, a, b, options, rows));
}

}  // namespace

Verb add_distance(CLI::App& command) {
  CLI::App* verb =
      command.add_subcommand("distance", "distance of two sides, with its noise floor where one is a law");
  auto flags = std::make_shared<DistanceFlags>();
  verb->add_option("A", flags->a, ".npy file, .npz file of a trained sampler, or problem file (exact draws)")
      ->required()
      ->type_name("");
  verb->add_option("B", flags->b, ".npy file, .npz file of a trained sampler, or problem file (exact draws)")
      ->required()
      ->type_name("");
  verb->add_option("--metric", flags->metric, metric_list() + " (sw)")->type_name("METRIC");
  verb->add_option("--p", flags->p, "order of sw and max-sw, 1 or 2 (1)")->type_name("P");
  verb->add_option("--slices", flags->slices, "directions of sw and max-sw (100)")->type_name("N");
  verb->add_option("--bandwidth", flags->bandwidth,
                   "bandwidth of the kernel of mmd (median distance of the points, or of exact draws)")
      ->type_name("H");
  verb->add_option("--epsilon", flags->epsilon, "regularisation of sinkhorn, in squared units of x")
      ->type_name("E");
  verb->add_option("--relative-epsilon", flags->relative_epsilon,
                   "the same in units of the mean squared distance (0.05)")
      ->type_name("R");
  verb->add_option("--count", flags->count,
                   "points of each exact draw when both sides are problem files (1000)")
      ->type_name("N");
  verb->add_option("--repeats", flags->repeats,
                   "sets of exact draws, where any are made (5, with --spread 20)")
      ->type_name("N");
  verb->add_flag("--spread", flags->spread,
                 "of sw and max-sw: the ratios that exact draws have, 5 % to 95 % of their sets");
  verb->add_flag("--weights", flags->weights,
                 "of moments and, of a mixture, sw, max-sw and mode-weights: weigh the points of a trained "
                 "sampler by its "
                 "log_weights");
  verb->add_option("--seed", flags->seed, "seed of exact draws and directions (0)")->type_name("S");
  verb->add_option("--device", flags->device,
                   "device of draws and distances: best, reference (distances as cpu), cpu[:threads] or "
                   "cuda[:index] (cpu)")
      ->type_name("DEVICE");
  verb->add_flag("--prior", flags->prior, "compare with the prior although the problem has an observation");
  add_common_flags(*verb, flags->common);
  set_examples(*verb,
               "  gmdiff distance x.npy problem.json --metric sw --p 1\n"
               "  gmdiff distance x.npy problem.json --metric sw --p 1 --spread\n");
  return {verb, [flags] { run_distance(*flags); }};
}

}  // namespace gmdiff::cli
