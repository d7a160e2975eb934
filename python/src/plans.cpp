#include "plans.hpp"

#include <span>

#include <gmdiff/device/tuned.hpp>
#include <gmdiff/model/posterior.hpp>

#include "callables.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "released.hpp"
#include "study/denoiser_plan.hpp"
#include "study/law.hpp"
#include "study/path_law.hpp"

namespace gmdiff::python {

const char* const sample_signature =
    "law: typing.Any, process: typing.Any = None, grid: typing.Any = None, sampler: typing.Any = None, *, "
    "observation: "
    "typing.Any = None, denoiser: typing.Any = None, prior: bool = False, dim: int | None = None";

std::vector<std::string> sample_keys() {
  return {"law", "process", "grid", "sampler", "observation", "denoiser", "prior", "dim"};
}

std::vector<nb::object> listed(const nb::object& given) {
  if (!PyList_Check(given.ptr()) && !PyTuple_Check(given.ptr())) return {given};
  std::vector<nb::object> objects;
  for (const nb::handle object : given) objects.push_back(nb::borrow(object));
  return objects;
}

namespace {

bool prior_of(const Arguments& given) {
  const nb::object prior = given.find("prior");
  return prior.is_valid() && truth_of(prior, given.place("prior"));
}

/// @throws ValueError for an argument that has no meaning here.
void refuse(const Arguments& given, std::initializer_list<const char*> keys, const std::string& reason) {
  for (const char* key : keys) {
    if (given.find(key).is_valid()) fail(given.place(key), " has no meaning for ", reason);
  }
}

std::vector<LinearObservation> linear_observations(const Arguments& given, const nb::object& argument) {
  std::vector<LinearObservation> observations;
  for (const nb::object& observation : listed(argument)) {
    if (!nb::isinstance<LinearObservation>(observation))
      fail_type(given.place("observation"), "a LinearObservation, or a list of them", observation);
    observations.push_back(nb::cast<const LinearObservation&>(observation));
  }
  return observations;
}

/// Process and grid of a law that has none itself.
struct Schedule {
  ForwardProcess process;
  TimeGrid grid;

  explicit Schedule(const Arguments& given, const LinearObservation* observation = nullptr)
      : process(process_of(given.need("process"), given.place("process"))),
        grid(process, grid_of(given.need("grid"), given.place("grid")), observation) {}
};

AnySampler sampler_or_default(const Arguments& given, const AnySampler& usual) {
  const nb::object sampler = given.find("sampler");
  return sampler.is_valid() ? sampler_of(sampler, given.place("sampler")) : usual;
}

/// Chains on a mixture or another target.
Plan chains_plan(const auto& target, const McmcSampler& sampler, std::uint64_t seed) {
  return released([&] { return mcmc_plan(target, tuned(target, sampler, seed)); });
}

/// Paths of a trained sampler of a law.
PathPlan paths_plan(const LearnedSampler& sampler, const auto&... problem) {
  return released(
      [&] { return study::path_plan(std::get<Learned>(sampler), study::path_law_of(problem...)); });
}

/// Plans of the samplers of a problem, as the verb sample of the command makes them.
struct ProblemPlans {
  const Problem& problem;
  bool prior;
  std::uint64_t seed;

  AnyPlan operator()(const Sampler& sampler) const {
    const study::Law law = study::law_of(problem, prior);
    const ForwardProcess process(problem.process);
    return sampling_plan(std::span(&law.mixture, 1), process, study::grid_of(problem, process), sampler);
  }
  AnyPlan operator()(const GuidedSampler& sampler) const {
    const ForwardProcess process(problem.process);
    return guided_plan(problem.prior, std::span(&observation(sampler), 1), process,
                       study::grid_of(problem, process), sampler);
  }
  AnyPlan operator()(const SmcSampler& sampler) const {
    const ForwardProcess process(problem.process);
    return std::vector<SmcPlan>{
        smc_plan(problem.prior, observation(sampler), process, study::grid_of(problem, process), sampler)};
  }
  AnyPlan operator()(const McmcSampler& sampler) const {
    return chains_plan(study::law_of(problem, prior).mixture, sampler, seed);
  }
  AnyPlan operator()(const LearnedSampler& sampler) const { return paths_plan(sampler, problem, prior); }

