#pragma once

#include <stdexcept>

namespace gmdiff::study {

/// Work was stopped on request before it was complete. The message says which part of it was kept.
class WorkInterrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace gmdiff::study
