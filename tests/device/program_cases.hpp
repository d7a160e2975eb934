#pragma once

#include "device/cases.hpp"
#include "plan/program.hpp"

// Plans of programs that the tests of devices go through.

namespace gmdiff::test {

inline std::vector<GuidedSampler> every_guided_sampler() {
  return {Tmp{},
          Tmp{.scale = Tmp::Scale::row_sum},
          Tmp{.scale = Tmp::Scale::diffuse, .integrator = Ddim{}},
          Tmp{.integrator = Dpmpp2m{}},
          Pigdm{.tau2 = 2.0, .integrator = Heun{.variable = Heun::Variable::n, .churn = 1.0}},
          PigdmAlgorithm1{},
          Dps{.zeta = 0.3, .epsilon = 1e-3},
          DpsLikelihood{.integrator = Ddim{}},
          DpsGsg{.zeta = 0.05, .directions = 5},
          DpsGsg{.zeta = 0.05, .directions = 5, .pullback = DpsGsg::Pullback::alpha},
          ExactGuidance{.integrator = Dpmpp2s{}}};
}

/// An observation of `rows` directions with much noise, so that no method diverges.
inline LinearObservation observation_of(Eigen::Index dim, Eigen::Index rows, std::uint64_t seed = 5) {
  return {normals(rows, dim, seed) / std::sqrt(static_cast<double>(dim)), normals(rows, 1, seed + 1), 0.5};
}

inline Plan guided_plan_of(const GuidedSampler& sampler, const Mixture& prior,
                           const LinearObservation& observation) {
  const ForwardProcess process = vp(LinearBeta{});
  return guided_plan(prior, std::span(&observation, 1), process, TimeGrid::uniform(process, 5), sampler);
}

/// D = E[x_0 | x_t] of a mixture, as a program would bring it.
inline HostDenoiser denoiser_of_mixture(const Mixture& mixture) {
  return {.id = "mixture by hand",
          .function = [mixture](const Points& x, Level level, Points& D) { D = mixture.denoiser(x, level); }};
}

}  // namespace gmdiff::test
