#pragma once

#include <memory>
#include <new>
#include <stdexcept>
#include <string>

// Bad arguments throw std::invalid_argument. The other failures of the library are these.

namespace gmdiff {

/// A device or a build that is not there, or a failure that a device reports.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Memory that cannot be had; the message says for what, how many bytes it takes and how many there are.
class MemoryError : public std::bad_alloc {
 public:
  explicit MemoryError(const std::string& message) : message_(std::make_shared<const std::string>(message)) {}
  const char* what() const noexcept override { return message_->c_str(); }

 private:
  std::shared_ptr<const std::string> message_;  // copied without throwing, as an exception must be
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
