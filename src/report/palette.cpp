#include "report/palette.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/check.hpp"

namespace gmdiff::report {
namespace {

// M. Okabe and K. Ito, Color Universal Design (2008), beginning with the pair that stands out best from the
// blue scale of densities. Yellow is left out: it cannot be seen on white.
constexpr std::array<const char*, num_categories> okabe_ito{"#d55e00", "#0072b2", "#009e73", "#cc79a7",
                                                            "#e69f00", "#56b4e9", "#000000"};
// The palette on a dark ground has lighter colours, above all for blue and black.
constexpr std::array<const char*, num_categories> okabe_ito_dark{"#f0803c", "#4da3e0", "#1fc598", "#dd96bd",
                                                                 "#e69f00", "#8fd0f5", "#e6e6e6"};

/// A colour in Oklab: lightness L and the axes a (green to red) and b (blue to yellow).
struct Oklab {
  double L, a, b;
};

// Ends of the density scales; lightness is linear in between.
constexpr Oklab light_thin{0.955, -0.008, -0.016}, light_dense{0.50, -0.030, -0.125};
constexpr Oklab dark_thin{0.265, -0.006, -0.035}, dark_dense{0.70, -0.060, -0.085};

int byte_of(double linear) {
  const double value =
      linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1.0 / 2.4) - 0.055;  // IEC 61966-2-1
  return static_cast<int>(std::lround(255.0 * std::clamp(value, 0.0, 1.0)));
}

/// The matrices are those of B. Ottosson, "A perceptual color space for image processing" (2020).
std::string hex_color(const Oklab& color) {
  const auto cubed = [](double x) { return x * x * x; };
  const double l = cubed(color.L + 0.3963377774 * color.a + 0.2158037573 * color.b);
  const double m = cubed(color.L - 0.1055613458 * color.a - 0.0638541728 * color.b);
  const double s = cubed(color.L - 0.0894841775 * color.a - 1.2914855480 * color.b);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x",
                byte_of(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                byte_of(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                byte_of(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
  return text.data();
}

/// Rules for the colours of one ground.
std::string color_rules(bool dark) {
  const std::string ground = dark ? "#161616" : "#fff";
  const std::string ink = dark ? "#dcdcdc" : "#222", faint = dark ? "#383838" : "#e4e4e4";
  std::string rules = ".gm .bg{fill:" + ground + "}.gm .hole{stroke:" + ground + "}.gm text{fill:" + ink +
                      "}.gm .mute{fill:" + (dark ? "#a8a8a8" : "#5c5c5c") + "}.gm .grid{stroke:" + faint +
                      "}.gm .frame{stroke:" + (dark ? "#8c8c8c" : "#777") + "}.gm .ink{stroke:" + ink +
                      "}.gm .inkfill{fill:" + ink + "}\n";
  for (int i = 0; i < num_categories; ++i) {
    const std::string color = (dark ? okabe_ito_dark : okabe_ito)[static_cast<std::size_t>(i)];
    rules += concat(".gm .s", i, "{stroke:", color, "}.gm .f", i, "{fill:", color, "}");
  }
  for (int i = 1; i <= num_density_colors; ++i)
    rules += concat(".gm .d", i, "{fill:", density_color(i, dark), "}");
  return rules + "\n";
}

}  // namespace

std::string stroke_class(int category) { return "s" + std::to_string(category % num_categories); }

std::string fill_class(int category) { return "f" + std::to_string(category % num_categories); }

std::string density_class(int color) { return "d" + std::to_string(color); }

std::string density_color(int color, bool dark) {
  const Oklab& thin = dark ? dark_thin : light_thin;
  const Oklab& dense = dark ? dark_dense : light_dense;
  const double share = (color - 1) / (num_density_colors - 1.0);
  const auto between = [share](double from, double to) { return from + share * (to - from); };
  return hex_color({between(thin.L, dense.L), between(thin.a, dense.a), between(thin.b, dense.b)});
}

std::string style_sheet() {
  return ".gm text{font-family:Helvetica,Arial,\"Liberation Sans\",sans-serif}\n"
         ".gm .title{font-weight:bold}\n"
         ".gm .grid{stroke-width:.8}.gm .frame{fill:none;stroke-width:1}\n"
         ".gm .curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}\n"
         ".gm .thin{fill:none;stroke-width:.9;stroke-opacity:.75;stroke-linejoin:round}\n"
         ".gm .dash{stroke-dasharray:5 4}\n"
         ".gm .dots{fill:none;stroke-width:2.6;stroke-opacity:.7;stroke-linecap:round}\n"
         ".gm .ends{fill:none;stroke-width:5;stroke-linecap:round}\n"
         ".gm .hole{fill:none;stroke-width:2.2;stroke-linecap:round}"
         ".gm .region{fill-rule:evenodd;stroke:none}.gm .bars{fill-opacity:.45}\n"
         ".gm .arrow{fill:none;stroke-width:1.1;stroke-linecap:round;stroke-linejoin:round}\n"
         ".gm .band{fill-opacity:.22}\n" +
         color_rules(false) + "@media (prefers-color-scheme:dark){\n" + color_rules(true) + "}\n";
}

}  // namespace gmdiff::report
