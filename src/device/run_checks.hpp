#pragma once

#include <cstdint>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>

#include "base/machine.hpp"

// Checks that runs of particles and of chains make before they use a device. `of` is the counted unit in
// messages: "particles" or "chains".

namespace gmdiff {

/// @throws std::invalid_argument unless count >= 1, first >= 0 and the range ends below 2^63.
void check_range(const Options& options, const char* of);

/// @throws std::invalid_argument unless the numbers of an option have shape (rows, dim) and are finite.
/// @param option `start` or `start_velocities`
void check_states(const Points& states, std::uint64_t rows, Eigen::Index dim, const char* option = "start");
/// @throws std::invalid_argument when velocities are given or asked for, which only kinetic chains have.
void check_no_velocities(const Options& options);

/// A particle's stream has at most 2^32 counter blocks. @throws std::invalid_argument when the steps need
/// more.
void check_streams(std::size_t steps, Eigen::Index dim, Precision precision);

std::uint64_t result_bytes(std::uint64_t count, std::uint64_t values_each, Precision precision);

/// Allocates memory for a result; checks the size before anything is allocated.
/// @throws MemoryError when there is not enough memory.
Samples::Buffer allocate(std::uint64_t count, std::uint64_t values_each, Precision precision, const char* of);

}  // namespace gmdiff
