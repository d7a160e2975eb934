#include "cli/plot_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "base/check.hpp"
#include "cli/plot_inputs.hpp"
#include "io/json_input.hpp"
#include "io/problem_input.hpp"
#include "report/compare_picture.hpp"
#include "report/density.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"
#include "study/results_file.hpp"

namespace gmdiff::cli {
namespace {

double parse_width(const PlotFlags& flags) {
  constexpr double usual_width = 720.0;
  return flags.width ? parse_number("--width", *flags.width) : usual_width;
}

void require_files(const PlotFlags& flags, std::size_t least, std::size_t most, const char* usage) {
  require(flags.files.size() >= least && flags.files.size() <= most, "plot ", flags.kind, ": expected ",
          usage, ", got ", flags.files.size(), flags.files.size() == 1 ? " file" : " files");
}

std::vector<Eigen::Index> parse_coordinates(const std::string& text) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<Eigen::Index> coordinates;
  std::size_t begin = 0;
  for (std::size_t comma = 0; comma != std::string::npos; begin = comma + 1) {
    comma = text.find(',', begin);
    coordinates.push_back(parse_integer("--coordinates", text.substr(begin, comma - begin), 0, most));
  }
  require(coordinates.size() <= 2, "--coordinates: expected I or I,J, got ", text);
  return coordinates;
}

/// The view of a law: the given coordinates or plane, by default its first two coordinates.
report::View parse_view(const PlotFlags& flags, const Mixture& law) {
  require(!flags.coordinates || !flags.projection, "--coordinates and --projection exclude each other");
  require(!flags.seed || flags.projection == "random", "--seed belongs to --projection random");
  if (flags.projection) {
    if (*flags.projection == "principal") return report::principal_view(law);
    require(*flags.projection == "random", "--projection: expected principal or random, got ",
            *flags.projection);
    return report::random_view(law.dim(), parse_seed(flags.seed));
  }
  if (flags.coordinates) return report::coordinate_view(law.dim(), parse_coordinates(*flags.coordinates));
  return report::usual_view(law.dim());
}

/// The law of a problem in the view of the flags, with its title.
struct PlotLaw {
  Problem problem;
  report::View view;
  report::ViewedLaw law;
};

PlotLaw law_in_view(const PlotFlags& flags, Problem problem, const std::string& file) {
  const Law law = law_of(problem, flags.prior);
  report::View view = parse_view(flags, law.mixture);
  report::ViewedLaw viewed =
      report::in_view(view, law.name + " of " + (file == "-" ? "standard input" : file), law.mixture);
  return {std::move(problem), std::move(view), std::move(viewed)};
}

PlotLaw load_law(const PlotFlags& flags, const std::string& file, PlotInputs& inputs) {
  return law_in_view(flags, load_problem(file, inputs.files), file);
}

/// The levels of `--times`, or some of the grid, from the data on.
std::vector<report::NamedLevel> parse_levels(const PlotFlags& flags, const Problem& problem) {
  constexpr std::int64_t most_levels = 7;
  require(!flags.times || !flags.levels, "--times and --levels exclude each other");
  const ForwardProcess process(problem.process);
  std::vector<report::NamedLevel> levels;
  if (flags.times) {
    for (const double t : parse_numbers("--times", *flags.times))
      levels.push_back({"t = " + report::number_label(t), process.level(t)});
    require(std::ssize(levels) <= most_levels, "--times: at most ", most_levels, " times, got ",
            levels.size());
    return levels;
  }
  const std::int64_t count = flags.levels ? parse_integer("--levels", *flags.levels, 1, most_levels) : 4;
  const TimeGrid grid = study::grid_of(problem, process);
  const std::int64_t steps = grid.num_steps();
  for (std::int64_t i = 0; i < count; ++i) {
    const GridLevel& level = grid.level(static_cast<int>(steps - (count > 1 ? i * steps / (count - 1) : 0)));
    const std::string name = std::isfinite(level.t) ? "t = " + report::number_label(level.t) : "data";
    levels.push_back({name, {static_cast<double>(level.alpha), static_cast<double>(level.sigma)}});
  }
  return levels;
}

report::Picture plot_density(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, 1, "PROBLEM");
  const PlotLaw from = load_law(flags, flags.files[0], inputs);
  return report::density_picture(from.law, parse_levels(flags, from.problem), parse_width(flags));
}

