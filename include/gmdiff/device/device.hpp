#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmdiff/base/error.hpp>

namespace gmdiff {

/// The device that a run uses. An object of this class is only a description: creating one does not open the
/// device.
class Device {
 public:
  enum class Kind { reference, cpu, cuda };

  /// Plain double precision, one particle at a time, straight from the formulas. The other devices are tested
  /// against it.
  static Device reference() { return Device(Kind::reference, {0}); }
  /// All processors: SIMD packs of particles, distributed over threads. The bits do not depend on the number
  /// of threads or on the processor (numerics.md §1). @param threads at most 1024; 0: one per core.
  static Device cpu(int threads = 0) { return Device(Kind::cpu, {threads}); }
  /// One GPU. @param index counts from 0.
  static Device cuda(int index = 0) { return Device(Kind::cuda, {index}); }
  /// Several GPUs, which share every batch by ranges of particles. The bits are those of one GPU; results are
  /// in host memory.
  /// @throws std::invalid_argument for an empty list, a negative index, or a repeated index.
  static Device cuda(std::vector<int> indices);
  /// The fastest device available in this build on this machine: the first usable GPU, or else the cpu. It
  /// never takes several GPUs, which other users may need; name them to use them.
  static Device best();
  /// `best`, `reference`, `cpu`, `cpu:4`, `cuda`, `cuda:1`, `cuda:0,1`. @throws std::invalid_argument for
  /// anything else.
  static Device parse(std::string_view name);

  Kind kind() const { return kind_; }
  /// Number of threads for `cpu`, index of the (first) GPU for `cuda`, 0 for `reference`.
  int number() const { return numbers_.front(); }
  /// Indices of the GPUs in the given order for `cuda`; for other kinds, number() alone.
  const std::vector<int>& numbers() const { return numbers_; }
  /// The name in the form that `parse` reads.
  std::string name() const;

  friend bool operator==(const Device&, const Device&) = default;

 private:
  Device(Kind kind, std::vector<int> numbers) : kind_(kind), numbers_(std::move(numbers)) {}
  Kind kind_;
  std::vector<int> numbers_;  // never empty
};

/// One line of `gmdiff devices`.
struct DeviceInfo {
  std::string name;         ///< in the form that `Device::parse` reads
  std::string description;  ///< e.g. the GPU's name, driver and memory
  bool available;
  std::string reason;  ///< why the device is not available; empty if it is
};

/// Lists every device that this version supports, with the reason if this build or this machine cannot use
/// it.
std::vector<DeviceInfo> devices();

}  // namespace gmdiff
