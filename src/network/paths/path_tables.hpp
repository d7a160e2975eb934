#pragma once

#include <gmdiff/network/trained_sampler.hpp>

#include "base/thread_pool.hpp"
#include "device/path_tables.hpp"

namespace gmdiff::network {

/// The numbers of a trained sampler for devices. @param pool computes the time tables of its networks.
PathTables path_tables(const SamplerTraining& training, const Target& target, ThreadPool& pool);

/// First states of the paths first ... first + count - 1 of a sampler, (count, d).
Points path_starts(const SamplerTraining& training, std::int64_t first, std::int64_t count,
                   std::uint64_t seed);

}  // namespace gmdiff::network