/// A problem; with `--prior`, one with a nonlinear observation without it.
AnyProblem load_shown(const PlotFlags& flags, const std::string& file, PlotInputs& inputs) {
  AnyProblem problem = load_any_problem(file, inputs.files);
  const auto* nonlinear = std::get_if<NonlinearProblem>(&problem);
  if (nonlinear != nullptr && flags.prior) return prior_of(*nonlinear);
  return problem;
}

/// A law that is no mixture in the picture's axes, which are its coordinates.
report::ViewedTarget view_target(const PlotFlags& flags, const Target& target, const std::string& law,
                                 const std::string& file) {
  require(!flags.prior, "--prior: ", file, " has a target and no prior");
  for (const auto& [name, text] : {std::pair{"--coordinates", &flags.coordinates},
                                   {"--projection", &flags.projection},
                                   {"--seed", &flags.seed}})
    require(!*text, name, ": the law of ", file, " is no mixture; its picture shows all coordinates");
  return report::viewed(concat(law, " of ", file), target);
}

report::Picture plot_samples(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 2, 2, "SAMPLES.npy PROBLEM");
  const std::string& file = flags.files[1];
  AnyProblem problem = load_shown(flags, file, inputs);
  add_data(inputs.files, flags.files[0]);
  const double width = parse_width(flags);
  if (const std::optional<Target> of_problem = study::target_in(problem)) {
    const report::ViewedTarget target = view_target(flags, *of_problem, study::law_name(problem), file);
    const report::View view = report::usual_view(target.law.dim());
    return report::samples_picture(target, read_sampled_points(flags.files[0], view, inputs.warnings), width);
  }
  const PlotLaw from = law_in_view(flags, io::with_prior(std::move(problem), file), file);
  return report::samples_picture(from.law, read_sampled_points(flags.files[0], from.view, inputs.warnings),
                                 width);
}

// ----- paths

std::int64_t parse_paths(const PlotFlags& flags) {
  constexpr std::int64_t usual_paths = 40, most_paths = 1000;
  return flags.paths ? parse_integer("--paths", *flags.paths, 1, most_paths) : usual_paths;
}

/// Runs whose law is not shown.
report::Picture plot_bare_paths(const PlotFlags& flags, const std::vector<std::string>& files,
                                PlotInputs& inputs) {
  require(!flags.prior && !flags.projection && !flags.seed,
          "--prior, --projection and --seed belong to paths over the law of a problem with a prior");
  const std::int64_t dim = path_dim(files.front());
  const report::View view = flags.coordinates
                                ? report::coordinate_view(dim, parse_coordinates(*flags.coordinates))
                                : report::usual_view(dim);
  std::vector<report::SampledPaths> runs;
  for (const std::string& file : files) {
    add_data(inputs.files, file);
    runs.push_back(read_bare_paths(file, view, parse_paths(flags), inputs.warnings));
  }
  return report::bare_paths_picture(runs, view.names, parse_width(flags));
}

report::Picture plot_paths(const PlotFlags& flags, PlotInputs& inputs) {
  const auto is_run = [](const std::string& file) { return file.ends_with(".npy"); };
  const bool has_problem = !is_run(flags.files.back());
  const std::vector<std::string> runs(flags.files.begin(), flags.files.end() - (has_problem ? 1 : 0));
  require(!runs.empty() && std::ranges::all_of(runs, is_run), "plot paths: expected PATHS.npy... [PROBLEM]");
  if (!has_problem) return plot_bare_paths(flags, runs, inputs);
  const std::string& file = flags.files.back();
  AnyProblem problem = load_any_problem(file, inputs.files);
  if (std::holds_alternative<DynamicsProblem>(problem)) return plot_bare_paths(flags, runs, inputs);
  require(runs.size() == 1, "plot paths: the law of ", file, " is shown behind one run, got ", runs.size());
  const PlotLaw from = law_in_view(flags, io::with_prior(std::move(problem), file), file);
  add_data(inputs.files, runs.front());
  return report::paths_picture(
      from.law,
      read_sampled_paths(runs.front(), from.view, from.problem, parse_paths(flags), inputs.warnings),
      parse_width(flags));
}

