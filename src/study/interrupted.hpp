#pragma once

#include <stdexcept>

namespace gmdiff::study {

/// Work was asked to stop before it was done; the message says what of it stands.
class WorkInterrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace gmdiff::study
