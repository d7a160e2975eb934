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

/// So many numbers in host memory, uninitialised. @throws std::bad_alloc
Samples::Buffer host_values(std::size_t size, Precision precision);

/// Memory of a device that holds a result.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual void* data() const = 0;
  virtual void* stream() const = 0;  ///< as in OnDevice
  virtual int index() const = 0;
  /// Its first bytes; they are here at the end. From any thread.
  virtual void download(void* to, std::size_t bytes) const = 0;
};

/// The numbers of samples: in host memory, or in a device's and, once someone asks for them, in host memory too.
class SampleValues {
 public:
  explicit SampleValues(Samples::Buffer host);
  SampleValues(std::unique_ptr<const DeviceMemory> memory, Precision precision, std::size_t size);

  Precision precision() const { return precision_; }
  std::size_t size() const { return size_; }
  std::optional<OnDevice> on_device() const;
  /// The first call copies them from the device; others wait for it. A call that throws leaves that to the next.
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
