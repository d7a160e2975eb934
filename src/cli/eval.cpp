#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "io/npz.hpp"
#include "study/record.hpp"

namespace gmdiff::cli {
namespace {

struct EvalFlags {
  ProblemFlags problem;
  CommonFlags common;
  std::string points;
  std::string out;
  bool force = false;
  FlagText t, alpha, sigma, device, precision;
};

struct Arrays {
  Eigen::VectorXd log_density;  ///< (n)
  Points responsibilities;      ///< (n, K)
  Points score;                 ///< (n, d)
  Points denoiser;              ///< (n, d)
  std::vector<std::string> warnings;
};

EvaluateOptions parse_options(const EvalFlags& flags) {
  EvaluateOptions options{.log_density = true, .log_responsibilities = true, .score = true, .denoiser = true};
  if (flags.device) options.device = Device::parse(*flags.device);
  if (flags.precision) options.precision = parse_precision(flags.precision);
  return options;
}

/// The level asked for; without one t = 0.
Level parse_level(const EvalFlags& flags, const Problem& problem) {
  const bool pair = flags.alpha || flags.sigma;
  require(!flags.t || !pair, "--t and --alpha/--sigma exclude each other");
  require(!pair || (flags.alpha && flags.sigma), "--alpha and --sigma belong together, ",
          flags.alpha ? "--sigma" : "--alpha", " is missing");
  if (pair) return {parse_number("--alpha", *flags.alpha), parse_number("--sigma", *flags.sigma)};
  return ForwardProcess(problem.process).level(flags.t ? parse_number("--t", *flags.t) : 0.0);
}

/// Rows with an entry that the condition holds for.
template <class Values, class Condition>
Eigen::Index count_rows(const Values& values, Condition condition) {
  Eigen::Index rows = 0;
  for (Eigen::Index i = 0; i < values.rows(); ++i)
    rows += std::any_of(values.row(i).begin(), values.row(i).end(), condition) ? 1 : 0;
  return rows;
}

/// Says so where a point is too far from the law for doubles.
void warn_of_far_points(Arrays& result) {
  const Eigen::Index below = count_rows(result.log_density, [](double value) { return std::isinf(value); });
  if (below > 0)
    result.warnings.push_back(concat("log_density of ", below, below == 1 ? " point" : " points",
                                     " is below the smallest double: -inf"));
  const Eigen::Index beyond =
      std::max(count_rows(result.score, [](double value) { return !std::isfinite(value); }),
               count_rows(result.denoiser, [](double value) { return !std::isfinite(value); }));
  if (beyond > 0)
    result.warnings.push_back(concat("score or denoiser of ", beyond, beyond == 1 ? " point" : " points",
                                     " is beyond the largest double"));
}

/// NaN where the law has no density at this level, with a warning for each array.
void fill_without_density(const Mixture& law, Eigen::Index n, const std::domain_error& error,
                          Arrays& result) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const char* name : {"log_density", "responsibilities", "score"})
    result.warnings.push_back(concat(name, " is not defined here: ", error.what()));
  result.log_density = Eigen::VectorXd::Constant(n, nan);
  result.responsibilities = Points::Constant(n, law.num_components(), nan);
  result.score = Points::Constant(n, law.dim(), nan);
}

void evaluate(const Mixture& law, const Points& x, Level level, const EvaluateOptions& options,
              Arrays& result) {
  try {
    Evaluation values = gmdiff::evaluate(law, x, level, options);
    result.log_density = std::move(values.log_density);
    result.responsibilities = std::move(values.log_responsibilities);
    for (double& value : result.responsibilities.reshaped()) value = std::exp(value);
    result.score = std::move(values.score);
    result.denoiser = std::move(values.denoiser);
    warn_of_far_points(result);
  } catch (const std::domain_error& error) {
    fill_without_density(law, x.rows(), error, result);
    EvaluateOptions rest = options;
    rest.log_density = rest.log_responsibilities = rest.score = false;
    result.denoiser = gmdiff::evaluate(law, x, level, rest).denoiser;
  }
}

void write_arrays(const EvalFlags& flags, const Arrays& result) {
  const auto array = [](const std::string& name, const auto& values) {
    std::vector<std::int64_t> shape{values.rows()};
    if (name != "log_density") shape.push_back(values.cols());
    return io::NpzArray{name, std::move(shape),
                        std::span(values.data(), static_cast<std::size_t>(values.size()))};
  };
  io::write_npz(flags.out,
                {array("log_density", result.log_density), array("responsibilities", result.responsibilities),
                 array("score", result.score), array("denoiser", result.denoiser)},
                flags.force);
}

