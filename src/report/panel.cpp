#include "report/panel.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/text_width.hpp"

namespace gmdiff::report {
namespace {

constexpr double tick_gap = 5.0;  // between the frame and the labels of its ticks

/// Most ticks of a y axis of this length.
int most_rows(double height) { return std::clamp(static_cast<int>(height / 34.0), 2, 8); }

/// Whether the labels of ticks along an x axis of this length stay apart.
bool labels_fit(const Axis& axis, const std::vector<Tick>& ticks, double width) {
  constexpr double gap = 12.0;
  double end = -1e9;
  for (const Tick& tick : ticks) {
    const double half = tick_size * text_width(tick.label) / 2.0;
    const double centre = width * position(axis, tick.value);
    if (centre - half < end + gap) return false;
    end = centre + half;
  }
  return true;
}

/// Returns as many ticks as have room. A narrow axis has one or none.
std::vector<Tick> x_ticks(const Axis& axis, double width) {
  for (int most = std::clamp(static_cast<int>(width / 45.0), 2, 9); most >= 2; --most) {
    std::vector<Tick> found = ticks(axis, most);
    if (!axis.has_labels || labels_fit(axis, found, width)) return found;
  }
  std::vector<Tick> found = ticks(axis, 2);
  found.resize(std::min<std::size_t>(found.size(), 1));
  return found;
}

double widest_label(const std::vector<Tick>& ticks) {
  double width = 0.0;
  for (const Tick& tick : ticks) width = std::max(width, text_width(tick.label));
  return tick_size * width;
}

}  // namespace

Box frame_within(const Box& outer, const Axis& x, const Axis& y, const std::string& title) {
  const double top = title.empty() ? 6.0 : 22.0;
  double bottom = 4.0, left = 4.0;
  if (x.has_labels) bottom += tick_gap + tick_size + 2.0;
  if (!x.label.empty()) bottom += label_size + 5.0;
  const double height = outer.height - top - bottom;
  if (y.has_labels) left += tick_gap + widest_label(ticks(y, most_rows(height)));
  if (!y.label.empty()) left += label_size + 7.0;
  constexpr double right = 12.0;
  return {outer.x + left, outer.y + top, std::max(outer.width - left - right, 20.0), std::max(height, 20.0)};
}

Panel::Panel(Canvas& canvas, const Box& frame, Axis x, Axis y, const std::string& title)
    : canvas_(canvas), frame_(frame), x_(std::move(x)), y_(std::move(y)) {
  draw_axes(title);
  canvas_.open_clip(frame_);
}

void Panel::draw_axes(const std::string& title) {
  const double bottom = frame_.bottom();
  const double label_y = bottom + tick_gap + tick_size - 1.0;
  for (const Tick& tick : x_ticks(x_, frame_.width)) {
    const double x = frame_.x + frame_.width * position(x_, tick.value);
    canvas_.line(x, frame_.y, x, bottom, "grid");
    if (x_.has_labels) canvas_.text(x, label_y, tick.label, tick_size, Anchor::middle);
  }
  const std::vector<Tick> rows = ticks(y_, most_rows(frame_.height));
  for (const Tick& tick : rows) {
    const double y = frame_.bottom() - frame_.height * position(y_, tick.value);
    canvas_.line(frame_.x, y, frame_.right(), y, "grid");
    if (y_.has_labels) canvas_.text(frame_.x - tick_gap, y + 4.0, tick.label, tick_size, Anchor::end);
  }
  canvas_.text(frame_.x + frame_.width / 2.0, label_y + label_size + 5.0,
               shortened(x_.label, (frame_.width + 16.0) / label_size), label_size, Anchor::middle);
  const double label_x = frame_.x - tick_gap - (y_.has_labels ? widest_label(rows) : 0.0) - 7.0;
  canvas_.vertical_text(label_x, frame_.y + frame_.height / 2.0,
                        shortened(y_.label, frame_.height / label_size), label_size);
  canvas_.text(frame_.x + frame_.width / 2.0, frame_.y - 7.0, shortened(title, frame_.width / label_size),
               label_size, Anchor::middle);
}

Place Panel::pixels(const Place& place) const {
  return {frame_.width * position(x_, place.x), frame_.height * (1.0 - position(y_, place.y))};
}

bool Panel::contains(const Place& pixels) const {
  return pixels.x >= 0.0 && pixels.x <= frame_.width && pixels.y >= 0.0 && pixels.y <= frame_.height;
}

Place Panel::scale() const {
  return {frame_.width / (x_.high - x_.low), -frame_.height / (y_.high - y_.low)};
}

void Panel::add_line(PathData& path, std::span<const Place> places) const {
  bool is_open = false;
  for (const Place& place : places) {
    const Place p = pixels(place);
    const bool is_number = !std::isnan(p.x) && !std::isnan(p.y);
    if (is_number && is_open) {
      path.line_to(p.x, p.y);
    } else if (is_number) {
      path.move_to(p.x, p.y);
    }
    is_open = is_number;
  }
}

void Panel::curve(std::span<const Place> places, const std::string& style) {
  PathData path;
  add_line(path, places);
  canvas_.path(path, style);
}

void Panel::area(std::span<const Place> places, const std::string& style) {
  if (places.empty()) return;
  const std::vector<Place> ground{{places.front().x, y_.low}, {places.back().x, y_.low}};
  band(ground, places, style);
}

void Panel::band(std::span<const Place> lower, std::span<const Place> upper, const std::string& style) {
  std::vector<Place> around(upper.begin(), upper.end());
  around.insert(around.end(), lower.rbegin(), lower.rend());
  region({around}, style);
}

void Panel::region(const std::vector<std::vector<Place>>& curves, const std::string& style) {
  PathData path;
  for (const std::vector<Place>& places : curves) {
    add_line(path, places);
    if (!places.empty()) path.close();
  }
  canvas_.path(path, "region " + style);
}

std::size_t Panel::dots(std::span<const Place> places, const std::string& style) {
  PathData path;
  std::size_t inside = 0;
  for (const Place& place : places) {
    const Place p = pixels(place);
    if (!contains(p)) continue;
    path.dot(p.x, p.y);
    ++inside;
  }
  canvas_.path(path, style);
  return inside;
}

void Panel::bars(std::span<const std::pair<Place, Place>> corners, const std::string& style) {
  PathData path;
  for (const auto& [first, second] : corners) {
    const Place a = pixels(first), b = pixels(second);
    path.box({std::min(a.x, b.x), std::min(a.y, b.y), std::abs(b.x - a.x), std::abs(b.y - a.y)});
  }
  canvas_.path(path, style);
}

void Panel::arrows(std::span<const std::pair<Place, Place>> arrows, const std::string& style) {
  PathData path;
  for (const auto& [place, vector] : arrows) {
    const Place tail = pixels(place);
    const Place tip{tail.x + vector.x, tail.y + vector.y};
    // The head's two strokes start from the tip and are a third of the arrow long, at 25 degrees to it.
    const double back_x = -0.34 * vector.x, back_y = -0.34 * vector.y;
    const double c = std::cos(0.44), s = std::sin(0.44);
    path.move_to(tail.x, tail.y);
    path.line_to(tip.x, tip.y);
    path.move_to(tip.x + c * back_x - s * back_y, tip.y + s * back_x + c * back_y);
    path.line_to(tip.x, tip.y);
    path.line_to(tip.x + c * back_x + s * back_y, tip.y - s * back_x + c * back_y);
  }
  canvas_.path(path, style);
}

void Panel::horizontal(double y, const std::string& style) {
  curve(std::vector<Place>{{x_.low, y}, {x_.high, y}}, style);
}

void Panel::vertical(double x, const std::string& style) {
  curve(std::vector<Place>{{x, y_.low}, {x, y_.high}}, style);
}

void Panel::close() {
  canvas_.close_clip();
  canvas_.rect(frame_, "frame");
}

}  // namespace gmdiff::report
