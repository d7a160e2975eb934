#include <gmdiff/device/dlpack.hpp>

#include <dlpack/dlpack.h>

#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "device/sample_values.hpp"

namespace gmdiff {
namespace {

struct Deleter {
  void operator()(DLManagedTensor* tensor) const { tensor->deleter(tensor); }
};
using Tensor = std::unique_ptr<DLManagedTensor, Deleter>;

std::vector<std::int64_t> shape_of(const DLTensor& tensor) {
  return {tensor.shape, tensor.shape + tensor.ndim};
}

TEST(Dlpack, OfHostSamplesIsTheirMemory) {
  const Samples samples(Samples::Values<float>{1, 2, 3, 4, 5, 6}, {3, 1, 2}, {}, {});

  const Tensor managed(to_dlpack(samples));

  const DLTensor& tensor = managed->dl_tensor;
  EXPECT_EQ(tensor.data, samples.host<float>().data());
  EXPECT_EQ(tensor.device.device_type, kDLCPU);
  EXPECT_EQ(tensor.device.device_id, 0);
  EXPECT_EQ(shape_of(tensor), samples.shape());
  EXPECT_EQ(tensor.strides, nullptr);
  EXPECT_EQ(tensor.byte_offset, 0U);
  EXPECT_EQ(tensor.dtype.code, kDLFloat);
  EXPECT_EQ(tensor.dtype.bits, 32);
  EXPECT_EQ(tensor.dtype.lanes, 1);
}

TEST(Dlpack, SaysTheScalarType) {
  const Samples samples(Samples::Values<double>{1, 2}, {1, 2}, {}, {});

  const Tensor managed(to_dlpack(samples));

  EXPECT_EQ(managed->dl_tensor.data, samples.host<double>().data());
  EXPECT_EQ(managed->dl_tensor.dtype.code, kDLFloat);
  EXPECT_EQ(managed->dl_tensor.dtype.bits, 64);
}

TEST(Dlpack, OfNoSamplesIsEmpty) {
  const Tensor managed(to_dlpack(Samples(Samples::Values<float>{}, {0, 2}, {}, {})));

  EXPECT_EQ(shape_of(managed->dl_tensor), (std::vector<std::int64_t>{0, 2}));
}

TEST(Dlpack, OutlivesTheSamples) {
  Tensor managed(to_dlpack(Samples(Samples::Values<double>{1.5, 2.5}, {2, 1}, {}, {})));

  EXPECT_EQ(static_cast<const double*>(managed->dl_tensor.data)[1], 2.5);
  std::jthread([&] { managed.reset(); });  // the last user deletes it
}

/// Memory of GPU 2 that must not be copied; records its destruction.
class GpuMemory final : public DeviceMemory {
 public:
  explicit GpuMemory(int& times_gone) : times_gone_(times_gone) {}
  ~GpuMemory() override { ++times_gone_; }
  void* data() const override { return &times_gone_; }
  void* stream() const override { return nullptr; }
  int index() const override { return 2; }
  void download(void* /*to*/, std::size_t /*bytes*/) const override { ADD_FAILURE() << "downloaded"; }

 private:
  int& times_gone_;
};

TEST(Dlpack, OfSamplesOnAGpuIsItsMemoryThere) {
  int times_gone = 0;
  std::optional<Samples> samples(
      std::in_place,
      std::make_shared<SampleValues>(std::make_unique<GpuMemory>(times_gone), Precision::f32, 6),
      std::vector<std::int64_t>{3, 2}, std::vector<double>{}, Provenance{});
  Tensor managed(to_dlpack(*samples));
  Tensor other(to_dlpack(*samples));

  EXPECT_EQ(managed->dl_tensor.data, &times_gone);
  EXPECT_EQ(managed->dl_tensor.device.device_type, kDLCUDA);
  EXPECT_EQ(managed->dl_tensor.device.device_id, 2);
  EXPECT_EQ(shape_of(managed->dl_tensor), (std::vector<std::int64_t>{3, 2}));
  samples.reset();
  managed.reset();
  EXPECT_EQ(times_gone, 0);
  other.reset();
  EXPECT_EQ(times_gone, 1);
}

}  // namespace
}  // namespace gmdiff
