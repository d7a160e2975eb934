#include "cli/plot_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "cli/plot_inputs.hpp"
#include "io/json_input.hpp"
#include "report/compare_picture.hpp"
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
  if (law.dim() == 1) return report::coordinate_view(1, {0});
  return report::coordinate_view(law.dim(), {0, 1});
}

/// The law of a problem in the view of the flags, with its title.
struct PlotLaw {
  Problem problem;
  report::View view;
  report::ViewedLaw law;
};

PlotLaw load_law(const PlotFlags& flags, const std::string& file, PlotInputs& inputs) {
  Problem problem = load_problem(file, inputs.files);
  const Law law = law_of(problem, flags.prior);
  report::View view = parse_view(flags, law.mixture);
  report::ViewedLaw viewed =
      report::in_view(view, law.name + " of " + (file == "-" ? "standard input" : file), law.mixture);
  return {std::move(problem), std::move(view), std::move(viewed)};
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

report::Picture plot_samples(const PlotFlags& flags, PlotInputs& inputs) {
  require_files(flags, 2, 2, "SAMPLES.npy PROBLEM");
  const PlotLaw from = load_law(flags, flags.files[1], inputs);
  add_data(inputs.files, flags.files[0]);
  return report::samples_picture(from.law, read_sampled_points(flags.files[0], from.view, inputs.warnings),
                                 parse_width(flags));
}

report::Picture plot_paths(const PlotFlags& flags, PlotInputs& inputs) {
  constexpr std::int64_t usual_paths = 40, most_paths = 1000;
  require_files(flags, 2, 2, "PATHS.npy PROBLEM");
  const std::int64_t count =
      flags.paths ? parse_integer("--paths", *flags.paths, 1, most_paths) : usual_paths;
  const PlotLaw from = load_law(flags, flags.files[1], inputs);
  add_data(inputs.files, flags.files[0]);
  return report::paths_picture(
      from.law, read_sampled_paths(flags.files[0], from.view, from.problem, count, inputs.warnings),
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
  return report::evolution_picture(read_evolution(flags.files[0]), parse_width(flags));
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
      {"paths", "PATHS.npy PROBLEM", "kept levels of a run", view_flags_and({"--paths"}), plot_paths},
      {"field", "PROBLEM", "velocity of the probability flow", view_flags_and({"--time"}), plot_field},
      {"chain", "RESULT [PROBLEM]", "evidence and weights of an SMC run", {}, plot_chain},
      {"evolution", "DENSITY.npz", "densities of fokker-planck and their decay", {}, plot_evolution},
      {"compare",
       "RESULTS.jsonl",
       "distance over cost of compare --results",
       {"--quantity", "--cost"},
       plot_compare}};
  return kinds;
}

}  // namespace gmdiff::cli
