#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <gmdiff/device/device.hpp>

// Tests that need a GPU are skipped with the reason where none is available. GMDIFF_GPU_SMALL=1 in the
// environment makes them small, because compute-sanitizer checks every access of every thread.

namespace gmdiff::test {

/// The reason why device `cuda` cannot run; empty if it can.
inline std::string why_no_gpu() {
  std::string reason = "this build has no device cuda";
  for (const DeviceInfo& info : devices()) {
    if (!info.name.starts_with("cuda")) continue;
    if (info.available) return "";
    reason = info.name + ": " + info.reason;
  }
  return reason;
}

inline bool is_small() {
  const char* const text = std::getenv("GMDIFF_GPU_SMALL");
  return text != nullptr && std::string_view(text) == "1";
}

class OnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

}  // namespace gmdiff::test
