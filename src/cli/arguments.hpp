#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/metrics/distances.hpp>

// Values of flags, parsed from text. All functions throw std::invalid_argument that names the flag, the
// expected and the given value.

namespace gmdiff::cli {

/// A flag's text, absent when the flag was not given.
using FlagText = std::optional<std::string>;

/// A half-open range of particles [first, first + count), count >= 1; the last index is at most 2^63 - 1.
struct ParticleRange {
  std::int64_t first = 0;
  std::int64_t count = 1000;
  /// Index after the last one, up to 2^63.
  std::uint64_t end() const { return static_cast<std::uint64_t>(first) + static_cast<std::uint64_t>(count); }
};

// slices of a sliced distance; bounds the memory of the directions
constexpr std::int64_t most_slices = 1'000'000;

/// A whole number in [low, high], decimal digits with an optional minus sign.
std::int64_t parse_integer(const std::string& flag, const std::string& text, std::int64_t low,
                           std::int64_t high);
/// A finite number.
double parse_number(const std::string& flag, const std::string& text);
/// Finite numbers separated by commas.
std::vector<double> parse_numbers(const std::string& flag, const std::string& text);
/// A decimal 64-bit number, 0 when absent.
std::uint64_t parse_seed(const FlagText& text);
/// `A:B`, half-open, A < B, up to 2^63.
ParticleRange parse_range(const std::string& text);
/// `--count` or `--range` (both: error), or particles 0 ... 999.
ParticleRange parse_particles(const FlagText& count, const FlagText& range);
/// `f32` or `f64`, f32 when absent.
Precision parse_precision(const FlagText& text);
/// `exact` or `fast`, exact when absent.
MathMode parse_math(const FlagText& text);
/// A metric of `judge` by its name.
Metric parse_metric(const std::string& flag, const std::string& name);
/// The names of all metrics for a help text: "sw, max-sw, ... or modes".
std::string metric_list();

}  // namespace gmdiff::cli
