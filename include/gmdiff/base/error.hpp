#pragma once

#include <stdexcept>

// Bad arguments throw std::invalid_argument. The other failures of the library are these.

namespace gmdiff {

/// A device or a build that is not there, or a failure that a device reports.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A run produced NaN or infinite states; the message says how many and at which step first.
class NonFiniteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A chain of sequential Monte Carlo whose weights all came out 0, or one not finite; the message names chain and step.
class WeightError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace gmdiff
