#pragma once

#include <gmdiff/network/trained_sampler.hpp>

namespace gmdiff {

class Executor;

namespace network {

/// `continue_sampler` with the gradients of an executor; null: on the threads of the host. The options'
/// device has no effect but for the number of threads.
SamplerTraining continue_sampler_on(const Executor* executor, SamplerTraining training, const Target& target,
                                    const SamplerTrainingOptions& options);

}  // namespace network
}  // namespace gmdiff
