#pragma once

#include <cstddef>
#include <string>
#include <vector>

// The elements of an SVG picture. Coordinates are pixels from the upper left corner, written with one
// decimal, so that files are small and equal on every machine. Colours are classes of the style sheet in
// palette.hpp.

namespace gmdiff::report {

/// A rectangle by its upper left corner.
struct Box {
  double x = 0.0, y = 0.0, width = 0.0, height = 0.0;

  double right() const { return x + width; }
  double bottom() const { return y + height; }
};

/// A text and the rectangle that it occupies by the estimate of `text_width`.
struct PlacedText {
  std::string text;
  Box box;
};

/// A coordinate with one decimal; values beyond the range of pictures are moved to its end.
std::string coordinate(double value);

/// The data of a path, with relative coordinates in tenths of a pixel.
class PathData {
 public:
  void move_to(double x, double y);
  void line_to(double x, double y);
  void close() { text_ += "z"; }
  /// A dot, if the stroke has round ends.
  void dot(double x, double y);
  /// A rectangle.
  void box(const Box& box);
  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  void step_to(char command, double x, double y);
  std::string text_;
  long x_ = 0, y_ = 0;              // the current point in tenths
  long start_x_ = 0, start_y_ = 0;  // of the subpath
};

enum class Anchor { start, middle, end };

/// Collects elements and remembers where its texts are.
class Canvas {
 public:
  void line(double x1, double y1, double x2, double y2, const std::string& style);
  void rect(const Box& box, const std::string& style);
  void circle(double x, double y, double radius, const std::string& style);
  void path(const PathData& data, const std::string& style);
  /// Text on one line; `y` is the baseline.
  void text(double x, double y, const std::string& text, double size, Anchor anchor = Anchor::start,
            const std::string& style = "");
  /// Text that is turned by a quarter and read from below, centred at `y`; `x` is the baseline.
  void vertical_text(double x, double y, const std::string& text, double size);
  /// Starts a part that clips its elements to a box; their coordinates count from the box's corner.
  void open_clip(const Box& box);
  void close_clip();

  const std::string& body() const { return body_; }
  const std::vector<PlacedText>& texts() const { return texts_; }

 private:
  std::string body_;
  std::vector<PlacedText> texts_;
};

}  // namespace gmdiff::report
