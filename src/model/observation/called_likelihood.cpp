#include "model/observation/called_likelihood.hpp"

#include <algorithm>
#include <utility>

namespace gmdiff::observations {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index most_rows = 4096;  // of a call for Jacobians, which bounds their memory

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

/// a . b in ascending order.
double dot(const auto& a, const auto& b) {
  double sum = 0.0;
  for (Index i = 0; i < a.size(); ++i) sum += a(i) * b(i);
  return sum;
}

/// a . b of each row.
VectorXd dots(const Points& a, const Points& b) {
  VectorXd sums(a.rows());
  for (Index n = 0; n < a.rows(); ++n) sums(n) = dot(a.row(n), b.row(n));
  return sums;
}

/// The rows that differ from the one before.
std::vector<Index> first_of_equal_rows(const Points& x) {
  std::vector<Index> firsts;
  firsts.reserve(static_cast<std::size_t>(x.rows()));
  for (Index n = 0; n < x.rows(); ++n) {
    if (n == 0 || x.row(n) != x.row(n - 1)) firsts.push_back(n);
  }
  return firsts;
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

/// J (dy, d) of some rows of x, one below the other, by one call.
Points CalledLikelihood::jacobians(const Points& x, const std::vector<Index>& rows) const {
  const Index dy = y_.size(), n = std::ssize(rows);
  Points points(n * dy, x.cols());
  for (Index k = 0; k < n; ++k)
    points.middleRows(k * dy, dy).rowwise() = x.row(rows[static_cast<std::size_t>(k)]);
  return transposed_product(points, Points::Identity(dy, dy).replicate(n, 1));
}

/// J v (n, dy): entry i is J^T e_i . v.
Points CalledLikelihood::jacobian_product(const Points& x, const Points& v) const {
  if (map_.product != nullptr) {
    Points product = unwritten_rows(x.rows(), y_.size());
    const auto turn = turns_->take();
    map_.product(x.rows(), x.data(), v.data(), product.data());
    return product;
  }
  // A Hessian is asked for by its products at copies of one point, which share J.
  const std::vector<Index> firsts = first_of_equal_rows(x);
  const auto per_call = static_cast<std::size_t>(std::max<Index>(1, most_rows / y_.size()));
  Points product(x.rows(), y_.size());
  for (std::size_t begin = 0; begin < firsts.size(); begin += per_call) {
    const std::size_t end = std::min(firsts.size(), begin + per_call);
    const std::vector<Index> rows(firsts.begin() + static_cast<Index>(begin),
                                  firsts.begin() + static_cast<Index>(end));
    const Points J = jacobians(x, rows);
    for (std::size_t k = begin; k < end; ++k) {
      const Index last = k + 1 < firsts.size() ? firsts[k + 1] : x.rows();
      const Index first_row = static_cast<Index>(k - begin) * y_.size();
      for (Index n = firsts[k]; n < last; ++n) {
        for (Index i = 0; i < y_.size(); ++i) product(n, i) = dot(J.row(first_row + i), v.row(n));
      }
    }
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
