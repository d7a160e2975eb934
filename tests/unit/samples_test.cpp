#include <gmdiff/device/samples.hpp>

#include <atomic>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>
#include <gmdiff/base/error.hpp>

#include "device/sample_values.hpp"
#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

Samples f32(Samples::Values<float> values, std::vector<std::int64_t> shape) {
  return {std::move(values), std::move(shape), {}, {}};
}

Samples f64(Samples::Values<double> values, std::vector<std::int64_t> shape) {
  return {std::move(values), std::move(shape), {}, {}};
}

TEST(Samples, LeadingEntriesOfTheShapeAreRows) {
  const Samples samples = f32(Samples::Values<float>(24), {2, 3, 2, 2});

  EXPECT_EQ(samples.rows(), 12);
  EXPECT_EQ(samples.dim(), 2);
  EXPECT_EQ(samples.shape(), (std::vector<std::int64_t>{2, 3, 2, 2}));
}

TEST(Samples, HostIsAViewOfTheValuesRowByRow) {
  const Samples samples = f64({1, 2, 3, 4, 5, 6}, {3, 2});

  const auto view = samples.host<double>();

  EXPECT_EQ(view(0, 1), 2.0);
  EXPECT_EQ(view(2, 0), 5.0);
  EXPECT_EQ(view.data(), samples.host<double>().data());
}

TEST(Samples, CopiesShareTheValues) {
  const Samples samples = f32({1, 2}, {2, 1});

  const Samples copy = samples;

  EXPECT_EQ(copy.host<float>().data(), samples.host<float>().data());
}

TEST(Samples, ToDoubleConvertsEitherType) {
  const Points expected{{1.5, 2.0}, {3.0, -4.25}};

  EXPECT_EQ(f32({1.5F, 2, 3, -4.25F}, {2, 2}).to_double(), expected);
  EXPECT_EQ(f64({1.5, 2, 3, -4.25}, {2, 2}).to_double(), expected);
}

TEST(Samples, HostRefusesTheWrongType) {
  const Samples single = f32({1}, {1, 1});
  const Samples doubled = f64({1}, {1, 1});

  EXPECT_EQ(single.precision(), Precision::f32);
  EXPECT_EQ(doubled.precision(), Precision::f64);
  test::expect_invalid([&] { single.host<double>(); },
                       "Samples::host: the samples are float32, requested as float64");
  test::expect_invalid([&] { doubled.host<float>(); },
                       "Samples::host: the samples are float64, requested as float32");
}

TEST(Samples, RefuseAShapeThatDoesNotMatch) {
  test::expect_invalid([] { f32({1, 2, 3, 4, 5}, {3, 2}); }, "Samples: shape (3, 2) does not match 5 values");
  test::expect_invalid([] { f64({}, {-1, 2}); }, "Samples: shape (-1, 2) does not match 0 values");
  test::expect_invalid([] { f64({1}, {}); }, "Samples: shape () has no dimension d >= 1 as its last entry");
  test::expect_invalid(
      [] {
        f64({}, {3, 0});
      },
      "Samples: shape (3, 0) has no dimension d >= 1 as its last entry");
}

TEST(Samples, RefuseAShapeWhoseProductOverflows) {
  constexpr std::int64_t half = std::int64_t{1} << 32;

  test::expect_invalid([] { f64({}, {half, half, 1}); }, "does not match 0 values");
}

TEST(Samples, MayBeEmpty) {
  const Samples samples = f32({}, {0, 4});

  EXPECT_EQ(samples.rows(), 0);
  EXPECT_EQ(samples.to_double().rows(), 0);
  EXPECT_EQ(samples.to_double().cols(), 4);
}

// --- samples in the memory of a device ---------------------------------------------------------------------

/// A device's memory that is host memory and counts its uses.
class CountedMemory final : public DeviceMemory {
 public:
  struct Counts {
    std::atomic<int> downloads = 0;
    int failures_left = 0;
    bool gone = false;
  };