  const LinearObservation& observation(const AnySampler& sampler) const {
    const char* name = study::name_of(sampler);
    require(!prior, "prior: ", name, " samples the posterior; give another sampler for the prior");
    return study::observation_for(name, problem, "the problem");
  }
};

AnyPlan any_plan(study::DenoiserPlan plan) {
  if (auto* chains = std::get_if<SmcPlan>(&plan)) return std::vector<SmcPlan>{std::move(*chains)};
  return std::get<Plan>(std::move(plan));
}

AnyPlan plan_of(const Problem& problem, bool prior, std::uint64_t seed) {
  if (problem.denoiser) return any_plan(study::denoiser_plan(problem.sampler, problem, "the problem", prior));
  return std::visit(ProblemPlans{problem, prior, seed}, problem.sampler);
}

AnyPlan plan_of(const NonlinearProblem& problem, bool prior, std::uint64_t seed) {
  if (prior) return plan_of(prior_of(problem), true, seed);
  if (problem.denoiser) return any_plan(study::denoiser_plan(problem.sampler, problem, "the problem"));
  check_takes_map(problem.sampler);
  if (const auto* chains = std::get_if<McmcSampler>(&problem.sampler))
    return chains_plan(gmdiff::target_of(problem), *chains, seed);
  if (const auto* learned = std::get_if<LearnedSampler>(&problem.sampler))
    return paths_plan(*learned, problem);
  const ForwardProcess process(problem.process);
  const TimeGrid grid = study::grid_of(problem, process);
  if (const auto* smc = std::get_if<SmcSampler>(&problem.sampler))
    return std::vector<SmcPlan>{smc_plan(problem.prior, problem.observation, process, grid, *smc)};
  return guided_plan(problem.prior, problem.observation, process, grid,
                     std::get<GuidedSampler>(problem.sampler));
}

/// Replaces the parts of a problem that are given. @param problem with a prior
void replace_parts(const Arguments& given, auto& problem) {
  if (const nb::object process = given.find("process"); process.is_valid())
    problem.process = process_of(process, given.place("process"));
  if (const nb::object grid = given.find("grid"); grid.is_valid())
    problem.grid = grid_of(grid, given.place("grid"));
  problem.sampler = sampler_or_default(given, problem.sampler);
  if (const nb::object denoiser = given.find("denoiser"); denoiser.is_valid()) {
    problem.denoiser = GivenDenoiser{.denoiser = host_denoiser_of(denoiser, given.place("denoiser"))};
  }
}

struct AnyProblemPlans {
  const Arguments& given;
  std::uint64_t seed;

