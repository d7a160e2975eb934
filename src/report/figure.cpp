#include "report/figure.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "report/palette.hpp"
#include "report/text_width.hpp"

namespace gmdiff::report {
namespace {

constexpr double figure_margin = 12.0;
constexpr double title_size = 14.0, text_size = 12.0, note_size = 11.0;
constexpr double legend_mark_width = 20.0;

void draw_legend_mark(Canvas& canvas, const LegendEntry& entry, double x, double y) {
  using Mark = LegendEntry::Mark;
  switch (entry.mark) {
    case Mark::line:
      canvas.line(x, y, x + legend_mark_width, y, "curve " + entry.color);
      break;
    case Mark::dashed_line:
      canvas.line(x, y, x + legend_mark_width, y, "curve dash " + entry.color);
      break;
    case Mark::dot:
    case Mark::ring: {
      PathData dot;
      dot.dot(x + legend_mark_width / 2.0, y);
      canvas.path(dot, "ends " + entry.color);
      if (entry.mark == Mark::ring) canvas.path(dot, "hole");
      break;
    }
    case Mark::area:
      canvas.rect({x + 3.0, y - 5.5, legend_mark_width - 6.0, 11.0}, entry.color);
      break;
  }
}

}  // namespace

Figure::Figure(double width, std::string title, const std::string& subtitle)
    : width_(width), title_(std::move(title)) {
  require(width >= least_width && width <= most_width, "the width of a picture is ", least_width, " to ",
          most_width, " pixels, got ", width);
  y_ = figure_margin;
  lines(title_, title_size, "title");
  lines(subtitle, text_size, "mute");
  y_ += 4.0;
}

double Figure::inner_width() const { return width_ - 2.0 * figure_margin; }

void Figure::lines(const std::string& text, double size, const std::string& style) {
  for (const std::string& line : wrapped(text, inner_width() / size)) {
    canvas_.text(figure_margin, y_ + size, line, size, Anchor::start, style);
    y_ += 1.35 * size;
  }
}

std::vector<Box> Figure::row(int boxes, double height) {
  std::vector<Box> row;
  row.reserve(static_cast<std::size_t>(boxes));
  const double width = inner_width() / boxes;
  for (int i = 0; i < boxes; ++i) row.push_back({figure_margin + i * width, y_, width, height});
  y_ += height;
  return row;
}

void Figure::legend(const std::vector<LegendEntry>& entries) {
  constexpr double mark_gap = 6.0, entry_gap = 16.0, line_height = 18.0;
  double x = figure_margin;
  y_ += 6.0;
  for (const LegendEntry& entry : entries) {
    const double most = inner_width() - legend_mark_width - mark_gap;
    const std::string label = shortened(entry.label, most / text_size);
    const double width = legend_mark_width + mark_gap + text_size * text_width(label);
    if (x > figure_margin && x + width > width_ - figure_margin) {
      x = figure_margin;
      y_ += line_height;
    }
    draw_legend_mark(canvas_, entry, x, y_ + line_height / 2.0);
    canvas_.text(x + legend_mark_width + mark_gap, y_ + line_height / 2.0 + 4.0, label, text_size);
    x += width + entry_gap;
  }
  if (!entries.empty()) y_ += line_height;
}

void Figure::note(const std::string& text) { notes_.push_back(text); }

Picture Figure::finish() {
  y_ += 4.0;
  for (const std::string& note : notes_) lines(note, note_size, "mute");
  y_ += figure_margin - 2.0;
  const std::string size = coordinate(width_) + " " + coordinate(y_);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gm\" role=\"img\" width=\"" +
                    coordinate(width_) + "\" height=\"" + coordinate(y_) + "\" viewBox=\"0 0 " + size +
                    "\">\n<title>" + escaped(title_) + "</title>\n<style>\n" + style_sheet() +
                    "</style>\n<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n" + canvas_.body() +
                    "</svg>\n";
  return {std::move(svg), width_, y_, title_, notes_, canvas_.texts()};
}

std::string svg_file(const Picture& picture) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + picture.svg;
}

}  // namespace gmdiff::report
