#include "report/axis.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace gmdiff::report {
namespace {

double power_of_ten(int exponent) { return std::pow(10.0, exponent); }

/// 10 to an exponent in superscript digits.
std::string power_label(int exponent) {
  constexpr std::array<const char*, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = "10";
  if (exponent < 0) text += "⁻";
  for (const char digit : std::to_string(std::abs(exponent)))
    text += digits[static_cast<std::size_t>(digit - '0')];
  return text;
}

std::string fixed_text(double value, int decimals) {
  std::array<char, 400> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, decimals)
          .ptr;
  return {buffer.data(), end};
}

/// With the sign of mathematics instead of a hyphen.
std::string with_minus(const std::string& text) {
  return text.starts_with("-") ? "−" + text.substr(1) : text;
}

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

constexpr int least_plain_exponent = -4, most_plain_exponent = 5;

/// The smallest of 1, 2, 5 times a power of ten that is at least `least`: mantissa and exponent.
std::pair<int, int> round_step(double least) {
  int exponent = static_cast<int>(std::floor(std::log10(least)));
  for (;; ++exponent) {
    for (const int mantissa : {1, 2, 5}) {
      // A step that is too small by rounding only is the step.
      if (mantissa * power_of_ten(exponent) >= least * (1.0 - 1e-9)) return {mantissa, exponent};
    }
  }
}

/// Labels of multiples of a step: all have the decimals of the step.
std::string step_label(double value, int step_exponent, int largest_exponent) {
  if (value == 0.0) return "0";
  if (largest_exponent < least_plain_exponent || largest_exponent > most_plain_exponent)
    return number_label(value, std::min(largest_exponent - step_exponent + 1, 12));
  return with_minus(fixed_text(value, std::max(0, -step_exponent)));
}

/// Ticks at the multiples `first` ... `last` of a step.
std::vector<Tick> multiples(const Axis& axis, double first, double last, int mantissa, int exponent) {
  const double size = std::max(std::abs(axis.low), std::abs(axis.high));
  const int largest = static_cast<int>(std::floor(std::log10(size)));
  std::vector<Tick> found;
  for (double i = first; i <= last; ++i) {
    // Division by a power of ten rounds once where multiplication would round twice.
    const double value =
        exponent < 0 ? i * mantissa / power_of_ten(-exponent) : i * mantissa * power_of_ten(exponent);
    found.push_back({value, step_label(value, exponent, largest)});
  }
  return found;
}

/// Multiples of the smallest round step of which at most `most` lie on the axis.
std::vector<Tick> linear_ticks(const Axis& axis, int most) {
  const double length = axis.high - axis.low;
  const double slack = 1e-9 * length;
  double least = length / (most + 1);
  for (;;) {
    const auto [mantissa, exponent] = round_step(least);
    const double step = mantissa * power_of_ten(exponent);
    const double first = std::ceil((axis.low - slack) / step), last = std::floor((axis.high + slack) / step);
    if (last - first < most) return multiples(axis, first, last, mantissa, exponent);
    least = 1.5 * step;
  }
}

constexpr int most_plain_power = 4;

std::vector<Tick> log_ticks(const Axis& axis, int most, std::initializer_list<int> mantissas, int stride) {
  std::vector<Tick> found;
  const int first = static_cast<int>(std::floor(std::log10(axis.low))) - 1;
  const int last = static_cast<int>(std::ceil(std::log10(axis.high)));
  for (int exponent = first; exponent <= last; ++exponent) {
    if (((exponent % stride) + stride) % stride != 0) continue;
    for (const int mantissa : mantissas) {
      const double value = mantissa * power_of_ten(exponent);
      if (value < axis.low * (1.0 - 1e-9) || value > axis.high * (1.0 + 1e-9)) continue;
      found.push_back({value, number_label(value)});
      if (std::ssize(found) > most) return {};
    }
  }
  // Either all powers of ten are written as powers or none is.
  const bool is_wide = mantissas.size() == 1 && (first < -most_plain_power || last > most_plain_power);
  for (Tick& tick : found) {
    if (is_wide) tick.label = power_label(static_cast<int>(std::lround(std::log10(tick.value))));
  }
  return found;
}

}  // namespace

double position(const Axis& axis, double value) {
  if (axis.is_log) return std::log(value / axis.low) / std::log(axis.high / axis.low);
  // Halves, because the difference of large numbers overflows.
  return (value / 2.0 - axis.low / 2.0) / (axis.high / 2.0 - axis.low / 2.0);
}

std::vector<Tick> ticks(const Axis& axis, int most) {
  if (!axis.is_log) return linear_ticks(axis, most);
  if (std::vector<Tick> found = log_ticks(axis, most, {1, 2, 5}, 1); found.size() >= 2) return found;
  for (int stride = 1; stride < 400; ++stride) {
    std::vector<Tick> found = log_ticks(axis, most, {1}, stride);
    if (found.size() >= 2) return found;
  }
  return linear_ticks(axis, most);
}

std::string number_label(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0.0 ? "∞" : "−∞";
  if (value == 0.0) return "0";
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific, std::max(0, digits - 1))
                       .ptr;
  const std::string text(buffer.data(), end);
  const std::size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent >= least_plain_exponent && exponent <= most_plain_exponent) {
    const double rounded = std::stod(text);
    return with_minus(without_trailing_zeros(fixed_text(rounded, std::max(0, digits - 1 - exponent))));
  }
  const std::string mantissa = without_trailing_zeros(text.substr(0, e));
  if (mantissa == "1") return power_label(exponent);
  return with_minus(mantissa) + "×" + power_label(exponent);
}

std::string count_label(long long count) {
  std::string text = std::to_string(count);
  const std::size_t first = text.starts_with("-") ? 1 : 0;
  for (std::size_t end = text.size(); end > first + 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

Axis widened(double low, double high, double margin, std::string label, bool is_log) {
  Axis axis{.low = low, .high = high, .label = std::move(label), .is_log = is_log};
  if (is_log) {
    const double factor = high > low * (1.0 + 1e-6) ? std::pow(high / low, margin) : 2.0;
    axis.low /= factor;
    axis.high *= factor;
    return axis;
  }
  const double least = std::max({std::abs(low), std::abs(high)}) * 1e-6;
  const double length = high - low;
  const double more = length > least ? margin * length : low == 0.0 ? 1.0 : 0.1 * std::abs(low);
  axis.low -= more;
  axis.high += more;
  return axis;
}

}  // namespace gmdiff::report
