#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

#include "device/executor.hpp"
#include "device/sample_values.hpp"

namespace gmdiff {

/// The values of a result under way: in host memory, or in the memory of the device that computes them.
class ResultValues {
 public:
  /// @param memory what `Executor::keep` gave; null: the values go to host memory.
  /// @param of what is counted: "particles", "chains".
  /// @throws MemoryError when there is not enough host memory.
  ResultValues(std::unique_ptr<DeviceMemory> memory, std::uint64_t count, std::uint64_t values_each,
               Precision precision, const char* of);

  bool on_device() const { return memory_ != nullptr; }
  /// Place of value number `first`.
  std::variant<float*, double*> from(std::int64_t first);
  /// Hands over the first `size` values.
  std::shared_ptr<const SampleValues> take(std::size_t size);

 private:
  std::unique_ptr<DeviceMemory> memory_;
  Precision precision_;
  Samples::Buffer host_;  // unless there is device memory
};

}  // namespace gmdiff
