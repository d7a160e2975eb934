#include <gmdiff/device/device.hpp>

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>
#include <gmdiff/base/version.hpp>

#include "device/cpu/dispatch.hpp"
#include "device/cuda/usable.hpp"
#include "device/executor.hpp"
#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

/// The message when an executor is made for a device that is not available.
std::string device_error(const Device& device) {
  try {
    make_executor(device);
  } catch (const DeviceUnavailable& error) {
    return error.what();
  }
  return "no error";
}

/// The reason why there is no GPU `index`, from the list of devices. Without any GPU the single entry "cuda"
/// has the reason.
std::string why_no_gpu(int index) {
  std::vector<DeviceInfo> gpus = devices();
  std::erase_if(gpus, [](const DeviceInfo& info) { return !info.name.starts_with("cuda"); });
  return gpus.front().name == "cuda" ? gpus.front().reason
                                     : cuda::why_no_gpu(index, static_cast<int>(gpus.size()));
}

TEST(Device, NamesAreReadBack) {
  for (const Device& device : {Device::reference(), Device::cpu(), Device::cpu(4), Device::cuda(),
                               Device::cuda(3), Device::cuda({2, 0})}) {
    EXPECT_EQ(Device::parse(device.name()), device);
  }
  EXPECT_EQ(Device::parse("cpu:4"), Device::cpu(4));
  EXPECT_EQ(Device::parse("cuda:0").name(), "cuda");
  EXPECT_EQ(Device::parse("best"), Device::best());
}

TEST(Device, SeveralGpusAreNamedByTheirIndices) {
  const Device device = Device::parse("cuda:0,3,12");

  EXPECT_EQ(device.kind(), Device::Kind::cuda);
  EXPECT_EQ(device.numbers(), (std::vector{0, 3, 12}));
  EXPECT_EQ(device.number(), 0);
  EXPECT_EQ(device.name(), "cuda:0,3,12");
  EXPECT_EQ(Device::cuda(std::vector{1}), Device::cuda(1));
  EXPECT_NE(Device::cuda({0, 1}), Device::cuda({1, 0}));
}

TEST(Device, RefusesListsOfGpusThatAreNone) {
  test::expect_invalid([] { Device::cuda(std::vector<int>{}); },
                       "Device: cuda needs the index of a GPU, got an empty list");
  test::expect_invalid(
      [] {
        Device::cuda({0, 1, -2});
      },
      "Device: cuda index must not be negative, got -2 in cuda:0,1,-2");
  test::expect_invalid([] { Device::parse("cuda:0,1,0"); },
                       "Device: cuda index 0 occurs twice in cuda:0,1,0, expected each GPU once");
}

TEST(Device, RefusesOtherNames) {
  for (const std::string name : {"gpu", "", "CPU", "reference:1", "cpu:", "cpu:x", "cpu:-1", "cpu: 2",
                                 "cuda:1.5", "cuda:99999999999", "cuda:", "cuda:,", "cuda:0,", "cuda:,1",
                                 "cuda:0,,1", "cuda:0, 1", "cuda:0,-1", "cuda:0;1", "cpu:1,2"}) {
    test::expect_invalid([&] { Device::parse(name); },
                         "Device: expected best, reference, cpu, cpu:THREADS, cuda, cuda:INDEX or "
                         "cuda:INDEX,INDEX..., got \"" +
                             name + "\"");
  }
}

TEST(Device, RefusesNegativeNumbers) {
  test::expect_invalid([] { make_executor(Device::cpu(-1)); },
                       "Device: cpu threads must not be negative, got -1");
  test::expect_invalid([] { make_executor(Device::cuda(-2)); },
                       "Device: cuda index must not be negative, got -2");
}

/// The first GPU that can run, otherwise the cpu.
Device expected_best() {
  for (const DeviceInfo& info : devices()) {
    if (info.name.starts_with("cuda") && info.available) return Device::parse(info.name);
  }
  return Device::cpu();
}

