#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/executor.hpp"

namespace gmdiff {

/// One device made of several, at least one: they share the particles of every task, and the points, by ranges, each in a thread of its
/// own. The bits are those of any one of them. What one of them throws is thrown when all have ended, of several the first; a request to
/// stop reaches each. `name` as `Device::name()`.
std::unique_ptr<Executor> make_executor_of_several(std::vector<std::unique_ptr<Executor>> executors,
                                                   std::string name);

}  // namespace gmdiff
