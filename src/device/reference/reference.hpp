#pragma once

#include <memory>

#include "device/executor.hpp"

namespace gmdiff::reference {

/// The reference device: plain double, one particle at a time, straight from the formulas, one thread.
std::unique_ptr<Executor> make_executor();

}  // namespace gmdiff::reference
