#include "model/observation/called_likelihood.hpp"

#include <utility>

namespace gmdiff::observations {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// Replaces each row r by L^-1 r.
void solve_lower(const MatrixXd& L, Points& r) {
  for (Index n = 0; n < r.rows(); ++n) {
    for (Index i = 0; i < r.cols(); ++i) {
      for (Index j = 0; j < i; ++j) r(n, i) -= L(i, j) * r(n, j);
      r(n, i) /= L(i, i);
    }
  }
}

/// Replaces each row w by L^-T w.
void solve_lower_transposed(const MatrixXd& L, Points& w) {
  for (Index n = 0; n < w.rows(); ++n) {
    for (Index i = w.cols() - 1; i >= 0; --i) {
      for (Index j = i + 1; j < w.cols(); ++j) w(n, i) -= L(j, i) * w(n, j);
      w(n, i) /= L(i, i);
    }
  }
}

/// a . b of each row, in ascending order.
VectorXd dots(const Points& a, const Points& b) {
  VectorXd sums = VectorXd::Zero(a.rows());
  for (Index n = 0; n < a.rows(); ++n) {
    for (Index i = 0; i < a.cols(); ++i) sums(n) += a(n, i) * b(n, i);
  }
  return sums;
}

}  // namespace

CalledLikelihood::CalledLikelihood(CustomMap map, VectorXd y, MatrixXd L)
    : map_(std::move(map)),
      y_(std::move(y)),
      L_(std::move(L)),
      turns_(std::make_unique<Turns>(map_.concurrent)) {}

Points CalledLikelihood::value(const Points& x) const {
  Points phi = unwritten_rows(x.rows(), y_.size());
  const auto turn = turns_->take();
  map_.value(x.rows(), x.data(), phi.data());
  return phi;
}

Points CalledLikelihood::transposed_product(const Points& x, const Points& w) const {
  Points product = unwritten_rows(x.rows(), x.cols());
  const auto turn = turns_->take();
  map_.transposed_product(x.rows(), x.data(), w.data(), product.data());
  return product;
}

MatrixXd CalledLikelihood::jacobian(const VectorXd& x) const {
  const Index dy = y_.size();
  return transposed_product(x.transpose().replicate(dy, 1), Points::Identity(dy, dy));
}

/// J v (n, dy): entry i is J^T e_i . v.
Points CalledLikelihood::jacobian_product(const Points& x, const Points& v) const {
  Points product(x.rows(), y_.size());
  for (Index i = 0; i < y_.size(); ++i) {
    Points unit = Points::Zero(x.rows(), y_.size());
    unit.col(i).setOnes();
    product.col(i) = dots(transposed_product(x, unit), v);
  }
  return product;
}

Points CalledLikelihood::whitened_residual(const Points& x) const {
  Points w = (-value(x)).rowwise() + y_.transpose();
  solve_lower(L_, w);
  return w;
}

VectorXd CalledLikelihood::log_likelihood(const Points& x) const {
  const Points w = whitened_residual(x);
  return -0.5 * dots(w, w);
}

void CalledLikelihood::evaluate(const Points& x, VectorXd& log_likelihood, Points& gradient) const {
  Points w = whitened_residual(x);
  log_likelihood = -0.5 * dots(w, w);
  solve_lower_transposed(L_, w);
  gradient = transposed_product(x, w);
}

Points CalledLikelihood::gradient(const Points& x) const {
  VectorXd l;
  Points g;
  evaluate(x, l, g);
  return g;
}

Points CalledLikelihood::hessian_vp(const Points& x, const Points& v) const {
  Points t = jacobian_product(x, v);
  solve_lower(L_, t);
  solve_lower_transposed(L_, t);
  Points product = -transposed_product(x, t);
  if (map_.hessian == nullptr) return product;
  Points u = whitened_residual(x);
  solve_lower_transposed(L_, u);
  Points curved = unwritten_rows(x.rows(), x.cols());
  {
    const auto turn = turns_->take();
    map_.hessian(x.rows(), x.data(), u.data(), v.data(), curved.data());
  }
  product += curved;
  return product;
}

}  // namespace gmdiff::observations
