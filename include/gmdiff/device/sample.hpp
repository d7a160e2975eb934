#pragma once

#include <span>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/model/dynamics.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/guided.hpp>
#include <gmdiff/sampler/mcmc.hpp>
#include <gmdiff/sampler/sampler.hpp>

// Functions that run plans. Their bits depend on plan, seed and precision only, not on the range, the split
// into batches or other problems of the run (numerics.md §1). They throw std::invalid_argument for bad
// options, DeviceUnavailable for a device that is not available, DeviceError when a device fails or its
// memory does not suffice, NonFiniteError when a state overflows (how many, at which step first), MemoryError
// when the result or the work needs more host memory than is available, Interrupted when asked to stop.

namespace gmdiff {

/// Executes a plan: (count, d), or (problems, count, d) when the plan has several problems.
Samples run(const Plan& plan, const Options& options = {});

/// Samples of the mixture by a reverse-time sampler; shape (count, d).
Samples sample(const Mixture& mixture, const ForwardProcess& process, const TimeGrid& grid,
               const Sampler& sampler, const Options& options = {});
/// Many mixtures of one shape (K, d, covariance structure) in one call; shape (problems, count, d), or
/// (count, d) for a single mixture.
Samples sample(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid,
               const Sampler& sampler, const Options& options = {});
/// Samples of the exact posterior: the same sampler with the prior replaced by `posterior(prior,
/// observation).mixture`.
Samples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const Sampler& sampler, const Options& options = {});
/// Many observations of one prior in one call; shape (problems, count, d), or (count, d) for a single
/// observation.
Samples sample(const Mixture& prior, std::span<const LinearObservation> observations,
               const ForwardProcess& process, const TimeGrid& grid, const Sampler& sampler,
               const Options& options = {});

/// Samples of a guided sampler, which sees the prior's denoiser and the observation; shape (count, d).
Samples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const GuidedSampler& sampler, const Options& options = {});
/// Many observations of one prior in one call; shape (problems, count, d), or (count, d) for a single
/// observation.
Samples sample(const Mixture& prior, std::span<const LinearObservation> observations,
               const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler,
               const Options& options = {});
/// Samples of a guided sampler under an observation with a map (mathematics.md §10.3); shape (count, d).
Samples sample(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const GuidedSampler& sampler, const Options& options = {});

/// Markov chains with the mixture as their target, one for each particle; shape (count, d), or (count, kept,
/// d) for `ChainOutput::trace`. A method without a step is tuned first (`tuned`).
Samples sample(const Mixture& target, const McmcSampler& sampler, const Options& options = {});
/// Runs Markov chains on a target that is no mixture; shapes as above.
Samples sample(const Target& target, const McmcSampler& sampler, const Options& options = {});

/// Log-density of the target at the states of a trace (`ChainOutput::trace`), shape (count, kept), in double on
/// the host. Of chains in float32 it is that of the states as they are returned. The density of a `Target` is
/// known up to a constant.
/// @throws std::invalid_argument for samples that are no trace, and for a target of another dimension.
Points trace_log_density(const Samples& trace, const Target& target);
/// Log-density of a mixture, which is normalised, at the states of a trace.
Points trace_log_density(const Samples& trace, const Mixture& target);

/// Samples by a custom denoiser in dimension `dim`, from N(0, sigma_T^2 I): the sampler needs `start =
/// Start::gaussian` even where `options.start` gives the first states. Exceptions of the denoiser's function
/// are passed on.
/// @throws std::invalid_argument for a `DeviceDenoiser` on a device other than `cuda`, and when the
///   function changes the shape of its result.
Samples sample(const Denoiser& denoiser, Eigen::Index dim, const ForwardProcess& process,
               const TimeGrid& grid, const Sampler& sampler, const Options& options = {});

/// Samples of a guided sampler by a custom denoiser with the product J^T v (mathematics.md §10.5), in the
/// dimension of the observation, from N(0, sigma_T^2 I). @throws as above, and as `guided_plan`.
Samples sample(const Denoiser& denoiser, const LinearObservation& observation, const ForwardProcess& process,
               const TimeGrid& grid, const GuidedSampler& sampler, const Options& options = {});
Samples sample(const Denoiser& denoiser, const NonlinearObservation& observation,
               const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler,
               const Options& options = {});

/// Paths of x_t at the grid's times, from data to T: shape (count, steps + 1, d), times in `times()`. x_0 is
/// `options.start`, or else equals the result of `draw` with the same seed. With `options.history = M` the
/// paths have M of the levels.
Samples forward(const Mixture& mixture, const ForwardProcess& process, const TimeGrid& grid,
                const Options& options = {});

/// Paths of an SDE or ODE at the end time, shape (count, d); with `options.history = M` at M of the times,
/// shape (count, M, d), times in `times()`. `options.start` replaces the start of the description.
/// @throws std::invalid_argument as `dynamics_plan`.
Samples simulate(const Dynamics& dynamics, const Options& options = {});

/// Exact independent draws of the mixture diffused to `level`; shape (count, d).
Samples draw(const Mixture& mixture, const Options& options = {}, Level level = {});

/// Exact independent draws of a target that is no mixture, computed in double on the host; shape (count, d).
/// @throws std::invalid_argument for a target without them (`Target::has_draws`).
Samples draw(const Target& target, const Options& options = {});

}  // namespace gmdiff
