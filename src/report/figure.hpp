#pragma once

#include <string>
#include <vector>

#include "report/canvas.hpp"

namespace gmdiff::report {

/// A finished picture.
struct Picture {
  std::string svg;  ///< the element `svg` with everything that it needs, also its style sheet
  double width = 0.0, height = 0.0;
  std::string title;
  std::vector<std::string> notes;  ///< what the picture leaves out, as its last lines say
  std::vector<PlacedText> texts;
};

/// One entry of a legend.
struct LegendEntry {
  enum class Mark { line, dashed_line, dot, ring, area } mark;
  std::string color;  ///< class of the stroke, or of the fill for an area
  std::string label;
};

constexpr double least_width = 240.0, most_width = 4000.0;

/// A picture under construction: title, rows of panels, legends and notes from top to bottom.
class Figure {
 public:
  /// @throws std::invalid_argument for a width outside `least_width` ... `most_width`.
  Figure(double width, std::string title, const std::string& subtitle = "");

  Canvas& canvas() { return canvas_; }
  /// The width between the margins.
  double inner_width() const;
  /// Takes the next row, of this height, and splits it into boxes of equal width.
  std::vector<Box> row(int boxes, double height);
  void legend(const std::vector<LegendEntry>& entries);
  /// Adds a note to the last lines.
  void note(const std::string& text);
  Picture finish();

 private:
  void lines(const std::string& text, double size, const std::string& style);

  double width_;
  double y_ = 0.0;  // everything above is taken
  std::string title_;
  std::vector<std::string> notes_;
  Canvas canvas_;
};

/// The picture as a file: with the XML declaration.
std::string svg_file(const Picture& picture);

}  // namespace gmdiff::report
