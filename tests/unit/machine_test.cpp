#include "base/machine.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <thread>

#include <gtest/gtest.h>
#include <gmdiff/device/device.hpp>

namespace gmdiff {
namespace {

std::string cpu_description() {
  for (const DeviceInfo& info : devices()) {
    if (info.name == "cpu") return info.description;
  }
  return {};
}

TEST(Machine, ProcessorsAreThoseThatTheThreadMayRunOn) {
  EXPECT_GE(usable_processors(), 1);
  EXPECT_LE(usable_processors(), static_cast<int>(std::thread::hardware_concurrency()));
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);

  const int processors = usable_processors();
  const std::string description = cpu_description();

  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(processors, 1);
  EXPECT_TRUE(description.ends_with(", 1 thread")) << description;
}

TEST(Machine, MemoryThatIsNotThereIsAnErrorWithTheBytes) {
  EXPECT_GT(available_memory(), std::uint64_t{1} << 20);
  EXPECT_NO_THROW(require_memory(0, "nothing"));
  EXPECT_TRUE(fits_memory(1 << 20));
  try {
    require_memory(std::uint64_t{1} << 60, "a test of ", 2, " parts");
    FAIL();
  } catch (const std::bad_alloc& error) {
    const std::string message = error.what();
    EXPECT_TRUE(
        message.starts_with("out of memory: 1152921504606846976 bytes wanted for a test of 2 parts, ") &&
        message.ends_with(" available"))
        << message;
  }
}

TEST(Machine, SizesSaturate) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(saturating_product(3, 5, 7U), 105U);
  EXPECT_EQ(saturating_product(most, 2), most);
  EXPECT_EQ(saturating_product(std::uint64_t{1} << 40, std::uint64_t{1} << 40, 0U), 0U);
  EXPECT_EQ(saturating_sum(most - 1, 2), most);
  EXPECT_EQ(bytes_text(most), "more than 2^64 bytes");
  EXPECT_EQ(bytes_text(12), "12 bytes");
}

}  // namespace
}  // namespace gmdiff
