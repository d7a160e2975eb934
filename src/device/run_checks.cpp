#include "device/run_checks.hpp"

#include <cmath>
#include <limits>
#include <new>

#include "base/check.hpp"
#include "device/sample_values.hpp"

namespace gmdiff {
namespace {

constexpr std::uint64_t max_stream_blocks = std::uint64_t{1} << 32;

}  // namespace

void check_range(const Options& options, const char* of) {
  require(options.count >= 1, "run: count must be at least 1, got ", options.count);
  require(options.first >= 0, "run: first must not be negative, got ", options.first);
  require(options.count - 1 <= std::numeric_limits<std::int64_t>::max() - options.first, "run: ", of, " ",
          options.first, " to ", options.first, " + ", options.count, " reach beyond index 2^63");
}

void check_states(const Points& states, std::uint64_t rows, Eigen::Index dim, const char* option) {
  require(states.cols() == dim && static_cast<std::uint64_t>(states.rows()) == rows, "run: ", option,
          " has shape (", states.rows(), ", ", states.cols(), "), expected (", rows, ", ", dim, ")");
  for (Eigen::Index n = 0; n < states.rows(); ++n) {
    for (Eigen::Index i = 0; i < states.cols(); ++i) {
      require(std::isfinite(states(n, i)), "run: ", option, " state ", n, " has entry ", states(n, i),
              " in coordinate ", i);
    }
  }
}

void check_no_velocities(const Options& options) {
  require(!options.start_velocities, "run: start_velocities are given, ",
          "but only chains of baoab and obabo have velocities");
  require(!options.velocities, "run: velocities are asked for, but only chains of baoab and obabo have any");
}

void check_streams(std::size_t steps, Eigen::Index dim, Precision precision) {
  const std::uint64_t normals = saturating_product(steps, static_cast<std::uint64_t>(dim));
  const std::uint64_t per_block = precision == Precision::f32 ? 4 : 2;
  require(normals / per_block <= max_stream_blocks - 1, "run: ", steps, " steps in dimension ", dim, " need ",
          normals, " normal numbers per particle, a stream has ", per_block * max_stream_blocks);
}

std::uint64_t result_bytes(std::uint64_t count, std::uint64_t values_each, Precision precision) {
  return saturating_product(saturating_product(count, values_each), bytes_of_a_value(precision));
}

Samples::Buffer allocate(std::uint64_t count, std::uint64_t values_each, Precision precision,
                         const char* of) {
  const std::uint64_t bytes = result_bytes(count, values_each, precision);
  require_memory(bytes, "the result of ", count, " ", of, " (ranges can be run one after the other)");
  try {
    return host_values(count * values_each, precision);
  } catch (const std::bad_alloc&) {
    throw MemoryError(out_of_memory_text(bytes, "the result of ", count, " ", of));
  }
}

}  // namespace gmdiff
