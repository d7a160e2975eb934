#pragma once

#include "network/paths/path_streams.hpp"
#include "support/trained_samplers.hpp"

// Batches of paths of trained samplers.

namespace gmdiff::test {

/// The paths of an iteration, or with replicate 0 those of draws.
template <class Real>
network::PathBatch<Real> streamed_batch(const SamplerSettings& settings, std::uint32_t replicate) {
  const network::PathStreams streams{settings.seed, replicate};
  return {.paths = settings.batch,
          .fill = [streams](Eigen::Index first, Eigen::Index /*paths*/, network::PathBlock<Real>& block) {
            streams.fill_forward(static_cast<std::uint64_t>(first), block);
          }};
}

}  // namespace gmdiff::test
