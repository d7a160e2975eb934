#include <memory>

#include <gmdiff/device/sample.hpp>

#include "device/cases.hpp"
#include "device/cuda/nvidia_gpu.hpp"
#include "gpu/on_gpu.hpp"

// Messages for users when a run on a GPU fails.

namespace gmdiff {
namespace {

class Errors : public test::OnGpu {};

/// The message of the exception that a call throws; empty when it throws none.
template <class Exception, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Exception& error) {
    return error.what();
  }
  return "";
}

TEST_F(Errors, ParticlesThatAreNotFinite) {
  for (const Eigen::Index dim : {2, 7}) {
    const Plan plan = test::wild_plan(test::mixture_of(CovarianceType::diag, dim, 3));
    const auto on = [&](const Device& device) {
      return message_of<NonFiniteError>(
          [&] { run(plan, {.count = 75, .device = device, .precision = Precision::f64}); });
    };
    const std::string expected = on(Device::cpu());
    EXPECT_NE(expected, "");
    EXPECT_EQ(on(Device::cuda()), expected);
  }
}

TEST_F(Errors, MoreMemoryThanThereIs) {
  const std::unique_ptr<cuda::Gpu> gpu = cuda::make_gpu(0);
  const std::string message = message_of<DeviceError>([&] { gpu->allocate(std::size_t{1} << 50); });
  EXPECT_TRUE(message.starts_with("device cuda: out of memory: 1125899906842624 bytes wanted, ") &&
              message.ends_with(" free"))
      << message;

  // The error has been cleared.
  const cuda::Buffer<float> buffer(*gpu, 4);
  EXPECT_NE(buffer.data(), nullptr);
}

TEST_F(Errors, IndexOfNoGpu) {
  const Plan plan = test::plan_of(Ddim{}, {test::mixture_of(CovarianceType::diag, 2, 3)});
  const std::string message =
      message_of<DeviceUnavailable>([&] { run(plan, {.count = 10, .device = Device::cuda(1000)}); });
  EXPECT_TRUE(message.starts_with("device cuda:1000: there is no GPU 1000; this machine has ") &&
              message.ends_with("numbered from 0"))
      << message;
}

}  // namespace
}  // namespace gmdiff
