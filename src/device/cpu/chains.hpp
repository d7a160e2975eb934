#pragma once

#include "base/thread_pool.hpp"
#include "device/cpu/unit.hpp"
#include "device/executor.hpp"

namespace gmdiff::cpu {

/// Runs chains of SMC (numerics.md §6). Threads share whole chains or, if there are fewer chains than
/// threads, the particles of each chain.
template <class Real>
ChainFailure run_chains(const SmcTask& task, const Unit<Real>& unit, ThreadPool& pool);

/// Chains that fit `memory_limit` bytes (0: no limit) at once.
/// @throws std::invalid_argument when not even one chain fits.
template <class Real>
std::int64_t chains_at_once(const SmcPlan& plan, const Unit<Real>& unit, int threads,
                            std::size_t memory_limit);

}  // namespace gmdiff::cpu
