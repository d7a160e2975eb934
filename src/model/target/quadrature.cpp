#include <gmdiff/model/quadrature.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "model/target/box.hpp"
#include "model/target/density_table.hpp"

// The trapezoid rule in one and two dimensions (mathematics.md §15.1).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using targets::DensityTable;

void check(const QuadratureBox& box, Index d) {
  require(box.lower.size() == d && box.upper.size() == d, "quadrature: the box has ", box.lower.size(),
          " lower and ", box.upper.size(), " upper sides, expected ", d, " each");
  for (Index a = 0; a < d; ++a) {
    require(std::isfinite(box.lower(a)) && std::isfinite(box.upper(a)) && box.lower(a) < box.upper(a),
            "quadrature: axis ", a, " of the box: expected finite lower < upper, got ", box.lower(a), " and ",
            box.upper(a));
  }
}

/// The trapezoid rule on every `stride`-th point of each axis of a table.
class Trapezoid {
 public:
  Trapezoid(const DensityTable& table, Index stride);

  double log_normalizer() const { return log_scale_ + std::log(total_); }
  VectorXd mean() const;
  MatrixXd covariance() const;
  MarginalDensity marginal(Index axis) const;
  double edge_mass() const;
  VectorXd coordinates(Index axis) const;
  /// The masses of all points, with a factor in common.
  const Points& all_masses() const { return masses_; }

 private:
  Index n() const { return table_.intervals() / stride_ + 1; }
  double spacing(Index axis) const { return static_cast<double>(stride_) * table_.spacing(axis); }
  /// Masses of the points of an axis, shape (n), with the sum total_.
  VectorXd masses(Index axis) const;

  const DensityTable& table_;
  Index stride_;
  double log_scale_;
  Points masses_;  ///< of all points, over exp(log_scale_)
  double total_;
};

Trapezoid::Trapezoid(const DensityTable& table, Index stride) : table_(table), stride_(stride) {
  const Points& l = table.log_density();
  const Index columns = table.dim() == 2 ? n() : 1;
  const auto rows_of = Eigen::seqN(0, n(), stride), columns_of = Eigen::seqN(0, columns, stride);
  log_scale_ = l.maxCoeff();
  require(log_scale_ > -std::numeric_limits<double>::infinity(), "quadrature: the box has no mass");
  masses_ = (l(rows_of, columns_of).array() - log_scale_).exp();
  masses_.topRows(1) *= 0.5;
  masses_.bottomRows(1) *= 0.5;
  masses_ *= spacing(0);
  if (table.dim() == 2) {
    masses_.leftCols(1) *= 0.5;
    masses_.rightCols(1) *= 0.5;
    masses_ *= spacing(1);
  }
  total_ = masses(0).sum();
}

VectorXd Trapezoid::coordinates(Index axis) const {
  VectorXd x(n());
  for (Index i = 0; i < x.size(); ++i) x(i) = table_.coordinate(axis, i * stride_);
  return x;
}

VectorXd Trapezoid::masses(Index axis) const {
  if (axis == 0) return masses_.rowwise().sum();
  return masses_.colwise().sum().transpose();
}

VectorXd Trapezoid::mean() const {
  VectorXd mean(table_.dim());
  for (Index a = 0; a < mean.size(); ++a) mean(a) = masses(a).dot(coordinates(a)) / total_;
  return mean;
}

MatrixXd Trapezoid::covariance() const {
  const VectorXd centre = mean();
  MatrixXd covariance(centre.size(), centre.size());
  std::vector<VectorXd> x;
  for (Index a = 0; a < centre.size(); ++a) {
    x.emplace_back(coordinates(a).array() - centre(a));
    covariance(a, a) = masses(a).dot(x.back().cwiseAbs2()) / total_;
  }
  if (centre.size() == 2)
    covariance(0, 1) = covariance(1, 0) = x[0].dot(VectorXd(masses_.lazyProduct(x[1]))) / total_;
  return covariance;
}

MarginalDensity Trapezoid::marginal(Index axis) const {
  VectorXd density = masses(axis) / (total_ * spacing(axis));
  density(0) *= 2.0;
  density(density.size() - 1) *= 2.0;
  return {coordinates(axis), density};
}

