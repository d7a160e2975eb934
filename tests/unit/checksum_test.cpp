#include "io/checksum.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gmdiff::io {
namespace {

std::uint64_t checksum_of(const std::string& text) {
  Checksum checksum;
  checksum.update(std::as_bytes(std::span(text)));
  return checksum.value();
}

/// `count` bytes with all values in turn.
std::string bytes(std::size_t count) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>(7 * i);
  return text;
}

// Values of the reference implementation, by the module xxhash of Python: xxh64(b"abc").hexdigest().
TEST(Checksum, IsXxh64) {
  EXPECT_EQ(checksum_of(""), 0xef46db3751d8e999U);
  EXPECT_EQ(checksum_of("a"), 0xd24ec4f1a98c6e5bU);
  EXPECT_EQ(checksum_of("abc"), 0x44bc2cf5ad770999U);
  EXPECT_EQ(checksum_of("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1U);
  EXPECT_EQ(checksum_of(bytes(101)), 0x42312f4d55d9bd17U);
}

TEST(Checksum, DoesNotDependOnHowTheBytesAreCut) {
  const std::string text = bytes(200);
  const auto all = std::as_bytes(std::span(text));
  for (std::size_t first = 0; first <= 100; ++first) {
    Checksum checksum;
    checksum.update(all.first(first));
    checksum.update({});
    checksum.update(all.subspan(first, 1));
    checksum.update(all.subspan(first + 1));
    EXPECT_EQ(checksum.value(), checksum_of(text)) << first;
  }
}

TEST(Checksum, ChangesWithEveryBit) {
  const std::string text = bytes(77);
  const std::uint64_t whole = checksum_of(text);
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(checksum_of(changed), whole) << bit;
  }
  EXPECT_NE(checksum_of(text + '\0'), whole);
}

}  // namespace
}  // namespace gmdiff::io