  CountedMemory(std::vector<float> values, Counts& counts) : values_(std::move(values)), counts_(counts) {}
  ~CountedMemory() override { counts_.gone = true; }
  void* data() const override { return const_cast<float*>(values_.data()); }
  void* stream() const override { return &counts_; }
  int index() const override { return 3; }
  void download(void* to, std::size_t bytes) const override {
    ++counts_.downloads;
    if (counts_.failures_left-- > 0) throw DeviceError("planted: no copy");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::memcpy(to, values_.data(), bytes);
  }

 private:
  std::vector<float> values_;
  Counts& counts_;
};

Samples on_device(CountedMemory::Counts& counts, std::vector<float> values, std::vector<std::int64_t> shape,
                  std::size_t size) {
  auto memory = std::make_unique<CountedMemory>(std::move(values), counts);
  return {std::make_shared<SampleValues>(std::move(memory), Precision::f32, size), std::move(shape), {}, {}};
}

TEST(SamplesOnADevice, SayWhereTheyAre) {
  CountedMemory::Counts counts;
  const Samples samples = on_device(counts, {1, 2, 3, 4}, {2, 2}, 4);

  const std::optional<OnDevice> place = samples.on_device();

  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(static_cast<const float*>(place->data)[3], 4.0F);
  EXPECT_EQ(place->stream, &counts);
  EXPECT_EQ(place->index, 3);
  EXPECT_EQ(samples.precision(), Precision::f32);
  EXPECT_EQ(counts.downloads, 0);
  EXPECT_FALSE(f32({1, 2}, {2, 1}).on_device().has_value());
}

TEST(SamplesOnADevice, AreDownloadedOnceByAllCopiesAndThreads) {
  CountedMemory::Counts counts;
  const Samples samples = on_device(counts, {1, 2, 3, 4}, {2, 2}, 4);
  const Samples copy = samples;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(copy.host<float>()(1, 0), 3.0F); });
  }

  EXPECT_EQ(samples.to_double(), (Points{{1, 2}, {3, 4}}));
  EXPECT_EQ(copy.host<float>().data(), samples.host<float>().data());
  EXPECT_EQ(counts.downloads, 1);
  EXPECT_TRUE(samples.on_device().has_value());
}

TEST(SamplesOnADevice, OfAPrefixAreThatPrefix) {
  CountedMemory::Counts counts;

  EXPECT_EQ(on_device(counts, {1, 2, 3, 4}, {1, 2}, 2).to_double(), (Points{{1, 2}}));
  test::expect_invalid(
      [&] {
        on_device(counts, {1, 2, 3, 4}, {2, 2}, 2);
      },
      "Samples: shape (2, 2) does not match 2 values");
}

TEST(SamplesOnADevice, AreNotDownloadedForTheWrongType) {
  CountedMemory::Counts counts;
  const Samples samples = on_device(counts, {1}, {1, 1}, 1);

  test::expect_invalid([&] { samples.host<double>(); },
                       "Samples::host: the samples are float32, requested as float64");
  EXPECT_EQ(counts.downloads, 0);
}

TEST(SamplesOnADevice, AreDownloadedByTheNextCallWhenOneFails) {
  CountedMemory::Counts counts;
  counts.failures_left = 1;
  const Samples samples = on_device(counts, {7}, {1, 1}, 1);

  EXPECT_THROW(samples.host<float>(), DeviceError);
  EXPECT_EQ(samples.host<float>()(0, 0), 7.0F);
  EXPECT_EQ(counts.downloads, 2);
}

TEST(SamplesOnADevice, HoldTheMemoryUntilTheLastCopyGoes) {
  CountedMemory::Counts counts;
  std::optional<Samples> samples = on_device(counts, {7}, {1, 1}, 1);
  std::optional<Samples> copy = samples;

  samples.reset();
  EXPECT_FALSE(counts.gone);
  copy.reset();
  EXPECT_TRUE(counts.gone);
}

}  // namespace
}  // namespace gmdiff
