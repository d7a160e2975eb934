#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmdiff/base/error.hpp>

namespace gmdiff {

/// Where a plan runs. A description: naming a device does not touch it.
class Device {
 public:
  enum class Kind { reference, cpu, cuda };

  /// Plain double precision, one particle at a time, straight from the formulas: the yardstick of the others.
  static Device reference() { return Device(Kind::reference, {0}); }
  /// Particles in SIMD packs through all steps, blocks of them over threads; the same bits for any number of threads and any processor
  /// (numerics.md §1). @param threads at most 1024; 0: one per core.
  static Device cpu(int threads = 0) { return Device(Kind::cpu, {threads}); }
  /// A GPU by its index, from 0.
  static Device cuda(int index = 0) { return Device(Kind::cuda, {index}); }
  /// Several GPUs, which share every batch by ranges of particles: the same bits as one of them, and results in host memory.
  /// @throws std::invalid_argument when there is no index, a negative one, or one that is there twice.
  static Device cuda(std::vector<int> indices);
  /// The fastest device that this build and this machine can run on: one GPU, or the cpu. Several GPUs are taken only when they are named:
  /// nobody else's shall be.
  static Device best();
  /// `best`, `reference`, `cpu`, `cpu:4`, `cuda`, `cuda:1`, `cuda:0,1`. @throws std::invalid_argument for anything else.
  static Device parse(std::string_view name);

  Kind kind() const { return kind_; }
  /// Threads of `cpu`; index of `cuda`, of several GPUs the first; 0 for `reference`.
  int number() const { return numbers_.front(); }
  /// Indices of the GPUs of `cuda`, as they were given; of other kinds number() alone.
  const std::vector<int>& numbers() const { return numbers_; }
  /// As `parse` reads it.
  std::string name() const;

  friend bool operator==(const Device&, const Device&) = default;

 private:
  Device(Kind kind, std::vector<int> numbers) : kind_(kind), numbers_(std::move(numbers)) {}
  Kind kind_;
  std::vector<int> numbers_;  // never empty
};

/// What `gmdiff devices` tells.
struct DeviceInfo {
  std::string name;         ///< as `Device::parse` reads it
  std::string description;  ///< e.g. the GPU's name, driver and memory
  bool available;
  std::string reason;  ///< why it is not available, else empty
};

/// Every device this version knows, with the reason where this build or this machine cannot run on it.
std::vector<DeviceInfo> devices();

}  // namespace gmdiff
