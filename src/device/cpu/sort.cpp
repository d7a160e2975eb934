#include "device/cpu/sort.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace gmdiff {
namespace {

constexpr std::uint64_t sign = std::uint64_t{1} << 63;
constexpr int digits = 4;
constexpr int digit_bits = 8;
constexpr std::size_t buckets = std::size_t{1} << digit_bits;

/// Maps a number to an unsigned integer; the integers have the order of the numbers.
std::uint64_t to_key(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & sign) != 0 ? ~bits : bits | sign;
}
double from_key(std::uint64_t key) { return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key); }

/// Digit `number` of the key's upper half; 0 is the lowest.
std::size_t digit(std::uint64_t key, int number) {
  return static_cast<std::size_t>(key >> (32 + digit_bits * number)) % buckets;
}

using Counts = std::array<std::array<std::size_t, buckets>, digits>;

/// Distributes the keys by one digit; keys with equal digits keep their order.
void distribute(std::span<const std::uint64_t> from, std::span<std::uint64_t> to,
                std::array<std::size_t, buckets>& counts, int number) {
  std::size_t place = 0;
  for (std::size_t& count : counts) place += std::exchange(count, place);
  for (const std::uint64_t key : from) to[counts[digit(key, number)]++] = key;
}

/// Takes keys sorted by their upper half and sorts each run of keys with equal upper halves.
void sort_runs(std::span<std::uint64_t> keys) {
  for (std::size_t begin = 0; begin < keys.size();) {
    std::size_t end = begin + 1;
    while (end < keys.size() && keys[end] >> 32 == keys[begin] >> 32) ++end;
    if (end - begin > 1)
      std::sort(keys.begin() + static_cast<std::ptrdiff_t>(begin),
                keys.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
  }
}

}  // namespace

void sort_numbers(std::span<double> values, std::vector<std::uint64_t>& work) {
  constexpr std::size_t few = 1024;
  if (values.size() < few) {
    std::sort(values.begin(), values.end());
    return;
  }
  const std::size_t n = values.size();
  work.resize(2 * n);
  std::span<std::uint64_t> keys(work.data(), n);
  std::span<std::uint64_t> other(work.data() + n, n);
  Counts counts{};
  for (std::size_t i = 0; i < n; ++i) {
    keys[i] = to_key(values[i]);
    for (int number = 0; number < digits; ++number)
      ++counts[static_cast<std::size_t>(number)][digit(keys[i], number)];
  }
  for (int number = 0; number < digits; ++number) {
    distribute(keys, other, counts[static_cast<std::size_t>(number)], number);
    std::swap(keys, other);
  }
  sort_runs(keys);
  std::transform(keys.begin(), keys.end(), values.begin(), from_key);
}

}  // namespace gmdiff
