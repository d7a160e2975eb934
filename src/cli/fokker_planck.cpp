#include <cmath>
#include <memory>

#include <gmdiff/sampler/problem.hpp>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "io/json_input.hpp"
#include "io/npz.hpp"
#include "study/density_evolution.hpp"

namespace gmdiff::cli {
namespace {

struct FokkerPlanckFlags {
  ProblemFlags problem;
  CommonFlags common;
  std::string out;
  bool force = false;
  FlagText times, lower, upper, cells, speed, boundary;
};

/// Law, start and grid of a problem of either kind.
struct Question {
  std::string law_name;
  study::StationaryLaw law;
  Mixture start;
  DensityDescription density;
};

/// The given start, or N(0, I).
Mixture start_of(const std::optional<Mixture>& given, Eigen::Index dim) {
  if (given) return *given;
  return {{1.0}, Points::Zero(1, dim), Covariance::spherical({1.0})};
}

Question question_of(const FokkerPlanckFlags& flags, const Problem& problem) {
  const Law law = law_of(problem, flags.problem.prior);
  return {law.name, law.mixture, start_of(problem.start, law.mixture.dim()), problem.density};
}
Question question_of(const FokkerPlanckFlags& flags, const TargetProblem& problem) {
  check_no_prior(flags.problem);
  return {study::target_law, problem.target, start_of(problem.start, problem.target.dim()), problem.density};
}

Question question_of(const FokkerPlanckFlags& flags, const NonlinearProblem& problem) {
  if (flags.problem.prior) return question_of(flags, prior_of(problem));
  return {study::nonlinear_law, target_of(problem), start_of(problem.start, problem.prior.dim()),
          problem.density};
}

Question question_of(const FokkerPlanckFlags& flags, const DynamicsProblem& /*problem*/) {
  refuse_dynamics("fokker-planck", flags.problem);
}

Eigen::VectorXd to_vector(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), std::ssize(values));
}

/// Replaces what flags give.
void override_density(const FokkerPlanckFlags& flags, DensityDescription& density) {
  if (flags.times) density.times = parse_numbers("--times", *flags.times);
  if (flags.lower) density.lower = to_vector(parse_numbers("--lower", *flags.lower));
  if (flags.upper) density.upper = to_vector(parse_numbers("--upper", *flags.upper));
  if (!flags.cells) return;
  density.cells.clear();
  for (const double number : parse_numbers("--cells", *flags.cells)) {
    require(
        number >= 2.0 && number <= static_cast<double>(CellGrid::max_size) && number == std::floor(number),
        "--cells: expected integers from 2 to ", CellGrid::max_size, ", got ", *flags.cells);
    density.cells.push_back(static_cast<int>(number));
  }
}

study::DensityOptions parse_options(const FokkerPlanckFlags& flags) {
  study::DensityOptions options;
  if (flags.speed) options.speed = parse_number("--speed", *flags.speed);
  if (!flags.boundary) return options;
  const std::pair<const char*, Boundary> known[] = {{"reflecting", Boundary::reflecting},
                                                    {"periodic", Boundary::periodic},
                                                    {"absorbing", Boundary::absorbing}};
  std::vector<std::string> names;
  for (const auto& [name, boundary] : known) {
    names.emplace_back(name);
    options.boundary = boundary;
    if (*flags.boundary == name) return options;
  }
  fail("--boundary: ", unknown_name("boundary", *flags.boundary, names));
}

