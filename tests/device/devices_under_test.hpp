#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/samples.hpp>

// One test body for every device that this build and this machine can run on.

namespace gmdiff::test {

inline std::vector<Device> devices_under_test() {
  std::vector<Device> list;
  for (const DeviceInfo& info : devices()) {
    if (info.available) list.push_back(Device::parse(info.name));
  }
  return list;
}

class EveryDevice : public testing::TestWithParam<Device> {};

inline std::string device_name(const testing::TestParamInfo<Device>& info) {
  std::string name = info.param.name();
  for (char& c : name) c = c == ':' ? '_' : c;
  return name;
}

/// The bytes of rows [first, first + count): bits, not values, so that -0 differs from 0.
inline std::vector<char> bytes(const Samples& samples, Eigen::Index first, Eigen::Index count) {
  const auto of = [&](const auto& values) {
    const auto* begin = reinterpret_cast<const char*>(values.data() + first * values.cols());
    return std::vector<char>(begin,
                             begin + static_cast<std::size_t>(count * values.cols()) * sizeof(values(0, 0)));
  };
  return samples.precision() == Precision::f32 ? of(samples.host<float>()) : of(samples.host<double>());
}

inline std::vector<char> bytes(const Samples& samples) { return bytes(samples, 0, samples.rows()); }

}  // namespace gmdiff::test
