#include "study/path_law.hpp"

#include <span>
#include <stdexcept>
#include <utility>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/check.hpp"
#include "network/paths/check_sampler.hpp"
#include "study/law.hpp"

namespace gmdiff::study {

Points PathLaw::draws(std::int64_t count, std::uint64_t seed) const {
  if (!mixture) return target.draws(count, seed);
  return run(draw_plan(std::span(&*mixture, 1)),
             {.count = count, .seed = seed, .device = Device::cpu(), .precision = Precision::f64})
      .to_double();
}

PathLaw path_law_of(const Problem& problem, bool prior) {
  if (prior || !problem.observation)
    return {.name = "prior",
            .target = mixture_target(problem.prior),
            .mixture = problem.prior,
            .log_normalizer = 0.0};
  Posterior exact = posterior(problem.prior, *problem.observation);
  return {.name = "posterior",
          .target = mixture_target(exact.mixture, exact.log_evidence),
          .mixture = std::move(exact.mixture),
          .log_normalizer = exact.log_evidence};
}

PathLaw path_law_of(const TargetProblem& problem) {
  return {.name = target_law, .target = problem.target, .log_normalizer = problem.target.log_normalizer()};
}

PathLaw path_law_of(const NonlinearProblem& problem) {
  return {.name = nonlinear_law, .target = target_of(problem)};
}

PathPlan path_plan(const Learned& sampler, const PathLaw& law) {
  const SamplerTraining training = read_sampler(sampler.model);
  const std::string identity = network::target_identity(law.target);
  require(training.dim == law.target.dim(), sampler.model, ": the sampler has dimension ", training.dim,
          ", and the ", law.name, " has ", law.target.dim());
  require(training.target == identity, sampler.model, ": the sampler was trained for another law, ",
          training.target, "; the ", law.name, " is ", identity);
  try {
    PathPlan plan = TrainedSampler(training, law.target).plan();
    if (training.iteration < training.settings.iterations)
      plan.notes.push_back(concat(sampler.model, " holds iteration ", training.iteration, " of ",
                                  training.settings.iterations, " of its training"));
    return plan;
  } catch (const std::invalid_argument& error) {
    fail(sampler.model, ": ", error.what());
  }
}

}  // namespace gmdiff::study
