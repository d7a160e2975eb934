// Ticks, labels and text of pictures.

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "report/axis.hpp"
#include "report/palette.hpp"
#include "report/text_width.hpp"

namespace gmdiff::report {
namespace {

std::vector<std::string> labels(const Axis& axis, int most) {
  std::vector<std::string> found;
  for (const Tick& tick : ticks(axis, most)) found.push_back(tick.label);
  return found;
}

using Labels = std::vector<std::string>;

TEST(ReportAxis, LinearTicksAreRoundNumbers) {
  EXPECT_EQ(labels({.low = 0.0, .high = 1.0}, 6), (Labels{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(labels({.low = -3.7, .high = 4.1}, 5), (Labels{"−2", "0", "2", "4"}));
  EXPECT_EQ(labels({.low = 0.0, .high = 40000.0}, 5), (Labels{"0", "10000", "20000", "30000", "40000"}));
  EXPECT_EQ(labels({.low = 0.0, .high = 4e-7}, 5), (Labels{"0", "10⁻⁷", "2×10⁻⁷", "3×10⁻⁷", "4×10⁻⁷"}));
}

TEST(ReportAxis, LogarithmicTicksArePowersOfTenOrFinerOnes) {
  EXPECT_EQ(labels({.low = 1.0, .high = 1000.0, .is_log = true}, 5), (Labels{"1", "10", "100", "1000"}));
  EXPECT_EQ(labels({.low = 1.5, .high = 60.0, .is_log = true}, 6), (Labels{"2", "5", "10", "20", "50"}));
  EXPECT_EQ(labels({.low = 1e-12, .high = 1e12, .is_log = true}, 5),
            (Labels{"10⁻¹⁰", "10⁻⁵", "10⁰", "10⁵", "10¹⁰"}));
}

TEST(ReportAxis, TicksLieInTheRangeAtEqualDistancesWithDifferentLabels) {
  for (const double offset : {0.0, -1.0, 3.3, 1e4}) {
    for (const double length : {3e-9, 0.04, 0.7, 1.0, 12.0, 999.0, 5e7}) {
      for (const int most : {2, 3, 5, 9}) {
        const Axis axis{.low = offset - length / 3.0, .high = offset + length};
        const std::vector<Tick> found = ticks(axis, most);
        ASSERT_LE(std::ssize(found), most) << axis.low << " " << axis.high;
        std::set<std::string> different;
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_GE(position(axis, found[i].value), -1e-6);
          EXPECT_LE(position(axis, found[i].value), 1.0 + 1e-6);
          different.insert(found[i].label);
          if (i > 1) {
            EXPECT_NEAR(found[i].value - found[i - 1].value, found[1].value - found[0].value,
                        1e-6 * length + 1e-15 * std::abs(offset));
          }
        }
        EXPECT_EQ(different.size(), found.size()) << axis.low << " " << axis.high;
        if (most >= 5) {
          EXPECT_GE(found.size(), 2U) << axis.low << " " << axis.high;
        }
      }
    }
  }
}

TEST(ReportAxis, PositionsOfHugeAndLogarithmicValuesAreRight) {
  EXPECT_DOUBLE_EQ(position({.low = -1.7e308, .high = 1.7e308}, 0.0), 0.5);
  EXPECT_DOUBLE_EQ(position({.low = 0.01, .high = 100.0, .is_log = true}, 1.0), 0.5);
}

TEST(ReportAxis, EqualValuesGetARange) {
  for (const double value : {0.0, 3.0, -1e9}) {
    const Axis axis = widened(value, value, 0.05, "");
    EXPECT_LT(axis.low, value);
    EXPECT_GT(axis.high, value);
  }
  EXPECT_LT(widened(5.0, 5.0, 0.1, "", true).low, 5.0);
}

TEST(ReportAxis, NumbersHaveFewDigits) {
  EXPECT_EQ(number_label(0.5), "0.5");
  EXPECT_EQ(number_label(-1234.5), "−1230");
  EXPECT_EQ(number_label(0.12345, 4), "0.1235");
  EXPECT_EQ(number_label(3.04e-7), "3.04×10⁻⁷");
  EXPECT_EQ(number_label(1e21), "10²¹");
  EXPECT_EQ(number_label(INFINITY), "∞");
  EXPECT_EQ(count_label(1234567), "1,234,567");
  EXPECT_EQ(count_label(-1234), "-1,234");
  EXPECT_EQ(count_label(999), "999");
}

TEST(ReportText, AnyBytesBecomeValidXmlText) {
  EXPECT_EQ(escaped("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
  EXPECT_EQ(escaped("µ – 数"), "µ – 数");
  // a lone byte, a cut sequence, an overlong one, a control character
  for (const char* const broken : {"\xff", "\xe6\x95", "\xc0\xaf", "\x01"})
    EXPECT_NE(escaped(broken).find("\uFFFD"), std::string::npos);
  EXPECT_EQ(escaped(std::string("\xe6\x95") + "x"), "\uFFFD\uFFFDx");
}

TEST(ReportText, ShortenedAndWrappedTextFits) {
  const std::string text = "posterior of a problem whose file has a name of some length.json";
  EXPECT_LT(text_width("iiiii"), text_width("MMMMM"));
  EXPECT_LE(text_width(shortened(text, 12.0)), 12.0);
  EXPECT_TRUE(shortened(text, 12.0).ends_with("…"));
  EXPECT_EQ(shortened("short", 12.0), "short");
  std::string joined;
  const std::vector<std::string> lines = wrapped(text, 12.0);
  for (const std::string& line : lines) {
    EXPECT_LE(text_width(line), 12.0);
    joined += (joined.empty() ? "" : " ") + line;
  }
  EXPECT_GT(lines.size(), 2U);
  EXPECT_EQ(joined, text);
}

/// Relative luminance of `#rrggbb`, without the gamma of the screen: enough to compare.
double luminance(const std::string& color) {
  const auto part = [&](std::size_t at) { return std::stoi(color.substr(at, 2), nullptr, 16) / 255.0; };
  return 0.2126 * std::pow(part(1), 2.2) + 0.7152 * std::pow(part(3), 2.2) + 0.0722 * std::pow(part(5), 2.2);
}

TEST(ReportPalette, DensityColorsGoFromTheGroundToTheOtherEnd) {
  for (int color = 2; color <= num_density_colors; ++color) {
    EXPECT_LT(luminance(density_color(color, false)), luminance(density_color(color - 1, false)));
    EXPECT_GT(luminance(density_color(color, true)), luminance(density_color(color - 1, true)));
  }
  const std::string sheet = style_sheet();
  EXPECT_NE(sheet.find(density_color(3, false)), std::string::npos);
  EXPECT_GT(sheet.find(density_color(3, true)), sheet.find("prefers-color-scheme:dark"));
}

}  // namespace
}  // namespace gmdiff::report
