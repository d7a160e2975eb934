#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/generator.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/probability_flow.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "cli/arguments.hpp"
#include "cli/eval_result.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "study/record.hpp"

namespace gmdiff::cli {
namespace {

struct EvalFlags {
  ProblemFlags problem;
  CommonFlags common;
  std::string points;
  std::string out;
  bool force = false;
  bool velocity = false;
  FlagText t, alpha, sigma, device, precision, sampler, generator;
};

EvaluateOptions parse_options(const EvalFlags& flags) {
  EvaluateOptions options{.log_density = true, .log_responsibilities = true, .score = true, .denoiser = true};
  if (flags.device) options.device = Device::parse(*flags.device);
  if (flags.precision) options.precision = parse_precision(flags.precision);
  return options;
}

/// The requested level, by default t = 0.
Level parse_level(const EvalFlags& flags, const Problem& problem) {
  const bool pair = flags.alpha || flags.sigma;
  require(!flags.t || !pair, "--t and --alpha/--sigma exclude each other");
  require(!pair || (flags.alpha && flags.sigma), "--alpha and --sigma belong together, ",
          flags.alpha ? "--sigma" : "--alpha", " is missing");
  if (pair) return {parse_number("--alpha", *flags.alpha), parse_number("--sigma", *flags.sigma)};
  return ForwardProcess(problem.process).level(flags.t ? parse_number("--t", *flags.t) : 0.0);
}

/// Number of rows with an entry that meets the condition.
template <class Values, class Condition>
Eigen::Index count_rows(const Values& values, Condition condition) {
  Eigen::Index rows = 0;
  for (Eigen::Index i = 0; i < values.rows(); ++i)
    rows += std::any_of(values.row(i).begin(), values.row(i).end(), condition) ? 1 : 0;
  return rows;
}

/// Adds warnings for points that are too far from the law for doubles.
void warn_of_far_points(EvalResult& result) {
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

/// Adds velocity and divergence of the probability flow, or NaN and a warning if the law has no density.
void add_flow(const EvalFlags& flags, const Problem& problem, const Mixture& law, const Points& x,
              EvalResult& result) {
  if (!flags.velocity) return;
  require(!flags.alpha, "--velocity needs a time of the process; give --t instead of --alpha and --sigma");
  const double t = flags.t ? parse_number("--t", *flags.t) : 0.0;
  try {
    ProbabilityFlow flow = probability_flow(law, ForwardProcess(problem.process), x, t);
    result.velocity = std::move(flow.velocity);
    result.divergence = std::move(flow.divergence);
  } catch (const std::domain_error& error) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    result.warnings.push_back(concat("velocity and divergence are not defined here: ", error.what()));
    result.velocity = Points::Constant(x.rows(), x.cols(), nan);
    result.divergence = Eigen::VectorXd::Constant(x.rows(), nan);
  }
}

/// Fills arrays with NaN if the law has no density at this level, with a warning for each array.
void fill_without_density(const Mixture& law, Eigen::Index n, const std::domain_error& error,
                          EvalResult& result) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const char* name : {"log_density", "responsibilities", "score"})
    result.warnings.push_back(concat(name, " is not defined here: ", error.what()));
  result.log_density = Eigen::VectorXd::Constant(n, nan);
  result.responsibilities = Points::Constant(n, law.num_components(), nan);
  result.score = Points::Constant(n, law.dim(), nan);
}

/// Bytes of all arrays, and of their numbers as JSON values and text.
std::uint64_t bytes_of_evaluation(const Mixture& law, Eigen::Index points, bool json) {
  constexpr std::uint64_t number = 80;
  return saturating_product(static_cast<std::uint64_t>(points),
                            static_cast<std::uint64_t>(1 + law.num_components() + 2 * law.dim()),
                            sizeof(double) + (json ? number : 0));
}

/// Reads points of the dimension of `law` and checks that their results fit into memory.
Points load_points_for(const Mixture& law, const EvalFlags& flags, EvalResult& result) {
  Points x = load_points(flags.points, result.warnings);
  require(x.cols() == law.dim(), "--points ", flags.points, ": its points have dimension ", x.cols(),
          ", those of the ", result.law, " ", law.dim());
  require_memory(bytes_of_evaluation(law, x.rows(), flags.common.json), "the results at ", x.rows(),
                 " points");
  return x;
}

