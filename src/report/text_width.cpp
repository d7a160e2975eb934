#include "report/text_width.hpp"

#include <array>
#include <cstddef>
#include <sstream>

namespace gmdiff::report {
namespace {

constexpr char32_t replacement = 0xFFFD;

// Advance widths of the characters U+0020 to U+007E in thousandths of the font size, from the metrics that
// Adobe publishes for Helvetica (Core 14 AFM files). Arial and Liberation Sans have the same widths.
constexpr std::array<int, 95> helvetica_widths{
    278,  278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,  // to /
    556,  556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,  // to ?
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,  // to O
    667,  778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,  // to _
    333,  556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,  // to o
    556,  556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584};      // to ~

// DejaVu Sans, the widest of the usual fonts, is about an eighth wider than Helvetica.
constexpr double font_allowance = 1.13;

double width_of(char32_t c) {
  const bool in_table = c >= 0x20 && c < 0x20 + helvetica_widths.size();
  if (in_table) return helvetica_widths[static_cast<std::size_t>(c) - 0x20] / 1000.0;
  // Latin, Greek, dashes, superscripts and mathematical signs are at most as wide as a capital M.
  const bool narrow = c < 0x2E80;
  return narrow ? 0.75 : 1.0;
}

/// Number of bytes of the sequence that the byte begins; 0 if none does.
std::size_t sequence_length(unsigned char byte) {
  if (byte < 0x80) return 1;
  if (byte >= 0xC2 && byte < 0xE0) return 2;
  if (byte >= 0xE0 && byte < 0xF0) return 3;
  return byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

/// Whether XML 1.0 allows the code point and `length` bytes are its shortest form.
bool is_allowed(char32_t c, std::size_t length) {
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return false;
  return c >= 0x20 && c != 0x7F && c != 0xFFFE && c != 0xFFFF;
}

/// The code point that starts at `position`, which moves behind it.
char32_t next_code_point(const std::string& text, std::size_t& position) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t start = position++;
  const std::size_t length = sequence_length(byte(start));
  if (length == 0 || start + length > text.size()) return replacement;
  char32_t c = length == 1 ? byte(start) : byte(start) & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(start + i) & 0xC0U) != 0x80) return replacement;
    c = (c << 6) | (byte(start + i) & 0x3FU);
  }
  if (!is_allowed(c, length)) return replacement;
  position = start + length;
  return c;
}

void append_utf8(std::string& text, char32_t c) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | (c >> 6));
  } else if (c < 0x10000) {
    add(0xE0 | (c >> 12));
    add(0x80 | ((c >> 6) & 0x3F));
  } else {
    add(0xF0 | (c >> 18));
    add(0x80 | ((c >> 12) & 0x3F));
    add(0x80 | ((c >> 6) & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

}  // namespace

std::vector<char32_t> code_points(const std::string& text) {
  std::vector<char32_t> points;
  for (std::size_t position = 0; position < text.size();) points.push_back(next_code_point(text, position));
  return points;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char32_t c : code_points(text)) {
    if (c == U'&') {
      result += "&amp;";
    } else if (c == U'<') {
      result += "&lt;";
    } else if (c == U'>') {
      result += "&gt;";
    } else if (c == U'"') {
      result += "&quot;";
    } else {
      append_utf8(result, c);
    }
  }
  return result;
}

double text_width(const std::string& text) {
  double width = 0.0;
  for (const char32_t c : code_points(text)) width += width_of(c);
  return font_allowance * width;
}

std::string shortened(const std::string& text, double width) {
  if (text_width(text) <= width) return text;
  const std::string ellipsis = "\u2026";
  double left = width / font_allowance - width_of(U'\u2026');
  std::string result;
  for (const char32_t c : code_points(text)) {
    left -= width_of(c);
    if (left < 0.0) break;
    append_utf8(result, c);
  }
  return result + ellipsis;
}

std::vector<std::string> wrapped(const std::string& text, double width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool fits = !lines.empty() && text_width(lines.back() + " " + word) <= width;
    if (fits) {
      lines.back() += " " + word;
    } else {
      lines.push_back(shortened(word, width));
    }
  }
  return lines;
}

}  // namespace gmdiff::report
