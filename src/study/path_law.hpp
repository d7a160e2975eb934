#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/paths.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/sampler/problem.hpp>

// Trained samplers of the law of a problem (guide.md, "Learn a sampler").

namespace gmdiff::study {

/// What a sampler of a problem is trained for and samples.
struct PathLaw {
  std::string name;  ///< "prior", "posterior" or "target"
  Target target;     ///< for a mixture that of `mixture_target`
  std::optional<Mixture> mixture = {};
  std::optional<double> log_normalizer = {};  ///< log Z, where it is known

  bool has_draws() const { return mixture.has_value() || target.has_draws(); }
  /// Exact draws (count, d). @throws std::invalid_argument for a law without them.
  Points draws(std::int64_t count, std::uint64_t seed) const;
};

/// The law of a problem: its target, its prior, or the posterior of its observation, whose Z is the evidence.
/// @param prior whether an observation is left out.
/// @throws std::invalid_argument for a law without density.
PathLaw path_law_of(const Problem& problem, bool prior = false);
PathLaw path_law_of(const TargetProblem& problem);
PathLaw path_law_of(const NonlinearProblem& problem);

/// Plan of a trained sampler for a law.
/// @throws std::invalid_argument naming the file of the sampler and the reason: as `read_sampler`, and for a
///   sampler of another law.
PathPlan path_plan(const Learned& sampler, const PathLaw& law);

}  // namespace gmdiff::study
