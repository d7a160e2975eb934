#include "model/target/formulas.hpp"

#include <cmath>
#include <numbers>

#include "base/check.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

void check_dim(const char* target, int dim, int least) {
  require(dim >= least, target, ": dim must be at least ", least, ", got ", dim);
}
void check_finite(const char* target, const char* name, double value) {
  require(std::isfinite(value), target, ": ", name, " must be finite, got ", value);
}
void check_scale(const char* target, const char* name, double value) {
  require(std::isfinite(value) && value > 0.0, target, ": ", name, " must be positive, got ", value);
}

/// log s + (d / 2) log(2 pi)
double log_volume(double s, Index dim) {
  return std::log(s) + 0.5 * static_cast<double>(dim) * std::log(2.0 * std::numbers::pi);
}

/// log(1 + e^u)
double softplus(double u) { return std::max(u, 0.0) + std::log1p(std::exp(-std::abs(u))); }
/// 1 / (1 + e^-u)
double sigmoid(double u) {
  const double e = std::exp(-std::abs(u));
  return u >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

}  // namespace

// ----- sin-gaussian

void check(const SinGaussian& target) {
  check_dim(target.name, target.dim, 1);
  check_finite(target.name, "amplitude", target.amplitude);
  check_finite(target.name, "phase", target.phase);
  check_finite(target.name, "frequency", target.frequency);
}

double evaluate(const SinGaussian& target, const Point& x, VectorXd& g) {
  const double a = target.amplitude, w = target.frequency;
  const VectorXd angle = target.phase + w * x.array();
  g = -x.array() - 0.5 * a * w * angle.array().cos();
  return -0.5 * (x.array().square() + a * angle.array().sin()).sum();
}

VectorXd hessian_vp(const SinGaussian& target, const Point& x, const Point& v) {
  const double a = target.amplitude, w = target.frequency;
  return (-1.0 + 0.5 * a * w * w * (target.phase + w * x.array()).sin()) * v.array();
}

// ----- banana

void check(const Banana& target) {
  check_dim(target.name, target.dim, 2);
  check_scale(target.name, "scale", target.scale);
  check_finite(target.name, "curvature", target.curvature);
}

double evaluate(const Banana& target, const Point& x, VectorXd& g) {
  const double s2 = target.scale * target.scale, b = target.curvature;
  const double u = x(1) - b * (x(0) * x(0) - s2);
  g = -x;
  g(0) = -x(0) / s2 + 2.0 * b * x(0) * u;
  g(1) = -u;
  const double rest = x.tail(x.size() - 2).squaredNorm();
  return -0.5 * (x(0) * x(0) / s2 + u * u + rest) - log_volume(target.scale, x.size());
}

VectorXd hessian_vp(const Banana& target, const Point& x, const Point& v) {
  const double s2 = target.scale * target.scale, b = target.curvature;
  const double u = x(1) - b * (x(0) * x(0) - s2);
  VectorXd product = -v;
  product(0) = (-1.0 / s2 + 2.0 * b * u - 4.0 * b * b * x(0) * x(0)) * v(0) + 2.0 * b * x(0) * v(1);
  product(1) = 2.0 * b * x(0) * v(0) - v(1);
  return product;
}

// ----- funnel

void check(const Funnel& target) {
  check_dim(target.name, target.dim, 2);
  check_scale(target.name, "scale", target.scale);
}

double evaluate(const Funnel& target, const Point& x, VectorXd& g) {
  const double s2 = target.scale * target.scale, e = std::exp(-x(0));
  const double half = 0.5 * static_cast<double>(x.size() - 1);
  const double scaled = e * x.tail(x.size() - 1).squaredNorm();
  g = -e * x;
  g(0) = -x(0) / s2 + 0.5 * scaled - half;
  return -0.5 * x(0) * x(0) / s2 - 0.5 * scaled - half * x(0) - log_volume(target.scale, x.size());
}