TEST(Device, BestRunsEverywhere) {
  EXPECT_EQ(Device::best(), expected_best());
  EXPECT_NO_THROW(make_executor(Device::best()));
  EXPECT_EQ(make_executor(Device::reference())->name(), "reference");
}

TEST(Device, OneThatIsNotAvailableIsAnErrorThatSaysWhy) {
  const std::string reason = why_no_gpu(99);

  EXPECT_NE(reason, "");
  EXPECT_EQ(device_error(Device::cuda(99)), "device cuda:99: " + reason);
  // A build with CUDA makes the GPUs of a list one by one, and names the first that is missing.
  const std::string named = reason.starts_with("this build has no CUDA support") ? "cuda:99,100" : "cuda:99";
  EXPECT_EQ(device_error(Device::cuda({99, 100})), "device " + named + ": " + reason);
}

TEST(Device, ThatIsNotAvailableIsADeviceErrorToo) {
  EXPECT_THROW(make_executor(Device::cuda(99)), DeviceError);
}

/// The message when a cpu executor is made with GMDIFF_SIMD set.
std::string with_instruction_set(const char* name) {
  setenv("GMDIFF_SIMD", name, 1);
  std::string message = "no error";
  try {
    make_executor(Device::cpu(1));
  } catch (const std::exception& error) {
    message = error.what();
  }
  unsetenv("GMDIFF_SIMD");
  return message;
}

TEST(Device, TheInstructionSetCanBeForced) {
  for (const cpu::InstructionSet set : {cpu::InstructionSet::scalar, cpu::InstructionSet::fma128,
                                        cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
    const std::string name = cpu::to_string(set);
    const std::string expected =
        cpu::is_available(set)
            ? "no error"
            : "GMDIFF_SIMD=" + name + ": this processor or this build does not have these instructions";
    EXPECT_EQ(with_instruction_set(name.c_str()), expected);
  }
  EXPECT_EQ(with_instruction_set("sse"), "GMDIFF_SIMD: expected scalar, fma128, avx2 or avx512, got \"sse\"");
  EXPECT_EQ(with_instruction_set(""), "no error");
}

TEST(Devices, SayWhyTheCpuIsMissing) {
  setenv("GMDIFF_SIMD", "sse", 1);
  const std::vector<DeviceInfo> list = devices();
  unsetenv("GMDIFF_SIMD");

  EXPECT_EQ(list[1].name, "cpu");
  EXPECT_FALSE(list[1].available);
  EXPECT_EQ(list[1].reason, "GMDIFF_SIMD: expected scalar, fma128, avx2 or avx512, got \"sse\"");
}

TEST(Device, RefusesMoreThreadsThanAProcessHas) {
  EXPECT_NO_THROW(make_executor(Device::cpu(1024)));
  test::expect_invalid([] { make_executor(Device::cpu(1025)); },
                       "Device: cpu threads must be at most 1024, got 1025");
}

TEST(Devices, ListEveryKindWithAReasonWhereItIsMissing) {
  const std::vector<DeviceInfo> list = devices();

  for (const std::string kind : {"reference", "cpu", "cuda"}) {
    EXPECT_TRUE(std::any_of(list.begin(), list.end(), [&](const DeviceInfo& info) {
      return info.name.starts_with(kind);
    })) << kind;
  }
  for (const DeviceInfo& info : list) {
    EXPECT_NO_THROW(Device::parse(info.name));
    EXPECT_FALSE(info.description.empty());
    EXPECT_EQ(info.available, info.reason.empty()) << info.name;
    EXPECT_EQ(info.available, device_error(Device::parse(info.name)) == "no error") << info.name;
  }
}

TEST(Version, IsWrittenInThreeNumbers) {
  const std::string expected = std::to_string(GMDIFF_VERSION_MAJOR) + "." +
                               std::to_string(GMDIFF_VERSION_MINOR) + "." +
                               std::to_string(GMDIFF_VERSION_PATCH);

  EXPECT_EQ(version(), expected);
}

}  // namespace
}  // namespace gmdiff