double Trapezoid::edge_mass() const {
  const Index edge = std::max<Index>(1, n() / 100), inner = n() - 2 * edge;
  const double inside = table_.dim() == 1 ? masses_.middleRows(edge, inner).sum()
                                          : masses_.block(edge, edge, inner, inner).sum();
  double outside = masses_.topRows(edge).sum() + masses_.bottomRows(edge).sum();
  if (table_.dim() == 2) {
    const auto middle = masses_.middleRows(edge, inner);
    outside += middle.leftCols(edge).sum() + middle.rightCols(edge).sum();
  }
  return outside / (inside + outside);
}

DensityTable table_in(const Target& target, const QuadratureBox& box) {
  const Index d = target.dim();
  require(d <= 2, "quadrature: the dimension must be 1 or 2, got ", d);
  const bool given = box.lower.size() > 0 || box.upper.size() > 0;
  if (given) check(box, d);
  return {target, given ? box : targets::find_box(target), targets::intervals_of(d)};
}

void check(const DensityTable& table, const Points& x, Level level) {
  require(x.cols() == table.dim(), "quadrature_denoiser: points have dimension ", x.cols(), ", expected ",
          table.dim());
  require(x.allFinite(), "quadrature_denoiser: points must be finite");
  for (Index axis = 0; axis < table.dim(); ++axis) {
    require(level.sigma == 0.0 || level.sigma >= 2.0 * level.alpha * table.spacing(axis),
            "quadrature_denoiser: sigma / alpha is ", level.sigma / level.alpha, ", below two intervals of ",
            table.spacing(axis), " on axis ", axis);
  }
}

/// -|x - alpha x_i|^2 / (2 sigma^2) of one coordinate at all points of an axis.
VectorXd log_kernel(const VectorXd& points, double x, Level level) {
  return -0.5 * ((x - level.alpha * points.array()) / level.sigma).square();
}

}  // namespace

Points quadrature_denoiser(const Target& target, const Points& x, Level level, const QuadratureBox& box) {
  require(level.alpha > 0.0 && level.sigma >= 0.0,
          "quadrature_denoiser: expected alpha > 0 and sigma >= 0, got ", level.alpha, " and ", level.sigma);
  const DensityTable table = table_in(target, box);
  check(table, x, level);
  if (level.sigma == 0.0) return x / level.alpha;
  const Trapezoid rule(table, 1);
  const Eigen::ArrayXXd log_masses = rule.all_masses().array().log();
  const bool is_plane = table.dim() == 2;
  const VectorXd rows = rule.coordinates(0), columns = is_plane ? rule.coordinates(1) : VectorXd::Zero(1);
  Points D(x.rows(), x.cols());
  for (Index n = 0; n < x.rows(); ++n) {
    Eigen::ArrayXXd w = log_masses.colwise() + log_kernel(rows, x(n, 0), level).array();
    if (is_plane) w.rowwise() += log_kernel(columns, x(n, 1), level).array().transpose();
    w = (w - w.maxCoeff()).exp();
    const double total = w.sum();
    D(n, 0) = w.rowwise().sum().matrix().dot(rows) / total;
    if (is_plane) D(n, 1) = w.colwise().sum().matrix().dot(columns.transpose()) / total;
  }
  return D;
}

Quadrature quadrature(const Target& target, const QuadratureBox& box) {
  const Index d = target.dim();
  const DensityTable table = table_in(target, box);
  const Trapezoid all(table, 1), half(table, 2);
  Quadrature result{.box = table.box(),
                    .log_normalizer = all.log_normalizer(),
                    .mean = all.mean(),
                    .covariance = all.covariance(),
                    .marginals = {},
                    .error = {},
                    .edge_mass = all.edge_mass()};
  for (Index axis = 0; axis < d; ++axis) result.marginals.push_back(all.marginal(axis));
  result.error = {.log_normalizer = std::abs(result.log_normalizer - half.log_normalizer()),
                  .mean = (result.mean - half.mean()).cwiseAbs(),
                  .covariance = (result.covariance - half.covariance()).cwiseAbs()};
  return result;
}

}  // namespace gmdiff