/// The arrays of the archive, whose values must outlive them.
class Arrays {
 public:
  explicit Arrays(const study::DensityEvolution& evolution) {
    const CellGrid& grid = evolution.grid;
    const auto M = std::ssize(evolution.rows);
    const Eigen::Index d = grid.dim();
    std::vector<std::int64_t> cells{M};
    for (Eigen::Index axis = 0; axis < d; ++axis) cells.push_back(grid.cells(axis));
    add_each(evolution, "density", cells,
             [&](const study::DensityRow& row) -> Eigen::VectorXd { return row.P / grid.volume(); });
    for (Eigen::Index axis = 0; axis < d; ++axis) {
      const Eigen::VectorXd centres = grid.axis_centres(axis);
      add(concat("centres_", axis + 1), {centres.size()}, {centres.begin(), centres.end()});
    }
    add_number(evolution, "times", [](const auto& row) { return row.time; });
    add_number(evolution, "mass", [](const auto& row) { return row.moments.mass; });
    add_each(evolution, "mean", {M, d}, [](const auto& row) { return row.moments.mean; });
    add_each(evolution, "covariance", {M, d, d},
             [](const auto& row) -> Eigen::VectorXd { return row.moments.covariance.reshaped(); });
    add_number(evolution, "entropy", [](const auto& row) { return row.entropy; });
    if (evolution.gap) add("gap", {1}, {*evolution.gap});
    if (!evolution.rows.front().relative_entropy) return;
    add_number(evolution, "kl", [](const auto& row) { return *row.relative_entropy; });
    add_number(evolution, "fisher", [](const auto& row) { return *row.fisher; });
  }

  std::vector<io::NpzArray> list() const {
    std::vector<io::NpzArray> arrays;
    for (const Array& array : arrays_) arrays.push_back({array.name, array.shape, array.values});
    return arrays;
  }

 private:
  struct Array {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<double> values;
  };

  void add(std::string name, std::vector<std::int64_t> shape, std::vector<double> values) {
    arrays_.push_back({std::move(name), std::move(shape), std::move(values)});
  }
  void add_each(const study::DensityEvolution& evolution, const char* name, std::vector<std::int64_t> shape,
                auto values_of) {
    std::vector<double> values;
    for (const study::DensityRow& row : evolution.rows) {
      const Eigen::VectorXd more = values_of(row);
      values.insert(values.end(), more.begin(), more.end());
    }
    add(name, std::move(shape), std::move(values));
  }
  void add_number(const study::DensityEvolution& evolution, const char* name, auto number_of) {
    std::vector<double> values;
    for (const study::DensityRow& row : evolution.rows) values.push_back(number_of(row));
    const auto size = std::ssize(values);
    add(name, {size}, std::move(values));
  }

  std::vector<Array> arrays_;
};

Json number_or_null(const std::optional<double>& value) {
  return value ? json_number(*value) : Json(nullptr);
}

Json evolution_json(const FokkerPlanckFlags& flags, const Question& question,
                    const study::DensityEvolution& evolution) {
  const CellGrid& grid = evolution.grid;
  Json json;
  json["law"] = question.law_name;
  json["problem"] = flags.problem.file;
  json["lower"] = json_vector(grid.lower());
  json["upper"] = json_vector(grid.upper());
  json["cells"] = Json::array();
  for (Eigen::Index axis = 0; axis < grid.dim(); ++axis) json["cells"].push_back(grid.cells(axis));
  json["gap"] = number_or_null(evolution.gap);
  json["rows"] = Json::array();
  for (const study::DensityRow& row : evolution.rows) {
    json["rows"].push_back({{"time", json_number(row.time)},
                            {"mass", json_number(row.moments.mass)},
                            {"mean", json_vector(row.moments.mean)},
                            {"covariance", json_points(row.moments.covariance)},
                            {"entropy", json_number(row.entropy)},
                            {"kl", number_or_null(row.relative_entropy)},
                            {"fisher", number_or_null(row.fisher)},
                            {"edge_mass", json_number(row.edge_mass)}});
  }
  json["warnings"] = evolution.warnings;
  if (!flags.out.empty()) json["file"] = flags.out;
  return json;
}

std::string join(const Eigen::VectorXd& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + format_number(value);
  return text;
}

