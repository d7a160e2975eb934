#pragma once

#include "device/executor.hpp"

namespace gmdiff::reference {

/// Runs one chain of SMC in double, straight from mathematics.md §6 and §7.3; resampling in real numbers.
/// @param chain number of the chain in the task
ChainFailure run_chain(const SmcTask& task, std::int64_t chain);

/// Bytes that one chain needs.
std::size_t chain_bytes(const SmcPlan& plan);

}  // namespace gmdiff::reference
