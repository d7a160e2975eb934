#include "model/target/table_draws.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;

/// The quantile of order u of the density on [0, 1] that is proportional to low + t (high - low).
double quantile(double low, double high, double u) {
  // The root of low t + (high - low) t^2 / 2 = u (low + high) / 2 in the form without cancellation.
  const double root = std::sqrt(low * low + u * (high * high - low * low));
  return std::min(1.0, u * (low + high) / (low + root));
}

}  // namespace

TableDraws::TableDraws(const DensityTable& table)
    : density_((table.log_density().array() - table.log_density().maxCoeff()).exp()),
      lower_(table.box().lower),
      spacing_(table.dim()),
      cells_per_row_(table.dim() == 2 ? table.intervals() : 1) {
  require(density_.allFinite(), "quadrature: the box has no mass");
  for (Index axis = 0; axis < table.dim(); ++axis) spacing_(axis) = table.spacing(axis);
  cumulated_.reserve(static_cast<std::size_t>(table.intervals() * cells_per_row_));
  double sum = 0.0;
  for (Index i = 0; i < table.intervals(); ++i) {
    for (Index j = 0; j < cells_per_row_; ++j) cumulated_.push_back(sum += mass_of_cell(i, j));
  }
}

double TableDraws::mass_of_cell(Index i, Index j) const {
  const double first = density(i, j) + density(i + 1, j);
  return lower_.size() == 1 ? first : first + density(i, j + 1) + density(i + 1, j + 1);
}

void TableDraws::draw(DrawStreams& streams, Row x) const {
  const double u = streams.open_uniform(0) * cumulated_.back();
  const auto cell = std::upper_bound(cumulated_.begin(), cumulated_.end() - 1, u) - cumulated_.begin();
  const Index i = cell / cells_per_row_, j = cell % cells_per_row_;
  const double v = streams.open_uniform(1);
  if (x.size() == 1) {
    x(0) = lower_(0) + spacing_(0) * (static_cast<double>(i) + quantile(density(i, 0), density(i + 1, 0), v));
    return;
  }
  const double t = quantile(density(i, j) + density(i, j + 1), density(i + 1, j) + density(i + 1, j + 1), v);
  const double s = quantile(std::lerp(density(i, j), density(i + 1, j), t),
                            std::lerp(density(i, j + 1), density(i + 1, j + 1), t), streams.open_uniform(2));
  x(0) = lower_(0) + spacing_(0) * (static_cast<double>(i) + t);
  x(1) = lower_(1) + spacing_(1) * (static_cast<double>(j) + s);
}

}  // namespace gmdiff::targets
