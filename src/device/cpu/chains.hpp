#pragma once

#include "base/thread_pool.hpp"
#include "device/cpu/unit.hpp"
#include "device/executor.hpp"

namespace gmdiff::cpu {

/// Chains of SMC (numerics.md §6): whole chains over the threads, or where there are fewer of them than threads, the particles of each.
template <class Real>
ChainFailure run_chains(const SmcTask& task, const Unit<Real>& unit, ThreadPool& pool);

/// Chains that fit `memory_limit` bytes (0: no limit) at once.
/// @throws std::invalid_argument when not even one does.
template <class Real>
std::int64_t chains_at_once(const SmcPlan& plan, const Unit<Real>& unit, int threads,
                            std::size_t memory_limit);

}  // namespace gmdiff::cpu
