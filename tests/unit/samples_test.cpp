#include <gmdiff/samples.hpp>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

Samples f32(Samples::Values<float> values, std::vector<std::int64_t> shape) { return {std::move(values), std::move(shape), {}, {}}; }

Samples f64(Samples::Values<double> values, std::vector<std::int64_t> shape) { return {std::move(values), std::move(shape), {}, {}}; }

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
  test::expect_invalid([&] { single.host<double>(); }, "Samples::host: the samples are float32, asked for float64");
  test::expect_invalid([&] { doubled.host<float>(); }, "Samples::host: the samples are float64, asked for float32");
}

TEST(Samples, RefuseAShapeThatDoesNotMatch) {
  test::expect_invalid([] { f32({1, 2, 3, 4, 5}, {3, 2}); }, "Samples: shape (3, 2) does not match 5 values");
  test::expect_invalid([] { f64({}, {-1, 2}); }, "Samples: shape (-1, 2) does not match 0 values");
  test::expect_invalid([] { f64({1}, {}); }, "Samples: shape () has no dimension d >= 1 as its last entry");
  test::expect_invalid([] { f64({}, {3, 0}); }, "Samples: shape (3, 0) has no dimension d >= 1 as its last entry");
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

}  // namespace
}  // namespace gmdiff
