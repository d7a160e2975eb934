#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gmdiff/error.hpp>

namespace gmdiff {

/// Where a plan runs. A description: naming a device does not touch it.
class Device {
 public:
  enum class Kind { reference, cpu, cuda };

  /// Plain double precision, one particle at a time, straight from the formulas: the yardstick of the others.
  static Device reference() { return Device(Kind::reference, 0); }
  /// Particles in SIMD packs through all steps, blocks of them over threads; the same bits for any number of threads and any processor
  /// (numerics.md §1). @param threads at most 1024; 0: one per core.
  static Device cpu(int threads = 0) { return Device(Kind::cpu, threads); }
  static Device cuda(int index = 0) { return Device(Kind::cuda, index); }
  /// The fastest device that this build and this machine can run on.
  static Device best();
  /// `best`, `reference`, `cpu`, `cpu:4`, `cuda`, `cuda:1`. @throws std::invalid_argument for anything else.
  static Device parse(std::string_view name);

  Kind kind() const { return kind_; }
  /// Threads of `cpu`, index of `cuda`.
  int number() const { return number_; }
  /// As `parse` reads it.
  std::string name() const;

  friend bool operator==(const Device&, const Device&) = default;

 private:
  Device(Kind kind, int number) : kind_(kind), number_(number) {}
  Kind kind_;
  int number_;
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
