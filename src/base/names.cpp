#include "base/names.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "base/check.hpp"

namespace gmdiff {
namespace {

constexpr std::size_t max_quoted = 60;  // characters of foreign text in a message

/// Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char c : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitution = diagonal + (c == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitution, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string result(text.substr(0, limit));
  for (char& c : result) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text.size() > limit ? result + "..." : result;
}

std::string in_quotes(std::string_view text) { return '"' + printable(text, max_quoted) + '"'; }

std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& known) {
  std::string message = concat("unknown ", what, " ", in_quotes(name));
  if (known.empty()) return message + "; none is known here";
  // A longer name resembles no known one, and the cost of the distance is quadratic.
  if (name.size() <= max_quoted) {
    const auto closer = [&](const auto& a, const auto& b) {
      return edit_distance(name, a) < edit_distance(name, b);
    };
    message += "; did you mean " + in_quotes(*std::min_element(known.begin(), known.end(), closer)) + "?";
  }
  std::string list;
  for (const std::string& entry : known) list += (list.empty() ? "" : ", ") + entry;
  return message + " (known: " + list + ")";
}

std::string hex(std::uint64_t value) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
  return digits.data();
}

}  // namespace gmdiff
