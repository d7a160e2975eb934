#include "base/machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace gmdiff {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t difference(std::uint64_t a, std::uint64_t b) { return a - std::min(a, b); }

/// The number that follows a word in a file of words and numbers such as /proc/meminfo; empty if the word
/// does not occur.
std::optional<std::uint64_t> number_behind(const fs::path& file, const std::string& word) {
  std::ifstream in(file);
  for (std::string found; in >> found;) {
    std::uint64_t number = 0;
    if (found == word && in >> number) return number;
    in.clear();
  }
  return {};
}

/// The number at the beginning of a file; empty for a word ("max") or a missing file.
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;
}

/// Folders of this process's control group (version 2) and of all its parents.
std::vector<fs::path> control_groups() {
  const fs::path root = "/sys/fs/cgroup";
  std::ifstream in("/proc/self/cgroup");
  std::vector<fs::path> folders;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("0::/")) continue;
    for (fs::path group = line.substr(4); !group.empty(); group = group.parent_path())
      folders.push_back(root / group);
    folders.push_back(root);
  }
  return folders;
}

/// Number of processors that corresponds to a control group's time quota, rounded up (cpu.max "200000
/// 100000": 2).
std::uint64_t processors_of(const fs::path& group) {
  std::ifstream in(group / "cpu.max");
  double quota = 0.0;
  double period = 0.0;
  if (!(in >> quota >> period) || !(quota > 0.0) || !(period > 0.0)) return unlimited;
  return static_cast<std::uint64_t>(std::ceil(quota / period));
}

/// Bytes left in a control group. Its file cache counts as free, because the system drops it for new
/// allocations.
std::uint64_t memory_of(const fs::path& group) {
  const std::optional<std::uint64_t> limit = number_in(group / "memory.max");
  if (!limit) return unlimited;
  const std::uint64_t cache = number_behind(group / "memory.stat", "inactive_file").value_or(0) +
                              number_behind(group / "memory.stat", "active_file").value_or(0);
  return difference(*limit, difference(number_in(group / "memory.current").value_or(0), cache));
}

std::uint64_t memory_of_machine() {
  constexpr std::uint64_t kilobyte = 1024;
  if (const auto available = number_behind("/proc/meminfo", "MemAvailable:")) {
    return kilobyte * (*available + number_behind("/proc/meminfo", "SwapFree:").value_or(0));
  }
  return saturating_product(static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)),
                            static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

/// Bytes left under a limit of this process, which uses the given number of pages.
std::uint64_t memory_of_limit(decltype(RLIMIT_AS) resource, std::uint64_t used_pages) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return difference(limit.rlim_cur,
                    saturating_product(used_pages, static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))));
}

std::uint64_t memory_of_limits() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0, shared = 0, text = 0, library = 0, data = 0;
  statm >> size >> resident >> shared >> text >> library >> data;
  return std::min(memory_of_limit(RLIMIT_AS, size), memory_of_limit(RLIMIT_DATA, data));
}

struct FreeSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

}  // namespace

std::vector<std::uint8_t> affinity() {
  constexpr int most = 1 << 20;
  for (int room = CPU_SETSIZE; room <= most;
       room *= 2) {  // The system refuses sets with fewer bits than it has processors.
    const std::unique_ptr<cpu_set_t, FreeSet> set(CPU_ALLOC(static_cast<std::size_t>(room)));
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(room));
    if (set == nullptr || sched_getaffinity(0, bytes, set.get()) != 0) continue;
    const auto* const begin = reinterpret_cast<const std::uint8_t*>(set.get());
    return {begin, begin + bytes};
  }
  return {};
}

int usable_processors() {
  std::uint64_t count = 0;
  for (const std::uint8_t eight : affinity()) count += static_cast<std::uint64_t>(std::popcount(eight));
  if (count == 0) count = std::thread::hardware_concurrency();
  for (const fs::path& group : control_groups()) count = std::min(count, processors_of(group));
  return static_cast<int>(std::max<std::uint64_t>(count, 1));
}

std::uint64_t available_memory() {
  std::uint64_t bytes = std::min(memory_of_machine(), memory_of_limits());
  for (const fs::path& group : control_groups()) bytes = std::min(bytes, memory_of(group));
  return bytes;
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes == unlimited ? "more than 2^64 bytes" : concat(bytes, " bytes");
}

}  // namespace gmdiff