report::Picture plot_field(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, 1, "PROBLEM");
  const PlotLaw from = load_law(flags, flags.files[0], inputs);
  require(!from.law.is_curve(),
          "plot field: a field needs two coordinates; plot density or plot paths show one");
  const ForwardProcess process(from.problem.process);
  const TimeGrid grid = study::grid_of(from.problem, process);
  const double time = flags.time ? parse_number("--time", *flags.time) : grid.level(grid.num_steps() / 2).t;
  return report::field_picture(from.law, process, time, parse_width(flags));
}

report::Picture plot_chain(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, 2, "RESULT [PROBLEM]");
  const std::string& file = flags.files[0];
  add_data(inputs.files, file);
  check_sidecar(file, inputs.warnings);
  const study::RunRecord record = study::read_sidecar(file);
  report::ChainFigures figures = read_chain_figures(file, record);
  if (flags.files.size() == 2) {
    const Problem problem = load_problem(flags.files[1], inputs.files);
    add_problem_figures(figures, problem, flags.files[1], record, inputs.warnings);
  }
  return report::chain_picture(figures, parse_width(flags));
}

report::Picture plot_compare(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, 1, "RESULTS.jsonl");
  const std::string& file = flags.files[0];
  inputs.files.emplace_back(file);
  const std::vector<ComparisonRecord> records = study::read_results(file);
  const std::vector<std::string> quantities = report::quantities_of(records);
  require(!quantities.empty(), file, ": it holds no figures");
  const std::string quantity = flags.quantity.value_or(quantities.front());
  require(std::ranges::find(quantities, quantity) != quantities.end(),
          "--quantity: ", io::unknown_name("quantity", quantity, quantities));
  const std::string cost = flags.cost.value_or("evaluations");
  require(cost == "evaluations" || cost == "seconds", "--cost: expected evaluations or seconds, got ", cost);
  return report::compare_picture(records, quantity,
                                 cost == "seconds" ? report::Cost::seconds : report::Cost::evaluations,
                                 parse_width(flags));
}

report::Picture plot_evolution(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, 1, "DENSITY.npz");
  inputs.files.emplace_back(flags.files[0]);
  report::EvolvedDensity evolution = read_evolution(flags.files[0]);
  if (flags.bound) {
    require(!evolution.kl.empty(), "--bound: ", flags.files[0],
            " has no relative entropy that it would bound");
    evolution.bound = parse_number("--bound", *flags.bound);
    require(evolution.bound > 0.0, "--bound must be positive, given ", *flags.bound);
  }
  return report::evolution_picture(evolution, parse_width(flags));
}

// ----- traces

/// The law of one coordinate of a mixture.
report::ChainTraces::Exact exact_marginal(const std::string& name, const Mixture& law,
                                          const report::Axis& axis) {
  bool blurred = false;
  return {name, law.mean()(0), law.covariance()(0, 0), report::density_curve(law, axis, 301, blurred)};
}

report::ChainTraces::Exact exact_marginal(const report::ViewedTarget& target, Eigen::Index coordinate,
                                          const report::Axis& axis) {
  require(target.law.has_moments(), target.name, " has no standard deviation to show beside the trace");
  bool blurred = false;
  return {target.name, target.law.mean()(coordinate), target.law.covariance()(coordinate, coordinate),
          report::marginal_curve(target, coordinate, axis, 301, blurred)};
}

report::ChainTraces::Exact exact_of(const PlotFlags& flags, AnyProblem problem, const std::string& file,
                                    const report::ChainTraces& traces, Eigen::Index coordinate) {
  const auto [low, high] = std::ranges::minmax(traces.draws);
  const report::Axis axis = report::widened(low, high, 0.04, traces.axis);
  if (const std::optional<Target> of_problem = study::target_in(problem)) {
    require(!flags.prior, "--prior: ", file, " has a target and no prior");
    return exact_marginal(report::viewed(concat(study::law_name(problem), " of ", file), *of_problem),
                          coordinate, axis);
  }
  const Law law = law_of(io::with_prior(std::move(problem), file), flags.prior);
  return exact_marginal(law.name + " of " + file, law.mixture.marginal(std::span(&coordinate, 1)), axis);
}