/// Evaluates the prior or the posterior.
void evaluate_law(const EvalFlags& flags, const Problem& problem, EvalResult& result) {
  const Law law = law_of(problem, flags.problem.prior);
  result.law = law.name;
  const Points x = load_points_for(law.mixture, flags, result);
  try {
    Evaluation values = evaluate(law.mixture, x, result.level, result.options);
    result.log_density = std::move(values.log_density);
    result.responsibilities = std::move(values.log_responsibilities);
    for (double& value : result.responsibilities.reshaped()) value = std::exp(value);
    result.score = std::move(values.score);
    result.denoiser = std::move(values.denoiser);
    warn_of_far_points(result);
  } catch (const std::domain_error& error) {
    fill_without_density(law.mixture, x.rows(), error, result);
    EvaluateOptions rest = result.options;
    rest.log_density = rest.log_responsibilities = rest.score = false;
    result.denoiser = evaluate(law.mixture, x, result.level, rest).denoiser;
  }
  add_flow(flags, problem, law.mixture, x, result);
}

GuidedSampler parse_guided(const std::string& text) {
  const AnySampler sampler = parse_sampler(text);
  const auto* guided = std::get_if<GuidedSampler>(&sampler);
  require(guided != nullptr, "--sampler ", text, ": expected a guided sampler, and ", study::name_of(sampler),
          " is none; without --sampler the denoiser is that of the law");
  return *guided;
}

/// Evaluates the denoiser of a guided sampler by a run of one evaluation that starts from the points.
void evaluate_guided(const EvalFlags& flags, const Problem& problem, EvalResult& result) {
  const GuidedSampler& sampler = result.sampler.emplace(parse_guided(*flags.sampler));
  require(!flags.problem.prior, "--prior: ", study::name_of(sampler),
          " is guided to the posterior; without --sampler the denoiser is that of the prior");
  const LinearObservation& observation =
      study::observation_for(study::name_of(sampler), problem, flags.problem.file);
  result.law = "posterior";
  const Plan plan = guided_denoiser_plan(problem.prior, observation, result.level, sampler);
  const Points x = load_points_for(problem.prior, flags, result);
  const Samples samples = run(plan, {.count = x.rows(),
                                     .device = result.options.device,
                                     .precision = result.options.precision,
                                     .start = x});
  result.denoiser = samples.to_double();
  study::add_missing(result.warnings, samples.provenance().warnings);
}

/// The quantities of a law that is diffused to the requested level.
EvalResult evaluate(const EvalFlags& flags, const Problem& problem) {
  EvalResult result{
      .problem = flags.problem.file, .level = parse_level(flags, problem), .options = parse_options(flags)};
  require(!flags.generator, "--generator belongs to dynamics, and ", flags.problem.file, " has a prior");
  require(!flags.velocity || !flags.sampler, "--velocity and --sampler exclude each other");
  flags.sampler ? evaluate_guided(flags, problem, result) : evaluate_law(flags, problem, result);
  return result;
}

/// Refuses the flags of a law that is diffused; `has` is what the problem has instead of a prior alone.
void refuse_flags_of_prior(const EvalFlags& flags, const char* has) {
  const std::pair<const char*, const FlagText*> of_prior[] = {{"--alpha", &flags.alpha},
                                                              {"--sigma", &flags.sigma},
                                                              {"--device", &flags.device},
                                                              {"--precision", &flags.precision},
                                                              {"--sampler", &flags.sampler}};
  for (const auto& [name, text] : of_prior)
    require(!*text, name, " belongs to a problem with a prior, and ", flags.problem.file, " has ", has);
  require(!flags.velocity, "--velocity belongs to a problem with a prior, and ", flags.problem.file, " has ",
          has);
}

/// The log-density of a target and its gradient, in double on the host. @param has why flags of mixtures have no
/// meaning
EvalResult evaluate_target(const EvalFlags& flags, const Target& target, const char* law, const char* has) {
  require(!flags.t, "--t belongs to a problem with a prior, and ", flags.problem.file, " has ", has);
  refuse_flags_of_prior(flags, has);
  require(!flags.generator, "--generator belongs to dynamics, and ", flags.problem.file, " has ", has);
  EvalResult result{.problem = flags.problem.file, .law = law};
  const Points x = load_points(flags.points, result.warnings);
  result.log_density = target.log_density(x);
  result.gradient = target.gradient(x);
  return result;
}