std::string evaluation_json(const EvalFlags& flags, const std::string& law, Level level,
                            const EvaluateOptions& options, const Arrays& result) {
  Json json;
  json["law"] = law;
  json["alpha"] = json_number(level.alpha);
  json["sigma"] = json_number(level.sigma);
  json["device"] = options.device.name();
  json["precision"] = study::precision_name(options.precision);
  json["log_density"] = json_vector(result.log_density);
  json["responsibilities"] = json_points(result.responsibilities);
  json["score"] = json_points(result.score);
  json["denoiser"] = json_points(result.denoiser);
  json["warnings"] = result.warnings;
  if (!flags.out.empty()) json["file"] = flags.out;
  return json_text(json);
}

/// The first points, one a row: too many numbers for people otherwise.
std::string evaluation_text(const EvalFlags& flags, const std::string& law, Level level,
                            const EvaluateOptions& options, const Arrays& result) {
  constexpr Eigen::Index most = 20;
  const Eigen::Index n = result.log_density.size();
  Table table({"point", "log_density", "component", "responsibility", "|score|", "|denoiser|"});
  for (Eigen::Index i = 0; i < std::min(n, most); ++i) {
    Eigen::Index component = 0;
    const double responsibility = result.responsibilities.row(i).maxCoeff(&component);
    table.add({std::to_string(i), format_number(result.log_density(i)), std::to_string(component),
               format_number(responsibility), format_number(result.score.row(i).norm()),
               format_number(result.denoiser.row(i).norm())});
  }
  std::string text =
      concat("law    ", law, " of ", flags.problem.file, "\nlevel  alpha = ", format_number(level.alpha),
             ", sigma = ", format_number(level.sigma), "\ndevice ", options.device.name(), ", ",
             study::precision_name(options.precision), "\n\n", table.text());
  if (n > most) text += concat("... ", n - most, " more points\n");
  if (!flags.out.empty()) text += concat("\nall arrays are in ", flags.out, "\n");
  return text;
}

/// Bytes of all arrays, and of their numbers as JSON values and text.
std::uint64_t bytes_of_evaluation(const Mixture& law, Eigen::Index points, bool json) {
  constexpr std::uint64_t number = 80;
  return saturating_product(static_cast<std::uint64_t>(points),
                            static_cast<std::uint64_t>(1 + law.num_components() + 2 * law.dim()),
                            sizeof(double) + (json ? number : 0));
}

void run_eval(const EvalFlags& flags) {
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  InputFiles inputs;
  const Problem problem = load_problem(flags.problem.file, inputs);
  add_data(inputs, flags.points);
  if (!flags.out.empty()) check_not_input(flags.out, inputs);
  const Level level = parse_level(flags, problem);
  const EvaluateOptions options = parse_options(flags);
  const Law law = law_of(problem, flags.problem.prior);
  Arrays result;
  const Points x = load_points(flags.points, result.warnings);
  require(x.cols() == law.mixture.dim(), "--points ", flags.points, ": its points have dimension ", x.cols(),
          ", those of the ", law.name, " ", law.mixture.dim());
  require_memory(bytes_of_evaluation(law.mixture, x.rows(), flags.common.json), "the results at ", x.rows(),
                 " points");
  {
    const ProgressLine line("eval", 0, flags.common.quiet);
    evaluate(law.mixture, x, level, options, result);
    if (!flags.out.empty()) write_arrays(flags, result);
  }
  print_remarks(result.warnings, {}, flags.common.quiet);
  print(flags.common.json ? evaluation_json(flags, law.name, level, options, result)
                          : evaluation_text(flags, law.name, level, options, result));
}

}  // namespace

Verb add_eval(CLI::App& command) {
  CLI::App* verb =
      command.add_subcommand("eval", "log-density, responsibilities, score and denoiser at given points");
  auto flags = std::make_shared<EvalFlags>();
  add_problem_flags(*verb, flags->problem);
  verb->add_option("--points", flags->points, "points, shape (n, d)")->required()->type_name("FILE");
  verb->add_option("--t", flags->t, "time of the level (0, the data)")->type_name("T");
  verb->add_option("--alpha", flags->alpha, "signal of the level, with --sigma instead of --t")
      ->type_name("A");
  verb->add_option("--sigma", flags->sigma, "noise of the level")->type_name("S");
  verb->add_option("--device", flags->device,
                   "best, reference, cpu[:threads] or cuda[:index[,index...]] (best)")
      ->type_name("DEVICE");
  verb->add_option("--precision", flags->precision,
                   "of the arithmetic, f32 or f64; results are float64 (f64)")
      ->type_name("P");
  verb->add_option(
          "--out", flags->out,
          "write the arrays log_density (n), responsibilities (n, K), score (n, d), denoiser (n, d) as .npz")
      ->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff eval problem.json --points x.npy --t 0.5 --out values.npz\n");
  return {verb, [flags] { run_eval(*flags); }};
}

}  // namespace gmdiff::cli
