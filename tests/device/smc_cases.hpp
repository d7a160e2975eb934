#pragma once

#include <vector>

#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/smc_plan.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "device/cases.hpp"
#include "device/devices_under_test.hpp"

// SMC cases for the tests of devices: every sampler, kernel and scheme on every structure.

namespace gmdiff::test {

/// One or two directions of the space, one of them with little noise.
inline LinearObservation observation_of(Eigen::Index dim, bool coordinates = false) {
  const Eigen::Index dy = std::min<Eigen::Index>(dim, 2);
  Eigen::MatrixXd A = normals(dy, dim, 77);
  if (coordinates) {
    A.setZero();
    for (Eigen::Index i = 0; i < dy; ++i) A(i, dim - 1 - i) = 1.5 - static_cast<double>(i);
  }
  return {A, normals(dy, 1, 78).col(0), 0.3};
}

/// A diag prior stays diag only under an observation of single coordinates.
inline LinearObservation observation_for(CovarianceType structure, Eigen::Index dim) {
  return observation_of(dim, structure == CovarianceType::diag);
}

inline std::vector<SmcSampler> every_smc_sampler(int particles) {
  using enum Resampling;
  const auto A = Mcgdiff::Variant::A;
  const auto exact = SmcKernel::exact;
  return {
      Mcgdiff{.particles = particles},
      Mcgdiff{
          .particles = particles, .kernel = exact, .resampling = stratified, .output = SmcOutput::particles},
      Mcgdiff{.particles = particles,
              .variant = A,
              .eta = 0.7,
              .start = Start::gaussian,
              .resampling = multinomial},
      Mcgdiff{.particles = particles,
              .variant = A,
              .kernel = exact,
              .resampling = residual,
              .ess_threshold = 0.5},
      Mcgdiff{.particles = particles,
              .resampling = residual,
              .ess_threshold = 0.5,
              .output = SmcOutput::particles},
      Mcgdiff{.particles = particles, .ess_threshold = 0.0, .output = SmcOutput::particles},
      Bootstrap{.particles = particles, .ess_threshold = 0.5},
      Bootstrap{
          .particles = particles, .kernel = exact, .start = Start::gaussian, .resampling = multinomial}};
}

inline SmcPlan smc_plan_of(const SmcSampler& sampler, const Mixture& prior,
                           const LinearObservation& observation) {
  const ForwardProcess process = vp(LinearBeta{});
  return smc_plan(prior, observation, process, TimeGrid::uniform(process, 4), sampler);
}

/// Two functions of the coordinates, with correlated noise.
inline NonlinearObservation observation_with_map(Eigen::Index dim) {
  const ElementwiseMap map{.function = MapFunction::tanh, .A = normals(2, dim, 77)};
  return {map, Eigen::VectorXd{{0.5, -0.25}}, Eigen::MatrixXd{{0.5, 0.125}, {0.125, 0.25}}};
}

/// Chains of every sampler that takes a map.
inline std::vector<SmcPlan> every_smc_plan_with_map(const Mixture& prior, int particles) {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 4);
  std::vector<SmcPlan> plans;
  for (const SmcSampler& sampler : every_smc_sampler(particles)) {
    if (takes_map(sampler))
      plans.push_back(smc_plan(prior, observation_with_map(prior.dim()), process, grid, sampler));
  }
  return plans;
}

/// The samplers that run with a custom denoiser.
inline std::vector<SmcSampler> smc_samplers_of_denoisers(int particles) {
  const auto start = Start::gaussian;
  return {Mcgdiff{.particles = particles, .start = start},
          Mcgdiff{.particles = particles,
                  .variant = Mcgdiff::Variant::A,
                  .eta = 0.7,
                  .start = start,
                  .resampling = Resampling::residual,
                  .ess_threshold = 0.5,
                  .output = SmcOutput::particles},
          Bootstrap{.particles = particles, .start = start, .ess_threshold = 0.5},
          Bootstrap{.particles = particles,
                    .start = start,
                    .resampling = Resampling::multinomial,
                    .output = SmcOutput::particles}};
}

/// Plan on an observation with enough noise that no step is an exact transition.
/// @param law a mixture or a denoiser
inline SmcPlan smc_plan_by(const auto& law, Eigen::Index dim, const SmcSampler& sampler) {
  const ForwardProcess process = vp(LinearBeta{});
  const Eigen::Index dy = std::min<Eigen::Index>(dim, 2);
  const LinearObservation observation(0.5 * normals(dy, dim, 77), normals(dy, 1, 78).col(0), 0.6);
  return smc_plan(law, observation, process, TimeGrid::uniform(process, 8), sampler);
}

/// Plans of all samplers that run with a custom denoiser, on a linear observation and on one with a map.
inline std::vector<SmcPlan> every_smc_plan_by(const Denoiser& denoiser, Eigen::Index dim, int particles) {
  const ForwardProcess process = vp(LinearBeta{});
  std::vector<SmcPlan> plans;
  for (const SmcSampler& sampler : smc_samplers_of_denoisers(particles)) {
    plans.push_back(smc_plan_by(denoiser, dim, sampler));
    if (takes_map(sampler))
      plans.push_back(
          smc_plan(denoiser, observation_with_map(dim), process, TimeGrid::uniform(process, 8), sampler));
  }
  return plans;
}

/// First particles of `chains` chains, in data coordinates.
inline Points smc_start(const SmcPlan& plan, std::int64_t chains, std::uint64_t seed = 21) {
  return 1.5 * normals(chains * plan.particles, plan.dim(), seed);
}

/// All results of a run, as bytes.
inline std::vector<char> all_bytes(const SmcSamples& samples) {
  std::vector<char> all = bytes(static_cast<const Samples&>(samples));
  const auto add = [&](const auto& values) {
    const auto* begin = reinterpret_cast<const char*>(values.data());
    all.insert(all.end(), begin, begin + values.size() * sizeof(values[0]));
  };
  add(samples.log_evidence());
  add(samples.smallest_ess());
  add(samples.chains().smallest_ess_step);
  add(samples.log_weights());
  add(samples.history().ess);
  add(samples.history().resampled);
  add(samples.history().log_weights);
  add(samples.history().ancestors);
  return all;
}

}  // namespace gmdiff::test
