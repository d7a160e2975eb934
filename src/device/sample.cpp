#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>

#include <utility>
#include <vector>

#include "device/executor.hpp"

namespace gmdiff {

Samples run(const Plan& plan, const Options& options) { return run(plan, options, 0); }

Samples sample(const Mixture& mixture, const ForwardProcess& process, const TimeGrid& grid,
               const Sampler& sampler, const Options& options) {
  return sample(std::span(&mixture, 1), process, grid, sampler, options);
}

Samples sample(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid,
               const Sampler& sampler, const Options& options) {
  return run(sampling_plan(mixtures, process, grid, sampler), options);
}

Samples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const Sampler& sampler, const Options& options) {
  return sample(posterior(prior, observation).mixture, process, grid, sampler, options);
}

Samples sample(const Mixture& prior, std::span<const LinearObservation> observations,
               const ForwardProcess& process, const TimeGrid& grid, const Sampler& sampler,
               const Options& options) {
  std::vector<Mixture> laws;
  for (Posterior& exact : posterior(prior, observations)) laws.push_back(std::move(exact.mixture));
  return sample(laws, process, grid, sampler, options);
}

Samples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const GuidedSampler& sampler, const Options& options) {
  return sample(prior, std::span(&observation, 1), process, grid, sampler, options);
}

Samples sample(const Mixture& prior, std::span<const LinearObservation> observations,
               const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler,
               const Options& options) {
  return run(guided_plan(prior, observations, process, grid, sampler), options);
}

Samples sample(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const GuidedSampler& sampler, const Options& options) {
  return run(guided_plan(prior, observation, process, grid, sampler), options);
}

Samples sample(const Mixture& target, const McmcSampler& sampler, const Options& options) {
  return run(mcmc_plan(target, tuned(target, sampler, options.seed)), options);
}

Samples sample(const Target& target, const McmcSampler& sampler, const Options& options) {
  return run(mcmc_plan(target, tuned(target, sampler, options.seed)), options);
}

Samples sample(const Denoiser& denoiser, Eigen::Index dim, const ForwardProcess& process,
               const TimeGrid& grid, const Sampler& sampler, const Options& options) {
  return run(sampling_plan(denoiser, dim, process, grid, sampler), options);
}

Samples sample(const Denoiser& denoiser, const LinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const GuidedSampler& sampler, const Options& options) {
  return run(guided_plan(denoiser, observation, process, grid, sampler), options);
}

Samples sample(const Denoiser& denoiser, const NonlinearObservation& observation,
               const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler,
               const Options& options) {
  return run(guided_plan(denoiser, observation, process, grid, sampler), options);
}

Samples forward(const Mixture& mixture, const ForwardProcess& process, const TimeGrid& grid,
                const Options& options) {
  return run(forward_plan(std::span(&mixture, 1), process, grid), options);
}

Samples simulate(const Dynamics& dynamics, const Options& options) {
  return run(dynamics_plan(dynamics), options);
}

Samples draw(const Mixture& mixture, const Options& options, Level level) {
  return run(draw_plan(std::span(&mixture, 1), level), options);
}

Samples draw(const Target& target, const Options& options) { return run(draw_plan(target), options); }

}  // namespace gmdiff
