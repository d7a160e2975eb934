#pragma once

#include <gmdiff/network/trained_sampler.hpp>

#include "base/thread_pool.hpp"
#include "device/path_gradients.hpp"
#include "network/paths/path_model.hpp"
#include "network/paths/path_network.hpp"
#include "network/paths/path_streams.hpp"

namespace gmdiff::network {

/// The numbers of a trained sampler for devices. @param pool computes the time tables of its networks.
PathTables path_tables(const SamplerTraining& training, const Target& target, ThreadPool& pool);

/// The numbers for devices from a model and its networks, each of which may be null.
template <class Real>
PathTables path_tables(const SamplerSettings& settings, const PathModel& model,
                       const PathNetwork<Real>* forward_net, const PathNetwork<Real>* backward_net,
                       const Target& target);

/// First states of the paths first ... first + count - 1, as blocks of the host draw them.
PathStarts draw_starts(const PathStreams& streams, const PathModel& model, const PathUnit& unit,
                       std::int64_t first, std::int64_t count);

/// First states of the paths first ... first + count - 1 of a sampler, (count, d).
Points path_starts(const SamplerTraining& training, std::int64_t first, std::int64_t count,
                   std::uint64_t seed);

}  // namespace gmdiff::network
