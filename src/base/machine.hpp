#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"

// Processors and memory that this process may use.

namespace gmdiff {

/// The processors that the calling thread may run on, as the bits of the system's set; empty when the system does not say.
std::vector<std::uint8_t> affinity();

/// Number of processors that this process may run on, limited by the quota of its control groups; at least 1.
int usable_processors();

/// Bytes that this process can still allocate: the least of the machine's available memory, its control groups' and its own limits.
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

/// Whether so many bytes are available. Small amounts are not checked.
inline bool fits_memory(std::uint64_t bytes) {
  constexpr std::uint64_t few = 64 << 20;
  return bytes < few || bytes <= available_memory();
}

/// `12 bytes`, or that there are more than 2^64.
std::string bytes_text(std::uint64_t bytes);

/// `out of memory: 12 bytes wanted for ..., 5 available`.
template <class... Parts>
std::string out_of_memory_text(std::uint64_t bytes, const Parts&... what) {
  return concat("out of memory: ", bytes_text(bytes), " wanted for ", what..., ", ", available_memory(),
                " available");
}

/// Checks that memory is available, before an allocation of known size. The system grants more than it has and later kills the process
/// without a message.
/// @throws MemoryError
template <class... Parts>
void require_memory(std::uint64_t bytes, const Parts&... what) {
  if (!fits_memory(bytes)) throw MemoryError(out_of_memory_text(bytes, what...));
}

}  // namespace gmdiff
