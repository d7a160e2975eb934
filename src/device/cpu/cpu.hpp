#pragma once

#include <memory>
#include <string>

#include "device/executor.hpp"

namespace gmdiff::cpu {

/// The device `cpu`: packs of particles through all steps, blocks of them over threads; the same bits whatever the number of threads, the
/// instruction set and the split (numerics.md).
/// @param threads 0: one per core.
/// @throws std::invalid_argument, DeviceUnavailable as `chosen_instruction_set`.
std::unique_ptr<Executor> make_executor(int threads);

/// What the device is on this machine: instruction set and threads.
std::string description();

}  // namespace gmdiff::cpu
