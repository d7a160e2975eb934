#pragma once

#include <cstdint>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>

// What runs of particles and of chains check before any device is touched. `of` names what is counted: "particles", "chains".

namespace gmdiff {

/// Product, or the largest value where that overflows.
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b);

/// @throws std::invalid_argument unless count >= 1, first >= 0 and the range ends below 2^63.
void check_range(const Options& options, const char* of);

/// A stream hands out at most 2^32 blocks of normals to one particle. @throws std::invalid_argument when the steps need more.
void check_streams(std::size_t steps, Eigen::Index dim, Precision precision);

std::uint64_t result_bytes(std::uint64_t count, std::uint64_t values_each, Precision precision);

/// Room for a result; the size is checked before anything is allocated.
/// @throws std::invalid_argument when this machine does not have the memory, std::runtime_error when it is not free.
Samples::Buffer allocate(std::uint64_t count, std::uint64_t values_each, Precision precision, const char* of);

}  // namespace gmdiff