report::Picture plot_trace(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, 2, "TRACE.npy [PROBLEM]");
  const std::vector<Eigen::Index> coordinates =
      flags.coordinates ? parse_coordinates(*flags.coordinates) : std::vector<Eigen::Index>{0};
  require(coordinates.size() == 1, "--coordinates: plot trace shows one coordinate, got ",
          *flags.coordinates);
  add_data(inputs.files, flags.files[0]);
  report::ChainTraces traces = read_traces(flags.files[0], coordinates.front(), inputs.warnings);
  if (flags.files.size() == 2)
    traces.exact = exact_of(flags, load_shown(flags, flags.files[1], inputs), flags.files[1], traces,
                            coordinates.front());
  return report::trace_picture(traces, parse_width(flags));
}

// ----- trainings

report::Picture plot_training(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 1, report::num_categories, "LOG.jsonl...");
  std::vector<report::TrainingCurves> trainings;
  for (const std::string& file : flags.files) {
    inputs.files.emplace_back(file);
    trainings.push_back(read_training_log(file));
  }
  return report::training_picture(trainings, parse_width(flags));
}

report::Picture plot_sampler(const PlotFlags& flags, PlotInputs& inputs) {
  constexpr std::size_t most_states = 12;
  require_files(flags, 2, most_states + 1, "MODEL.npz... PROBLEM");
  const std::string& file = flags.files.back();
  const AnyProblem problem = load_any_problem(file, inputs.files);
  const auto* of_target = std::get_if<TargetProblem>(&problem);
  require(of_target != nullptr, "plot sampler: ", file, " has no target; samplers are trained on targets");
  require(of_target->target.dim() == 2, "plot sampler: the picture shows a plane; target of ", file,
          " has dimension ", of_target->target.dim());
  const report::ViewedTarget target = report::viewed("target of " + file, of_target->target);
  std::vector<report::SamplerState> states;
  for (auto model = flags.files.begin(); model != flags.files.end() - 1; ++model) {
    inputs.files.emplace_back(*model);
    states.push_back(read_sampler_state(*model, of_target->target));
  }
  return report::sampler_picture(target, states, parse_width(flags));
}

const std::vector<std::string> view_flags{"--prior", "--coordinates", "--projection", "--seed"};

std::vector<std::string> view_flags_and(std::initializer_list<std::string> more) {
  std::vector<std::string> flags = view_flags;
  flags.insert(flags.end(), more);
  return flags;
}

}  // namespace

const std::vector<PlotKind>& plot_kinds() {
  static const std::vector<PlotKind> kinds{
      {"density", "PROBLEM", "the law and its diffusion", view_flags_and({"--times", "--levels"}),
       plot_density},
      {"samples", "SAMPLES.npy PROBLEM", "samples over the exact density of their law", view_flags,
       plot_samples},
      {"paths", "PATHS.npy... [PROBLEM]", "kept levels of runs", view_flags_and({"--paths"}), plot_paths},
      {"field", "PROBLEM", "velocity of the probability flow", view_flags_and({"--time"}), plot_field},
      {"chain", "RESULT [PROBLEM]", "evidence and weights of an SMC run", {}, plot_chain},
      {"trace", "TRACE.npy [PROBLEM]", "draws of Markov chains", {"--prior", "--coordinates"}, plot_trace},
      {"training", "LOG.jsonl...", "curves of train --log", {}, plot_training},
      {"sampler",
       "MODEL.npz... PROBLEM",
       "start law and draws of trained samplers of a 2-D target",
       {},
       plot_sampler},
      {"evolution", "DENSITY.npz", "densities of fokker-planck and their decay", {"--bound"}, plot_evolution},
      {"compare",
       "RESULTS.jsonl",
       "distance over cost of compare --results",
       {"--quantity", "--cost"},
       plot_compare}};
  return kinds;
}

}  // namespace gmdiff::cli