std::string evolution_text(const FokkerPlanckFlags& flags, const Question& question,
                           const study::DensityEvolution& evolution) {
  const CellGrid& grid = evolution.grid;
  std::string cells;
  for (Eigen::Index axis = 0; axis < grid.dim(); ++axis)
    cells += (axis > 0 ? " x " : "") + std::to_string(grid.cells(axis));
  const bool keeps_mass = evolution.rows.front().relative_entropy.has_value();
  Table table(keeps_mass ? std::vector<std::string>{"time", "mass", "mean", "sd", "KL", "Fisher"}
                         : std::vector<std::string>{"time", "mass", "mean", "sd"});
  for (const study::DensityRow& row : evolution.rows) {
    std::vector<std::string> entries{format_number(row.time), format_number(row.moments.mass),
                                     join(row.moments.mean),
                                     join(row.moments.covariance.diagonal().cwiseSqrt())};
    if (keeps_mass) {
      entries.push_back(format_number(*row.relative_entropy));
      entries.push_back(format_number(*row.fisher));
    }
    table.add(std::move(entries));
  }
  std::string text = concat("law    ", question.law_name, " of ", flags.problem.file, "\ngrid   ", cells,
                            " cells, from ", join(grid.lower()), " to ", join(grid.upper()), "\n");
  if (evolution.gap) {
    text += concat(
        "gap    ", format_number(*evolution.gap),
        keeps_mass ? concat("; the law forgets its start in about ", format_number(1.0 / *evolution.gap, 3))
                   : std::string("; mass leaves the box at this rate"),
        "\n");
  }
  text += "\n" + table.text();
  if (!flags.out.empty()) text += concat("\nall arrays are in ", flags.out, "\n");
  return text;
}

void run_fokker_planck(const FokkerPlanckFlags& flags) {
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  InputFiles inputs;
  const AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  if (!flags.out.empty()) check_not_input(flags.out, inputs);
  Question question =
      std::visit([&](const auto& alternative) { return question_of(flags, alternative); }, problem);
  override_density(flags, question.density);
  std::optional<study::DensityEvolution> evolution;
  {
    const ProgressLine line("fokker-planck", 0, flags.common.quiet);
    evolution = study::evolve(question.density, question.law, question.start, parse_options(flags));
    if (!flags.out.empty()) io::write_npz(flags.out, Arrays(*evolution).list(), flags.force);
  }
  print_remarks(evolution->warnings, {}, flags.common.quiet);
  print(flags.common.json ? json_text(evolution_json(flags, question, *evolution))
                          : evolution_text(flags, question, *evolution));
}

}  // namespace

Verb add_fokker_planck(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "fokker-planck", "density of the Langevin diffusion of a law at chosen times, on a grid in 1-D or 2-D");
  auto flags = std::make_shared<FokkerPlanckFlags>();
  add_problem_flags(*verb, flags->problem);
  verb->add_option("--times", flags->times, "times, ascending, separated by commas (0,0.5,1,2,5,10)")
      ->type_name("LIST");
  verb->add_option("--lower", flags->lower, "lower ends of the box, one number or two")->type_name("LIST");
  verb->add_option("--upper", flags->upper, "upper ends of the box")->type_name("LIST");
  verb->add_option("--cells", flags->cells, "numbers of cells (400, or 150,150)")->type_name("LIST");
  verb->add_option("--speed", flags->speed, "c of dX = (c/2) grad l dt + sqrt(c) dW (1)")->type_name("C");
  verb->add_option("--boundary", flags->boundary, "walls: reflecting, periodic or absorbing (reflecting)")
      ->type_name("NAME");
  verb->add_option(
          "--out", flags->out,
          "write density (M, n) or (M, n1, n2), centres_1, centres_2, times, mass, mean, covariance, "
          "entropy, gap, kl and fisher as .npz")
      ->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff fokker-planck problem.json --prior --times 0,1,2 --out density.npz\n");
  return {verb, [flags] { run_fokker_planck(*flags); }};
}

}  // namespace gmdiff::cli
