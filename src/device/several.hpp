#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/executor.hpp"

namespace gmdiff {

/// Makes one device of several (at least one). They share the particles of every task, and given points, by
/// ranges; each runs in a thread of its own. The bits are those of any one of them. If executors throw, the
/// exception of the first of them is rethrown when all have ended. A request to stop reaches all. `name` is
/// that of `Device::name()`.
std::unique_ptr<Executor> make_executor_of_several(std::vector<std::unique_ptr<Executor>> executors,
                                                   std::string name);

}  // namespace gmdiff
