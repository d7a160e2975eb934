#include "model/target/density_table.hpp"

#include <cmath>

#include "base/check.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

double log_sum_exp(const VectorXd& values) {
  const double largest = values.maxCoeff();
  if (largest == -infinity) return largest;
  return largest + std::log((values.array() - largest).exp().sum());
}

}  // namespace

DensityTable::DensityTable(const Target& target, const QuadratureBox& box, Index intervals)
    : box_(box), intervals_(intervals) {
  const Points x = points();
  VectorXd l = target.log_density(x);
  for (Index n = 0; n < l.size(); ++n) {
    if (std::isnan(l(n))) l(n) = -infinity;
    require(l(n) < infinity, "quadrature: the log-density is inf at x = (", x.row(n), ")");
  }
  l_ = l.reshaped<Eigen::RowMajor>(intervals + 1, dim() == 2 ? intervals + 1 : 1);
}

double DensityTable::spacing(Index axis) const {
  return (box_.upper(axis) - box_.lower(axis)) / static_cast<double>(intervals_);
}

double DensityTable::coordinate(Index axis, Index i) const {
  return i == intervals_ ? box_.upper(axis) : box_.lower(axis) + static_cast<double>(i) * spacing(axis);
}

Points DensityTable::points() const {
  const Index n = intervals_ + 1;
  Points x(dim() == 2 ? n * n : n, dim());
  for (Index i = 0; i < x.rows(); ++i) {
    x(i, 0) = coordinate(0, dim() == 2 ? i / n : i);
    if (dim() == 2) x(i, 1) = coordinate(1, i % n);
  }
  return x;
}

VectorXd DensityTable::log_profile(Index axis) const {
  VectorXd profile(intervals_ + 1);
  for (Index i = 0; i <= intervals_; ++i)
    profile(i) = axis == 0 ? log_sum_exp(l_.row(i).transpose()) : log_sum_exp(l_.col(i));
  return profile;
}

}  // namespace gmdiff::targets
