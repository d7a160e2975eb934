#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

// Checks of arguments. Messages name the place, the error, the expected and the given value. Conditions are
// written so that NaN fails.

namespace gmdiff {

/// Concatenates the parts as text; doubles have 6 significant digits.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws std::invalid_argument with the parts as message.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw std::invalid_argument(concat(parts...));
}

/// Throws std::invalid_argument with the parts as message unless the condition holds.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) fail(parts...);
}

}  // namespace gmdiff
