#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "report/density.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

constexpr double arrow_spacing = 32.0;  // pixels

/// Places of the arrows: a square lattice in pixels around the middle of the frame.
Points lattice(const Box& frame, const Axis& x, const Axis& y) {
  const auto columns = static_cast<Eigen::Index>(frame.width / arrow_spacing);
  const auto rows = static_cast<Eigen::Index>(frame.height / arrow_spacing);
  Points places(columns * rows, 2);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) {
      const double right = (static_cast<double>(j) - static_cast<double>(columns - 1) / 2.0) * arrow_spacing;
      const double up = (static_cast<double>(i) - static_cast<double>(rows - 1) / 2.0) * arrow_spacing;
      places.row(i * columns + j) << (x.low + x.high) / 2.0 + right * (x.high - x.low) / frame.width,
          (y.low + y.high) / 2.0 + up * (y.high - y.low) / frame.height;
    }
  }
  return places;
}

/// -dx/dt = -(p x + q D) in pixels per unit of time (mathematics.md §2.3).
Points flow_in_pixels(const Mixture& law, const ForwardProcess& process, double time, const Points& places,
                      const Place& scale) {
  const Level level = process.level(time);
  Points flow = -(process.p(time) * places + process.q(time) * law.denoiser(places, level));
  flow.col(0) *= scale.x;
  flow.col(1) *= scale.y;
  require(flow.allFinite(), "the velocity of the probability flow is not finite at t = ", time,
          "; choose a time further from the data");
  return flow;
}

}  // namespace

Picture field_picture(const ViewedLaw& law, const ForwardProcess& process, double time, double width) {
  const Level level = process.level(time);
  Figure figure(width, "Probability flow at t = " + number_label(time), "towards the data, " + law.name);
  const Axis x = axis_of(law, 0, level), y = axis_of(law, 1, level);
  const Box outer = figure.row(1, std::clamp(0.72 * width, 240.0, 600.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, x, y, ""), x, y);
  const bool blurred = draw_density(panel, law.mixture.diffuse(level), x, y);
  const Points places = lattice(panel.frame(), x, y);
  const Points flow = flow_in_pixels(law.mixture, process, time, places, panel.scale());
  const double fastest = flow.rowwise().norm().maxCoeff();
  std::vector<std::pair<Place, Place>> arrows;
  for (Eigen::Index i = 0; i < places.rows(); ++i) {
    constexpr double longest = 0.95 * arrow_spacing, shortest = 1.5;
    const Eigen::RowVector2d arrow =
        fastest > 0.0 ? Eigen::RowVector2d(flow.row(i) * (longest / fastest)) : Eigen::RowVector2d::Zero();
    if (arrow.norm() >= shortest) arrows.push_back({{places(i, 0), places(i, 1)}, {arrow(0), arrow(1)}});
  }
  panel.arrows(arrows, "arrow ink");
  panel.close();
  figure.legend(density_legend());
  figure.note("An arrow starts at its place; its length is in proportion to the speed in the picture.");
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

}  // namespace gmdiff::report
