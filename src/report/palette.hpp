#pragma once

#include <string>

// Colours of pictures, as classes of a style sheet. Readers who do not see all colours can tell them apart:
// the categories are those of Okabe and Ito, and along the scale of densities lightness changes
// monotonically.

namespace gmdiff::report {

constexpr int num_categories = 7;      ///< colours of lines and points: classes s0 ... s6 and f0 ... f6
constexpr int num_density_colors = 6;  ///< fills of the density scale: classes d1 (thin) ... d6 (dense)

/// The stroke of category i, modulo the number of categories.
std::string stroke_class(int category);
/// The fill of category i.
std::string fill_class(int category);
/// The fill of density colour 1 ... `num_density_colors`.
std::string density_class(int color);

/// `#rrggbb` of a colour of the density scale, on a light or a dark ground.
std::string density_color(int color, bool dark);

/// The style sheet of a picture, for light and dark grounds. Its rules apply inside elements of class `gm`.
std::string style_sheet();

}  // namespace gmdiff::report
