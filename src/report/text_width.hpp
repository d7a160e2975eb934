#pragma once

#include <string>
#include <vector>

// Text of pictures: checked UTF-8, and an estimate of its width, so that labels can be placed without
// overlap.

namespace gmdiff::report {

/// The code points of UTF-8 text; a byte that is not part of valid UTF-8 or that XML forbids gives U+FFFD.
std::vector<char32_t> code_points(const std::string& text);

/// The text as the content of an XML element or attribute: valid UTF-8 with `&`, `<`, `>` and `"` escaped.
std::string escaped(const std::string& text);

/// Width of text in units of its font size: an upper estimate for the usual sans-serif fonts.
double text_width(const std::string& text);

/// The text, or its beginning and an ellipsis, in at most `width` units of the font size.
std::string shortened(const std::string& text, double width);

/// The text in lines of at most `width` units of the font size; breaks stand at blanks only.
std::vector<std::string> wrapped(const std::string& text, double width);

}  // namespace gmdiff::report
