#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>
#include <vector>

#include "base/check.hpp"

// Arguments of bound functions. nanobind's own conversions say only that no overload fits; these name the
// argument, what was expected and what was given.

namespace nb = nanobind;

namespace gmdiff::python {

/// An object for messages: its value where that is short, otherwise its type.
std::string describe(nb::handle object);

/// @throws TypeError "PLACE: expected EXPECTED, given ..."
[[noreturn]] void fail_type(const std::string& place, const std::string& expected, nb::handle given);

/// The object as a T. @throws TypeError for other objects.
template <class T>
const T& instance_of(nb::handle object, const std::string& place, const std::string& expected) {
  if (!nb::isinstance<T>(object)) fail_type(place, expected, object);
  return nb::cast<const T&>(object);
}

/// An argument that the function itself converts. Even None reaches it, so that every message names the
/// argument.
inline auto any_arg(const char* name) { return nb::arg(name).none(); }

/// The arguments of a call, by name.
class Arguments {
 public:
  /// @param function in messages
  /// @param keys names of all arguments; the first `num_positional` may be given without their names
  /// @throws TypeError for too many arguments, an unknown name (with the nearest known one), and an argument
  ///   that is given twice.
  Arguments(std::string function, std::vector<std::string> keys, std::size_t num_positional,
            const nb::args& positional, const nb::kwargs& named);

  /// The argument; null when it is absent or None.
  nb::object find(const std::string& key) const;
  /// @throws TypeError when it is absent or None.
  nb::object need(const std::string& key) const;
  /// The start of messages about an argument: "sample: count".
  std::string place(const std::string& key) const { return function_ + ": " + key; }
  const std::string& function() const { return function_; }

 private:
  std::string function_;
  std::vector<std::string> keys_;
  nb::dict given_;
};

}  // namespace gmdiff::python
