#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include <gmdiff/device/samples.hpp>

namespace gmdiff {

constexpr std::size_t bytes_of_a_value(Precision precision) {
  return precision == Precision::f32 ? sizeof(float) : sizeof(double);
}

/// Allocates `size` uninitialised numbers in host memory. @throws std::bad_alloc
Samples::Buffer host_values(std::size_t size, Precision precision);

/// Memory of a device that holds a result.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual void* data() const = 0;
  virtual void* stream() const = 0;  ///< the stream, as in OnDevice
  virtual int index() const = 0;
  /// Copies the first `bytes` bytes to the host and returns when they have arrived. May be called from any
  /// thread.
  virtual void download(void* to, std::size_t bytes) const = 0;
};

/// The numbers of samples: in host memory, or in a device's memory and, after the first request, in host
/// memory too.
class SampleValues {
 public:
  explicit SampleValues(Samples::Buffer host);
  SampleValues(std::unique_ptr<const DeviceMemory> memory, Precision precision, std::size_t size);

  Precision precision() const { return precision_; }
  std::size_t size() const { return size_; }
  std::optional<OnDevice> on_device() const;
  /// The first call copies the numbers from the device, while others wait for it. After a call that throws
  /// the next call tries again.
  const Samples::Buffer& host() const;

 private:
  void download() const;

  std::unique_ptr<const DeviceMemory> memory_;
  Precision precision_;
  std::size_t size_;
  mutable std::once_flag downloaded_;
  mutable Samples::Buffer host_;
};

}  // namespace gmdiff
