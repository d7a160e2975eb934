#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/axis.hpp"
#include "report/canvas.hpp"

namespace gmdiff::report {

/// A point in the values of a panel's axes.
struct Place {
  double x, y;
};

constexpr double tick_size = 11.0;  ///< font sizes in pixels
constexpr double label_size = 12.0;

/// The part of `outer` that is left for the marks when title, ticks and labels have their place.
Box frame_within(const Box& outer, const Axis& x, const Axis& y, const std::string& title);

/// A frame with two axes, into which marks are drawn in the values of the axes. Marks outside are cut off.
/// The constructor draws grid and labels, `close` the frame; marks come in between.
class Panel {
 public:
  Panel(Canvas& canvas, const Box& frame, Axis x, Axis y, const std::string& title = "");
  Panel(const Panel&) = delete;
  Panel& operator=(const Panel&) = delete;

  /// A curve through places; it is interrupted at places that are not numbers.
  void curve(std::span<const Place> places, const std::string& style);
  /// The area between a curve and the lower end of the y axis.
  void area(std::span<const Place> places, const std::string& style);
  /// The area between two curves over the same values of x.
  void band(std::span<const Place> lower, std::span<const Place> upper, const std::string& style);
  /// The area within closed curves; a curve within another one bounds a hole.
  void region(const std::vector<std::vector<Place>>& curves, const std::string& style);
  /// Dots; returns how many lie within the frame.
  std::size_t dots(std::span<const Place> places, const std::string& style = "dots s0");
  /// A rectangle with opposite corners at two places.
  void bars(std::span<const std::pair<Place, Place>> corners, const std::string& style);
  /// Arrows from each place by a vector in pixels.
  void arrows(std::span<const std::pair<Place, Place>> arrows, const std::string& style);
  /// A line across the panel at a value of one axis.
  void horizontal(double y, const std::string& style);
  void vertical(double x, const std::string& style);

  /// Pixels per unit of each axis at linear axes.
  Place scale() const;
  const Box& frame() const { return frame_; }
  void close();

 private:
  void draw_axes(const std::string& title);
  Place pixels(const Place& place) const;
  bool contains(const Place& pixels) const;
  void add_line(PathData& path, std::span<const Place> places) const;

  Canvas& canvas_;
  Box frame_;
  Axis x_, y_;
};

}  // namespace gmdiff::report
