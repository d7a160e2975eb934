#pragma once

#include <memory>
#include <string>

#include "device/executor.hpp"

namespace gmdiff::cpu {

/// The device `cpu`. Packs of particles go through all steps, and threads share tiles of them. The bits do
/// not depend on the number of threads, the instruction set or the split (numerics.md).
/// @param threads 0: one per core.
/// @throws std::invalid_argument, DeviceUnavailable as `chosen_instruction_set`.
std::unique_ptr<Executor> make_executor(int threads);

/// Description of the device on this machine: instruction set and threads.
std::string description();

}  // namespace gmdiff::cpu
