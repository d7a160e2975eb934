#pragma once

#include <memory>
#include <new>
#include <stdexcept>
#include <string>

// Exceptions of the library. Bad arguments throw std::invalid_argument.

namespace gmdiff {

/// A device failed: a call of its driver reported an error, or its memory did not suffice.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// This build or this machine does not have the requested device; the message gives the reason. `devices()`
/// lists what is available.
class DeviceUnavailable : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Host memory does not suffice; the message names the purpose, the bytes required and the bytes available.
class MemoryError : public std::bad_alloc {
 public:
  explicit MemoryError(const std::string& message) : message_(std::make_shared<const std::string>(message)) {}
  const char* what() const noexcept override { return message_->c_str(); }

 private:
  std::shared_ptr<const std::string> message_;  // copied without throwing, as an exception must be
};

/// A run produced NaN or infinite states; the message gives their number and the first step.
class NonFiniteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// All weights of a chain of sequential Monte Carlo are 0, or one is not finite; the message names chain and
/// step.
class WeightError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace gmdiff
