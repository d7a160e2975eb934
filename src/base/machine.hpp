#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"

// Processors and memory that this process may use.

namespace gmdiff {

/// The processors that the calling thread may run on, as the bits of the system's set; empty when the system
/// does not report them.
std::vector<std::uint8_t> affinity();

/// Number of processors that this process may run on, limited by the quota of its control groups; at least 1.
int usable_processors();

/// Bytes that this process can still allocate: the minimum of the machine's available memory and the rest of
/// the limits of the process and its control groups.
std::uint64_t available_memory();

/// The product, or 2^64 - 1 where it is larger.
template <class... Factors>
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b, Factors... more) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t product = b != 0 && a > most / b ? most : a * b;
  if constexpr (sizeof...(more) == 0) {
    return product;
  } else {
    return saturating_product(product, static_cast<std::uint64_t>(more)...);
  }
}

/// The sum, or 2^64 - 1 where it is larger.
inline std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max()
                                                           : a + b;
}

/// Whether `bytes` bytes are available. Small amounts are not checked.
inline bool fits_memory(std::uint64_t bytes) {
  constexpr std::uint64_t few = 64 << 20;
  return bytes < few || bytes <= available_memory();
}

/// Returns "12 bytes", or "more than 2^64 bytes" for a saturated number.
std::string bytes_text(std::uint64_t bytes);

/// Returns "out of memory: 12 bytes wanted for ..., 5 available".
template <class... Parts>
std::string out_of_memory_text(std::uint64_t bytes, const Parts&... what) {
  return concat("out of memory: ", bytes_text(bytes), " wanted for ", what..., ", ", available_memory(),
                " available");
}

/// Checks before an allocation of known size that the memory is available. Without the check the system would
/// grant more than it has and later kill the process without a message.
/// @throws MemoryError
template <class... Parts>
void require_memory(std::uint64_t bytes, const Parts&... what) {
  if (!fits_memory(bytes)) throw MemoryError(out_of_memory_text(bytes, what...));
}

}  // namespace gmdiff