EvalResult evaluate(const EvalFlags& flags, const TargetProblem& problem) {
  check_no_prior(flags.problem);
  return evaluate_target(flags, problem.target, study::target_law, "a target");
}

EvalResult evaluate(const EvalFlags& flags, const NonlinearProblem& problem) {
  if (flags.problem.prior) return evaluate(flags, prior_of(problem));
  return evaluate_target(flags, target_of(problem), study::nonlinear_law, "an observation with a map");
}

/// The generator of dynamics, in double on the host.
EvalResult evaluate(const EvalFlags& flags, const DynamicsProblem& problem) {
  require(!flags.problem.prior, "--prior: ", flags.problem.file, " has dynamics and no prior");
  refuse_flags_of_prior(flags, "dynamics");
  require(flags.generator.has_value(), flags.problem.file,
          " has dynamics, of which eval computes the generator; give --generator TEXT");
  const Dynamics& dynamics = problem.dynamics;
  EvalResult result{.problem = flags.problem.file, .law = study::dynamics_law, .function = *flags.generator};
  const Expression F(*flags.generator, {.dim = dim_of(dynamics), .parameters = dynamics.parameters});
  const Points x = load_points(flags.points, result.warnings);
  require(x.cols() == F.dim(), "--points ", flags.points, ": its points have dimension ", x.cols(),
          ", those of the dynamics ", F.dim());
  result.generator = generator(dynamics, F, x, flags.t ? parse_number("--t", *flags.t) : dynamics.t_start);
  return result;
}

void run_eval(const EvalFlags& flags) {
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  InputFiles inputs;
  const AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  add_data(inputs, flags.points);
  if (!flags.out.empty()) check_not_input(flags.out, inputs);
  EvalResult result;
  {
    const ProgressLine line("eval", 0, flags.common.quiet);
    result = std::visit([&](const auto& alternative) { return evaluate(flags, alternative); }, problem);
    if (!flags.out.empty()) write_arrays(result, flags.out, flags.force);
  }
  print_remarks(result.warnings, {}, flags.common.quiet);
  print(flags.common.json ? eval_json(result, flags.out) : eval_text(result, flags.out));
}

}  // namespace

Verb add_eval(CLI::App& command) {
  CLI::App* verb =
      command.add_subcommand("eval", "log-density, responsibilities, score and denoiser at given points");
  auto flags = std::make_shared<EvalFlags>();
  add_problem_flags(*verb, flags->problem);
  verb->add_option("--points", flags->points, "points, shape (n, d)")->required()->type_name("FILE");
  verb->add_option("--t", flags->t, "time of the level (0, the data), or of dynamics (their first)")
      ->type_name("T");
  verb->add_option("--alpha", flags->alpha, "signal of the level, with --sigma instead of --t")
      ->type_name("A");
  verb->add_option("--sigma", flags->sigma, "noise of the level")->type_name("S");
  verb->add_option("--device", flags->device,
                   "best, reference, cpu[:threads] or cuda[:index[,index...]] (best)")
      ->type_name("DEVICE");
  verb->add_option("--precision", flags->precision,
                   "precision of the arithmetic, f32 or f64; results are float64 (f64)")
      ->type_name("P");
  verb->add_option("--out", flags->out,
                   "write the arrays log_density (n), responsibilities (n, K), score (n, d), denoiser (n, d) "
                   "as .npz; of a "
                   "target, or of an observation with a map, log_density and gradient (n, d); of dynamics "
                   "generator (n)")
      ->type_name("FILE");
  verb->add_option(
          "--sampler", flags->sampler,
          "only the denoiser of this guided sampler, e.g. tmp or pigdm:tau2=2, instead of the law's arrays")
      ->type_name("SAMPLER");
  verb->add_flag("--velocity", flags->velocity,
                 "also the velocity of the probability flow (n, d) and its divergence (n), in double on the "
                 "host");
  verb->add_option(
          "--generator", flags->generator,
          "of dynamics: the generator of this function of x, such as x1^2, as the array generator (n)")
      ->type_name("TEXT");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb,
               "  gmdiff eval problem.json --points x.npy --t 0.5 --out values.npz\n"
               "  gmdiff eval problem.json --points x.npy --t 0.5 --velocity\n"
               "  gmdiff eval problem.json --points x.npy --t 0.5 --sampler tmp\n");
  return {verb, [flags] { run_eval(*flags); }};
}

}  // namespace gmdiff::cli