VectorXd hessian_vp(const Funnel& target, const Point& x, const Point& v) {
  const double s2 = target.scale * target.scale, e = std::exp(-x(0));
  const auto rest = x.tail(x.size() - 1), w = v.tail(v.size() - 1);
  VectorXd product = -e * v;
  product.tail(v.size() - 1) += e * v(0) * rest;
  product(0) = (-1.0 / s2 - 0.5 * e * rest.squaredNorm()) * v(0) + e * rest.dot(w);
  return product;
}

// ----- many-well

void check(const ManyWell& target) {
  check_dim(target.name, target.dim, 1);
  check_finite(target.name, "delta", target.delta);
  require(target.wells >= 1 && target.wells <= target.dim, target.name, ": wells must be in [1, ", target.dim,
          "], got ", target.wells);
}

double evaluate(const ManyWell& target, const Point& x, VectorXd& g) {
  const auto wells = x.head(target.wells).array();
  const auto rest = x.tail(x.size() - target.wells);
  const VectorXd u = wells.square() - target.delta;
  g = -x;
  g.head(target.wells) = -4.0 * wells * u.array();
  return -u.squaredNorm() - 0.5 * rest.squaredNorm();
}

VectorXd hessian_vp(const ManyWell& target, const Point& x, const Point& v) {
  VectorXd product = -v;
  product.head(target.wells) =
      (4.0 * target.delta - 12.0 * x.head(target.wells).array().square()) * v.head(target.wells).array();
  return product;
}

// ----- logistic

void check(const Logistic& target) {
  check_scale(target.name, "prior_std", target.prior_std);
  require(target.data.rows() >= 1 && target.data.cols() >= 1, target.name, ": data has shape (",
          target.data.rows(), ", ", target.data.cols(), "), expected one row and one column or more");
  require(target.labels.size() == target.data.rows(), target.name, ": expected one label for each of the ",
          target.data.rows(), " rows of data, got ", target.labels.size());
  require(target.data.allFinite(), target.name, ": data must be finite");
  for (Index i = 0; i < target.labels.size(); ++i) {
    require(target.labels(i) == 0.0 || target.labels(i) == 1.0, target.name, ": label ", i,
            " must be 0 or 1, got ", target.labels(i));
  }
}

double evaluate(const Logistic& target, const Point& x, VectorXd& g) {
  const double s2 = target.prior_std * target.prior_std;
  const VectorXd u = target.data * x;
  const VectorXd residual = target.labels - u.unaryExpr(&sigmoid);
  g = target.data.transpose() * residual - x / s2;
  return target.labels.dot(u) - u.unaryExpr(&softplus).sum() - 0.5 * x.squaredNorm() / s2 -
         static_cast<double>(x.size()) * std::log(target.prior_std) - log_volume(1.0, x.size());
}

VectorXd hessian_vp(const Logistic& target, const Point& x, const Point& v) {
  const VectorXd p = (target.data * x).unaryExpr(&sigmoid);
  const VectorXd weighted = p.array() * (1.0 - p.array()) * (target.data * v).array();
  return -target.data.transpose() * weighted - v / (target.prior_std * target.prior_std);
}

// ----- observed

void check(const CustomTarget& target) {
  require(!target.id.empty(), "custom target: the id is empty; it names the target in results");
  require(target.dim >= 1, "custom target \"", target.id, "\": dim must be at least 1, got ", target.dim);
  require(target.evaluate != nullptr || target.device != nullptr, "custom target \"", target.id,
          "\": has no function");
}

void check(const ObservedMixture& target) {
  const Mixture& prior = target.prior;
  require(prior.dim() == target.observation.dim(), target.name, ": the prior has dimension ", prior.dim(),
          ", but the map ", name_of(target.observation.map()), " takes points of dimension ",
          target.observation.dim());
  const Points& eigenvalues = prior.eigenvalues();
  for (Index k = 0; k < prior.num_components(); ++k) {
    require(prior.weights()(k) == 0.0 || eigenvalues.row(eigenvalues.rows() == 1 ? 0 : k).minCoeff() > 0.0,
            target.name, ": component ", k,
            " of the prior has a singular covariance, so the prior has no density");
  }
}

}  // namespace gmdiff::targets
