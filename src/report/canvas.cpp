#include "report/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "report/text_width.hpp"

namespace gmdiff::report {
namespace {

// share of the font size above and below the baseline that letters occupy
constexpr double letter_ascent = 0.76;
constexpr double letter_descent = 0.22;

/// Tenths of a pixel. A value within a millionth of the middle between two tenths goes to the upper one, so
/// that the last bit of a result does not decide.
long tenths(double value) {
  constexpr double most = 1e5;
  const double bounded = std::isnan(value) ? 0.0 : std::clamp(value, -most, most);
  return static_cast<long>(std::floor(bounded * 10.0 + 0.5 + 1e-6));
}

std::string text_of_tenths(long value) {
  std::string text = value < 0 ? "-" : "";
  const long size = std::labs(value);
  text += std::to_string(size / 10);
  if (size % 10 != 0) text += "." + std::to_string(size % 10);
  return text;
}

/// ` name="value"`
std::string attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + value + "\"";
}
std::string attribute(const char* name, double value) { return attribute(name, coordinate(value)); }

std::string style_attribute(const std::string& style) {
  return style.empty() ? std::string() : attribute("class", style);
}

std::string anchor_attribute(Anchor anchor) {
  if (anchor == Anchor::start) return "";
  return attribute("text-anchor", std::string(anchor == Anchor::middle ? "middle" : "end"));
}

}  // namespace

std::string coordinate(double value) { return text_of_tenths(tenths(value)); }

void PathData::step_to(char command, double x, double y) {
  const long next_x = tenths(x), next_y = tenths(y);
  const std::string dx = text_of_tenths(next_x - x_), dy = text_of_tenths(next_y - y_);
  text_ += command + dx + (dy.front() == '-' ? "" : " ") + dy;
  x_ = next_x;
  y_ = next_y;
}

void PathData::move_to(double x, double y) {
  // After `z` the current point is the start of the subpath.
  if (!text_.empty() && text_.back() == 'z') {
    x_ = start_x_;
    y_ = start_y_;
  }
  step_to(text_.empty() ? 'M' : 'm', x, y);
  start_x_ = x_;
  start_y_ = y_;
}

void PathData::line_to(double x, double y) {
  if (tenths(x) != x_ || tenths(y) != y_) step_to('l', x, y);
}

void PathData::dot(double x, double y) {
  move_to(x, y);
  text_ += "h0";
}

void PathData::box(const Box& box) {
  move_to(box.x, box.y);
  line_to(box.right(), box.y);
  line_to(box.right(), box.bottom());
  line_to(box.x, box.bottom());
  close();
}

void Canvas::line(double x1, double y1, double x2, double y2, const std::string& style) {
  body_ += "<line" + style_attribute(style) + attribute("x1", x1) + attribute("y1", y1) +
           attribute("x2", x2) + attribute("y2", y2) + "/>\n";
}

void Canvas::rect(const Box& box, const std::string& style) {
  body_ += "<rect" + style_attribute(style) + attribute("x", box.x) + attribute("y", box.y) +
           attribute("width", box.width) + attribute("height", box.height) + "/>\n";
}

void Canvas::circle(double x, double y, double radius, const std::string& style) {
  body_ += "<circle" + style_attribute(style) + attribute("cx", x) + attribute("cy", y) +
           attribute("r", radius) + "/>\n";
}

void Canvas::path(const PathData& data, const std::string& style) {
  if (!data.empty()) body_ += "<path" + style_attribute(style) + attribute("d", data.text()) + "/>\n";
}

void Canvas::text(double x, double y, const std::string& text, double size, Anchor anchor,
                  const std::string& style) {
  if (text.empty()) return;
  const double width = size * text_width(text);
  const double left = anchor == Anchor::start ? x : anchor == Anchor::end ? x - width : x - width / 2.0;
  texts_.push_back({text, {left, y - letter_ascent * size, width, (letter_ascent + letter_descent) * size}});
  body_ += "<text" + style_attribute(style) + attribute("x", x) + attribute("y", y) +
           attribute("font-size", size) + anchor_attribute(anchor) + ">" + escaped(text) + "</text>\n";
}

void Canvas::vertical_text(double x, double y, const std::string& text, double size) {
  if (text.empty()) return;
  const double width = size * text_width(text);
  texts_.push_back(
      {text, {x - letter_ascent * size, y - width / 2.0, (letter_ascent + letter_descent) * size, width}});
  body_ +=
      "<text" + attribute("transform", "translate(" + coordinate(x) + " " + coordinate(y) + ") rotate(-90)") +
      attribute("font-size", size) + anchor_attribute(Anchor::middle) + ">" + escaped(text) + "</text>\n";
}

void Canvas::open_clip(const Box& box) {
  body_ += "<svg" + attribute("x", box.x) + attribute("y", box.y) + attribute("width", box.width) +
           attribute("height", box.height) + ">\n";
}

void Canvas::close_clip() { body_ += "</svg>\n"; }

}  // namespace gmdiff::report
