#pragma once

#include <optional>
#include <string>
#include <variant>

#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target_law.hpp>
#include <gmdiff/sampler/problem.hpp>

namespace gmdiff::study {

/// The law that a question about a problem concerns: the posterior when the problem has an observation and
/// the prior is not requested, otherwise the prior.
struct Law {
  std::string name;  ///< "prior" or "posterior"
  Mixture mixture;
};
/// Name of the law in records of a problem with a target.
inline constexpr const char* target_law = "target";
/// Name of the law in records of a problem with an observation that has a map.
inline constexpr const char* nonlinear_law = "posterior";
/// Name of the law in records of a problem with dynamics.
inline constexpr const char* dynamics_law = "dynamics";
Law law_of(const Problem& problem, bool prior);

/// The law of any problem, against which samples are judged.
struct ExactLaw {
  std::string name;  ///< "prior", "posterior" or "target"
  std::variant<Mixture, TargetLaw> law;

  ReferenceLaw reference() const;
};
/// @param name of the problem in messages @throws std::invalid_argument for a target whose law is not known,
///   for `prior` with a target, and for dynamics, which have no law.
ExactLaw exact_law_of(const AnyProblem& problem, const std::string& name, bool prior = false);
/// Name of the law of a problem: "prior", "posterior", "target" or "dynamics".
const char* law_name(const AnyProblem& problem, bool prior = false);
/// The law of a problem that is no mixture: its target, or the posterior under a nonlinear observation.
std::optional<Target> target_in(const AnyProblem& problem);
/// Dimension of that law. @throws std::invalid_argument for dynamics.
Eigen::Index law_dim(const AnyProblem& problem, const std::string& name);

/// The grid of a problem, adapted to its observation where the grid's description requires it.
TimeGrid grid_of(const Problem& problem, const ForwardProcess& process);
TimeGrid grid_of(const NonlinearProblem& problem, const ForwardProcess& process);

/// The observation that an SMC or guided sampler needs.
/// @throws std::invalid_argument naming the sampler and the problem when it has none.
const LinearObservation& observation_for(const char* sampler_name, const Problem& problem,
                                         const std::string& problem_name);
/// The sampler's name in the catalogue.
const char* name_of(const AnySampler& sampler);

}  // namespace gmdiff::study
