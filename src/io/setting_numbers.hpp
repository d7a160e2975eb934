#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Settings of trainings as an array of numbers (training_settings.hpp). Whole numbers up to 2^53 are exact; a
// seed is two numbers, its low and its high 32 bits.

namespace gmdiff::io {

/// Collects the numbers of settings.
class SettingWriter {
 public:
  std::vector<double> numbers;

  template <class Enum>
  void choice(const char* /*name*/, Enum value, Enum /*last*/) {
    add(value);
  }
  /// @param value must be set: no number means unset.
  template <class Enum>
  void choice(const char* /*name*/, const std::optional<Enum>& value, Enum /*last*/) {
    add(value.value());
  }
  void number(const char* /*name*/, double value) { numbers.push_back(value); }
  template <class Integer>
  void whole(const char* /*name*/, Integer value) {
    add(value);
  }
  void flag(const char* /*name*/, bool value) { add(value); }
  void flag(const char* /*name*/, const std::optional<bool>& value) {
    add(value ? static_cast<int>(*value) : unset);
  }
  void seed(const char* /*name*/, std::uint64_t value) {
    add(value & 0xffffffff);
    add(value >> 32);
  }

  static constexpr int unset = 2;  ///< of an optional flag

 private:
  template <class Value>
  void add(Value value) {
    numbers.push_back(static_cast<double>(value));
  }
};

/// Sets settings from as many numbers as a `SettingWriter` makes of them.
/// @throws std::invalid_argument naming the file, the setting and its range.
class SettingReader {
 public:
  SettingReader(std::vector<double> numbers, std::string file)
      : numbers_(std::move(numbers)), file_(std::move(file)) {}

  template <class Enum, class Value>
  void choice(const char* name, Value& value, Enum last) {
    value = static_cast<Enum>(next_whole(name, static_cast<double>(last)));
  }
  void number(const char* /*name*/, double& value) { value = next(); }
  template <class Integer>
  void whole(const char* name, Integer& value) {
    value = static_cast<Integer>(next_whole(name, largest_int));
  }
  void flag(const char* name, bool& value) { value = next_whole(name, 1.0) == 1.0; }
  void flag(const char* name, std::optional<bool>& value) {
    const double given = next_whole(name, SettingWriter::unset);
    value.reset();
    if (given != SettingWriter::unset) value = given == 1.0;
  }
  void seed(const char* name, std::uint64_t& value) {
    value = static_cast<std::uint64_t>(next_whole(name, largest_word));
    value |= static_cast<std::uint64_t>(next_whole(name, largest_word)) << 32;
  }

 private:
  static constexpr double largest_int = 2147483647.0, largest_word = 4294967295.0;

  double next() { return numbers_.at(place_++); }
  double next_whole(const char* name, double largest);

  std::vector<double> numbers_;
  std::string file_;
  std::size_t place_ = 0;
};

}  // namespace gmdiff::io
