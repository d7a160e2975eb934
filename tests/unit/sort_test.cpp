#include "device/cpu/sort.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace gmdiff {
namespace {

std::vector<double> normals(std::size_t n, double shift, double scale) {
  NormalStream stream({.seed = 3, .index = 0, .purpose = Purpose::user}, Precision::f64);
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = shift + scale * stream(i);
  return values;
}

void expect_sorted(std::vector<double> values) {
  std::vector<double> expected = values;
  std::sort(expected.begin(), expected.end());
  std::vector<std::uint64_t> work;
  sort_numbers(values, work);
  EXPECT_EQ(values, expected);
}

TEST(SortNumbers, AsComparisonsDo) {
  for (const std::size_t n : {0, 1, 2, 1023, 1024, 1025, 100'000}) expect_sorted(normals(n, 0.0, 1.0));
}

TEST(SortNumbers, NumbersThatAgreeInTheirUpperBits) {
  expect_sorted(normals(20'000, 1e6, 1e-6));
  expect_sorted(normals(20'000, -1e6, 1e-6));
  expect_sorted(std::vector<double>(5000, 0.25));
}

TEST(SortNumbers, NumbersOfEverySize) {
  std::vector<double> values = normals(20'000, 0.0, 1.0);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::ldexp(values[i], static_cast<int>(i % 2000) - 1000);
  values[7] = std::numeric_limits<double>::max();
  values[8] = std::numeric_limits<double>::lowest();
  values[9] = std::numeric_limits<double>::denorm_min();
  values[10] = 0.0;
  expect_sorted(values);
}

}  // namespace
}  // namespace gmdiff
