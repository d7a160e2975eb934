#include "study/law.hpp"

#include <gmdiff/model/posterior.hpp>

#include "base/check.hpp"

namespace gmdiff::study {

Law law_of(const Problem& problem, bool prior) {
  if (!problem.observation || prior) return {"prior", problem.prior};
  return {"posterior", posterior(problem.prior, *problem.observation).mixture};
}

namespace {

[[noreturn]] void fail_for_dynamics(const std::string& name) {
  fail(name, " has dynamics; expected a prior or a target");
}

struct ExactLaws {
  const std::string& name;
  bool prior;

  ExactLaw operator()(const Problem& problem) const {
    Law law = law_of(problem, prior);
    return {std::move(law.name), std::move(law.mixture)};
  }
  ExactLaw operator()(const TargetProblem& problem) const {
    require(!prior, "--prior: ", name, " has a target and no prior");
    return {target_law, TargetLaw(problem.target)};
  }
  ExactLaw operator()(const NonlinearProblem& problem) const {
    if (prior) return {"prior", problem.prior};
    return {nonlinear_law, TargetLaw(target_of(problem))};
  }
  ExactLaw operator()(const DynamicsProblem& /*problem*/) const { fail_for_dynamics(name); }
};

struct LawDims {
  const std::string& name;

  Eigen::Index operator()(const Problem& problem) const { return problem.prior.dim(); }
  Eigen::Index operator()(const TargetProblem& problem) const { return problem.target.dim(); }
  Eigen::Index operator()(const NonlinearProblem& problem) const { return problem.prior.dim(); }
  Eigen::Index operator()(const DynamicsProblem& /*problem*/) const { fail_for_dynamics(name); }
};

}  // namespace

ReferenceLaw ExactLaw::reference() const {
  return std::visit([](const auto& known) { return ReferenceLaw(known); }, law);
}

ExactLaw exact_law_of(const AnyProblem& problem, const std::string& name, bool prior) {
  return std::visit(ExactLaws{name, prior}, problem);
}

const char* law_name(const AnyProblem& problem, bool prior) {
  if (std::holds_alternative<TargetProblem>(problem)) return target_law;
  if (std::holds_alternative<DynamicsProblem>(problem)) return dynamics_law;
  if (prior) return "prior";
  const auto* of_prior = std::get_if<Problem>(&problem);
  return of_prior == nullptr ? nonlinear_law : of_prior->observation ? "posterior" : "prior";
}

std::optional<Target> target_in(const AnyProblem& problem) {
  if (const auto* of_target = std::get_if<TargetProblem>(&problem)) return of_target->target;
  if (const auto* nonlinear = std::get_if<NonlinearProblem>(&problem)) return target_of(*nonlinear);
  return {};
}

Eigen::Index law_dim(const AnyProblem& problem, const std::string& name) {
  return std::visit(LawDims{name}, problem);
}

TimeGrid grid_of(const Problem& problem, const ForwardProcess& process) {
  return {process, problem.grid, problem.observation ? &*problem.observation : nullptr};
}

TimeGrid grid_of(const NonlinearProblem& problem, const ForwardProcess& process) {
  return {process, problem.grid};
}

const LinearObservation& observation_for(const char* sampler_name, const Problem& problem,
                                         const std::string& problem_name) {
  require(problem.observation.has_value(), sampler_name, " samples the posterior of an observation, and ",
          problem_name, " has none");
  return *problem.observation;
}

const char* name_of(const AnySampler& sampler) {
  const auto name = [](const auto& description) { return description.name; };
  return std::visit([&](const auto& kind) { return std::visit(name, kind); }, sampler);
}

}  // namespace gmdiff::study
