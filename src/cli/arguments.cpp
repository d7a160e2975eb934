#include "cli/arguments.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <vector>

#include "base/check.hpp"
#include "io/json_input.hpp"
#include "metrics/metric_names.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::uint64_t index_end = std::uint64_t{1} << 63;

/// The whole text as a number of type T; empty if it is not one.
template <class T>
std::optional<T> from_text(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return {};
  return value;
}

}  // namespace

std::int64_t parse_integer(const std::string& flag, const std::string& text, std::int64_t low,
                           std::int64_t high) {
  const auto value = from_text<std::int64_t>(text);
  require(value && *value >= low && *value <= high, flag, ": expected a whole number from ", low, " to ",
          high, ", got ", text);
  return *value;
}

double parse_number(const std::string& flag, const std::string& text) {
  const auto value = from_text<double>(text);
  require(value && std::isfinite(*value), flag, ": expected a finite number, got ", text);
  return *value;
}

std::vector<double> parse_numbers(const std::string& flag, const std::string& text) {
  std::vector<double> numbers;
  std::size_t begin = 0;
  for (std::size_t comma = 0; comma != std::string::npos; begin = comma + 1) {
    comma = text.find(',', begin);
    numbers.push_back(parse_number(flag, text.substr(begin, comma - begin)));
  }
  return numbers;
}

std::uint64_t parse_seed(const FlagText& text) {
  if (!text) return 0;
  const auto value = from_text<std::uint64_t>(*text);
  require(value.has_value(), "--seed: expected a whole number from 0 to 18446744073709551615, got ", *text);
  return *value;
}

ParticleRange parse_range(const std::string& text) {
  const std::size_t colon = text.find(':');
  require(colon != std::string::npos, "--range: expected A:B, the particles A to B - 1, got ", text);
  const auto first = from_text<std::uint64_t>(text.substr(0, colon));
  const auto end = from_text<std::uint64_t>(text.substr(colon + 1));
  require(first && end && *first <= index_end && *end <= index_end,
          "--range: expected A:B with whole numbers from 0 to 2^63 = 9223372036854775808, got ", text);
  require(*first < *end, "--range: A:B is half-open and needs A < B, got ", text);
  require(*end - *first < index_end, "--range: at most 2^63 - 1 particles in one run, got ", text);
  return {static_cast<std::int64_t>(*first), static_cast<std::int64_t>(*end - *first)};
}

ParticleRange parse_particles(const FlagText& count, const FlagText& range) {
  require(!count || !range, "--count and --range exclude each other: --range A:B runs B - A particles");
  if (range) return parse_range(*range);
  if (!count) return {};
  return {0, parse_integer("--count", *count, 1, std::numeric_limits<std::int64_t>::max())};
}

Precision parse_precision(const FlagText& text) {
  if (!text || *text == "f32") return Precision::f32;
  require(*text == "f64", "--precision: expected f32 or f64, got ", *text);
  return Precision::f64;
}

MathMode parse_math(const FlagText& text) {
  if (!text || *text == "exact") return MathMode::exact;
  require(*text == "fast", "--math: expected exact or fast, got ", *text);
  return MathMode::fast;
}

Metric parse_metric(const std::string& flag, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [candidate, metric] : metric_names) {
    if (name == candidate) return metric;
    names.emplace_back(candidate);
  }
  fail(flag, ": ", io::unknown_name("metric", name, names));
}

std::string metric_list() {
  std::string list;
  for (std::size_t i = 0; i < metric_names.size(); ++i)
    list += std::string(i == 0 ? "" : i + 1 < metric_names.size() ? ", " : " or ") + metric_names[i].first;
  return list;
}

}  // namespace gmdiff::cli