  AnyPlan operator()(Problem problem) const {
    replace_parts(given, problem);
    return plan_of(problem, prior_of(given), seed);
  }
  AnyPlan operator()(NonlinearProblem problem) const {
    replace_parts(given, problem);
    return plan_of(problem, prior_of(given), seed);
  }
  AnyPlan operator()(const TargetProblem& problem) const {
    refuse(given, {"process", "grid", "denoiser", "prior"}, "a target");
    const nb::object sampler = given.find("sampler");
    const TargetSampler used =
        sampler.is_valid() ? target_sampler_of(sampler, given.place("sampler")) : problem.sampler;
    if (const auto* learned = std::get_if<LearnedSampler>(&used)) return paths_plan(*learned, problem);
    return chains_plan(problem.target, std::get<McmcSampler>(used), seed);
  }
  AnyPlan operator()(const DynamicsProblem& /*problem*/) const {
    fail(given.place("law"), ": has dynamics; `forward` runs them");
  }
};

/// One mixture with at most one observation is a problem.
AnyPlan plan_of_mixture(const Arguments& given, const Mixture& mixture, std::uint64_t seed) {
  const nb::object observation = given.find("observation");
  const AnySampler sampler = sampler_or_default(given, Ddim{});
  if (std::holds_alternative<McmcSampler>(sampler)) {
    refuse(given, {"process", "grid", "denoiser"}, "Markov chains, which take the law itself");
  } else if (std::holds_alternative<LearnedSampler>(sampler)) {
    refuse(given, {"process", "grid", "denoiser"}, "a trained sampler, which has its own");
  } else {
    given.need("process");
    given.need("grid");
  }
  if (observation.is_valid() && nb::isinstance<NonlinearObservation>(observation))
    return AnyProblemPlans{given, seed}(NonlinearProblem{
        .prior = mixture, .observation = nb::cast<const NonlinearObservation&>(observation)});
  Problem problem{.prior = mixture, .sampler = sampler};
  if (observation.is_valid()) problem.observation = linear_observations(given, observation).front();
  return AnyProblemPlans{given, seed}(std::move(problem));
}

/// Many mixtures, or many observations of one.
AnyPlan plan_of_batch(const Arguments& given, const std::vector<Mixture>& mixtures) {
  refuse(given, {"denoiser", "prior", "dim"}, "several problems");
  const AnySampler sampler = sampler_or_default(given, Ddim{});
  const nb::object argument = given.find("observation");
  if (!argument.is_valid()) {
    const auto* unguided = std::get_if<Sampler>(&sampler);
    if (unguided == nullptr)
      fail(given.place("sampler"), ": ", study::name_of(sampler),
           " does not sample several mixtures at once");
    const Schedule schedule(given);
    return sampling_plan(mixtures, schedule.process, schedule.grid, *unguided);
  }
  require(mixtures.size() == 1, given.place("observation"), ": several observations need one prior, given ",
          mixtures.size());
  const Mixture& prior = mixtures.front();
  const std::vector<LinearObservation> observations = linear_observations(given, argument);
  require(!observations.empty(), given.place("observation"), ": the list is empty");
  const Schedule schedule(given, &observations.front());
  if (const auto* guided = std::get_if<GuidedSampler>(&sampler))
    return guided_plan(prior, observations, schedule.process, schedule.grid, *guided);
  if (const auto* smc = std::get_if<SmcSampler>(&sampler)) {
    std::vector<SmcPlan> plans;
    plans.reserve(observations.size());
    for (const LinearObservation& observation : observations)
      plans.push_back(smc_plan(prior, observation, schedule.process, schedule.grid, *smc));
    return plans;
  }
  const auto* unguided = std::get_if<Sampler>(&sampler);
  if (unguided == nullptr)
    fail(given.place("sampler"), ": ", study::name_of(sampler), " samples one posterior at once");
  std::vector<Mixture> laws;
  laws.reserve(observations.size());
  for (Posterior& exact : posterior(prior, observations)) laws.push_back(std::move(exact.mixture));
  return sampling_plan(laws, schedule.process, schedule.grid, *unguided);
}

/// A denoiser without a prior.
AnyPlan plan_of_denoiser(const Arguments& given, const Denoiser& denoiser) {
  refuse(given, {"denoiser", "prior"}, "a denoiser without a prior");
  const AnySampler sampler = sampler_or_default(given, Ddim{.start = Start::gaussian});
  const Schedule schedule(given);
  if (const auto* unguided = std::get_if<Sampler>(&sampler)) {
    refuse(given, {"observation"}, "an unguided sampler of a denoiser");
    const std::int64_t dim = integer_of(given.need("dim"), given.place("dim"));
    return sampling_plan(denoiser, dim, schedule.process, schedule.grid, *unguided);
  }
  const auto* guided = std::get_if<GuidedSampler>(&sampler);
  const auto* smc = std::get_if<SmcSampler>(&sampler);
  if (guided == nullptr && smc == nullptr)
    fail(given.place("sampler"), ": ", study::name_of(sampler), " takes the law itself, not a denoiser");
  refuse(given, {"dim"}, "a sampler of the posterior: the observation has the dimension");
  const nb::object observation = given.need("observation");
  if (nb::isinstance<NonlinearObservation>(observation)) {
    const auto& with_map = nb::cast<const NonlinearObservation&>(observation);
    if (smc != nullptr)
      return std::vector<SmcPlan>{smc_plan(denoiser, with_map, schedule.process, schedule.grid, *smc)};
    return guided_plan(denoiser, with_map, schedule.process, schedule.grid, *guided);
  }
  const std::vector<LinearObservation> observations = linear_observations(given, observation);
  require(observations.size() == 1, given.place("observation"), ": a denoiser takes one observation, given ",
          observations.size());
  if (smc != nullptr)
    return std::vector<SmcPlan>{
        smc_plan(denoiser, observations.front(), schedule.process, schedule.grid, *smc)};
  return guided_plan(denoiser, observations.front(), schedule.process, schedule.grid, *guided);
}

std::vector<Mixture> mixtures_of(const Arguments& given, const std::vector<nb::object>& objects) {
  std::vector<Mixture> mixtures;
  mixtures.reserve(objects.size());
  for (const nb::object& object : objects) mixtures.push_back(mixture_of(object, given.place("law")));
  require(!mixtures.empty(), given.place("law"), ": the list is empty");
  return mixtures;
}

[[noreturn]] void fail_law(const Arguments& given, nb::handle law) {
  fail_type(given.place("law"), "a Mixture, a list of them, a problem, a target or a Denoiser", law);
}

}  // namespace

AnyPlan sampling_plan_of(const Arguments& given, std::uint64_t seed) {
  const nb::object law = given.need("law"), observation = given.find("observation");
  if (const auto problem = find_problem(law)) {
    refuse(given, {"observation", "dim"}, "a problem, which has its own");
    return std::visit(AnyProblemPlans{given, seed}, *problem);
  }
  if (const auto denoiser = denoiser_of(law)) return plan_of_denoiser(given, *denoiser);
  if (const auto target = find_target(law)) {
    refuse(given, {"observation", "dim"}, "a target");
    return AnyProblemPlans{given, seed}(TargetProblem{.target = *target});
  }
  const bool is_batch = PyList_Check(law.ptr()) || PyTuple_Check(law.ptr()) ||
                        (observation.is_valid() && listed(observation).size() != 1);
  if (is_batch) return plan_of_batch(given, mixtures_of(given, listed(law)));
  if (!is_mixture(law)) fail_law(given, law);
  refuse(given, {"dim"}, "a mixture, which has its own");
  return plan_of_mixture(given, mixture_of(law, "law"), seed);
}

Plan forward_plan_of(const Arguments& given) {
  const nb::object law = given.need("law");
  if (nb::isinstance<Dynamics>(law)) return dynamics_plan(nb::cast<const Dynamics&>(law));
  const auto any = find_problem(law);
  if (any) {
    if (const auto* dynamics = std::get_if<DynamicsProblem>(&*any)) return dynamics_plan(dynamics->dynamics);
    const auto* linear = std::get_if<Problem>(&*any);
    const auto* nonlinear = std::get_if<NonlinearProblem>(&*any);
    if (nonlinear != nullptr && !prior_of(given))
      fail(given.place("prior"),
           ": the posterior of an observation with a map has no exact draws; give prior=True");
    if (linear == nullptr && nonlinear == nullptr)
      fail(given.place("law"), ": has a target; expected a prior or dynamics");
    const Problem problem = linear != nullptr ? *linear : gmdiff::prior_of(*nonlinear);
    const study::Law exact = study::law_of(problem, prior_of(given));
    const ForwardProcess process(problem.process);
    return forward_plan(std::span(&exact.mixture, 1), process, study::grid_of(problem, process));
  }
  const Schedule schedule(given);
  return forward_plan(mixtures_of(given, listed(law)), schedule.process, schedule.grid);
}

Plan draw_plan_of(const Arguments& given) {
  const nb::object law = given.need("law"), level = given.find("level");
  const Level at = level.is_valid() ? level_of(level, given.place("level")) : Level{};
  if (const auto any = find_problem(law)) {
    if (const auto* target = std::get_if<TargetProblem>(&*any)) return draw_plan(target->target);
    const auto* linear = std::get_if<Problem>(&*any);
    const auto* nonlinear = std::get_if<NonlinearProblem>(&*any);
    if (linear == nullptr && nonlinear == nullptr)
      fail(given.place("law"), ": has dynamics, which have no law");
    if (nonlinear != nullptr && !prior_of(given))
      fail(given.place("prior"),
           ": the posterior of an observation with a map has no exact draws; give prior=True");
    const study::Law exact =
        study::law_of(linear != nullptr ? *linear : gmdiff::prior_of(*nonlinear), prior_of(given));
    return draw_plan(std::span(&exact.mixture, 1), at);
  }
  if (const auto target = find_target(law)) {
    refuse(given, {"level"}, "a target");
    return draw_plan(*target);
  }
  const std::vector<nb::object> objects = listed(law);
  if (objects.size() == 1 && !is_mixture(objects.front())) fail_law(given, law);
  return draw_plan(mixtures_of(given, objects), at);
}

}  // namespace gmdiff::python
