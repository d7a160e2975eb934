#include <gmdiff/model/linear_transition.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/linear_transition.hpp"

namespace gmdiff {
namespace {

using ExtendedMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
using ExtendedVector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;

/// Coefficient by coefficient, so that the order of the sums does not depend on the processor.
ExtendedMatrix times(const ExtendedMatrix& A, const ExtendedMatrix& B) { return A.lazyProduct(B); }

/// Moments of a transition: X' = F X + shift + N(0, covariance).
struct Moments {
  ExtendedMatrix F;
  ExtendedVector shift;
  ExtendedMatrix covariance;
};

/// F = sum A^n h^n / n!,  shift = sum A^n b h^{n+1} / (n+1)!,  covariance = sum M_n h^{n+1} / (n+1)! with
/// M_0 = S and M_{n+1} = A M_n + M_n A^T. Needs |A| h <= 1/4.
Moments series(const ExtendedMatrix& A, const ExtendedVector& b, const ExtendedMatrix& S, long double h) {
  constexpr int terms = 40;  // (2 |A| h)^n / n! is then below any long double's precision
  const Eigen::Index d = A.rows();
  const ExtendedMatrix Ah = A * h;
  ExtendedMatrix power = ExtendedMatrix::Identity(d, d), M = S * h;
  ExtendedVector v = b * h;
  Moments sum{.F = power, .shift = v, .covariance = M};
  for (int n = 1; n < terms; ++n) {
    power = times(power, Ah) / static_cast<long double>(n);
    v = times(Ah, v) / static_cast<long double>(n + 1);
    const ExtendedMatrix product = times(Ah, M);
    M = (product + product.transpose()) / static_cast<long double>(n + 1);  // M is symmetric
    sum.F += power;
    sum.shift += v;
    sum.covariance += M;
  }
  return sum;
}

/// Two equal transitions, one after the other.
Moments twice(const Moments& one) {
  const ExtendedMatrix moved = times(times(one.F, one.covariance), one.F.transpose());
  return {.F = times(one.F, one.F),
          .shift = times(one.F, one.shift) + one.shift,
          .covariance = 0.5L * (moved + moved.transpose()) + one.covariance};
}

/// Lower triangular L with L L^T = C for a symmetric, positive semidefinite C. A pivot that rounding explains
/// counts as 0, and so does its column.
ExtendedMatrix factor_of(const ExtendedMatrix& C) {
  const Eigen::Index d = C.rows();
  const long double tolerance =
      16.0L * static_cast<long double>(d) * std::numeric_limits<long double>::epsilon();
  ExtendedMatrix L = ExtendedMatrix::Zero(d, d);
  for (Eigen::Index j = 0; j < d; ++j) {
    long double pivot = C(j, j);
    for (Eigen::Index k = 0; k < j; ++k) pivot -= L(j, k) * L(j, k);
    if (!(pivot > tolerance * C(j, j))) continue;
    L(j, j) = std::sqrt(pivot);
    for (Eigen::Index i = j + 1; i < d; ++i) {
      long double sum = C(i, j);
      for (Eigen::Index k = 0; k < j; ++k) sum -= L(i, k) * L(j, k);
      L(i, j) = sum / L(j, j);
    }
  }
  return L;
}

void check(const Eigen::MatrixXd& A, const Eigen::VectorXd& b, const Eigen::MatrixXd& S, double h) {
  const Eigen::Index d = A.rows();
  require(d >= 1 && A.cols() == d, "linear_transition: A has shape (", A.rows(), ", ", A.cols(),
          "), expected (d, d) with d >= 1");
  require(b.size() == d, "linear_transition: b has ", b.size(), " numbers, expected ", d);
  require(S.rows() == d && S.cols() == d, "linear_transition: S has shape (", S.rows(), ", ", S.cols(),
          "), expected (", d, ", ", d, ")");
  require(A.allFinite() && b.allFinite() && S.allFinite(), "linear_transition: expected finite numbers");
  require(S == S.transpose(), "linear_transition: S must be symmetric");
  require(std::isfinite(h) && h >= 0.0, "linear_transition: h must be a finite number >= 0, got ", h);
}

}  // namespace

LinearTransition linear_transition(const Eigen::MatrixXd& A, const Eigen::VectorXd& b,
                                   const Eigen::MatrixXd& S, double h) {
  return extended_linear_transition(A, b, S, static_cast<long double>(h));
}

LinearTransition extended_linear_transition(const Eigen::MatrixXd& A, const Eigen::VectorXd& b,
                                            const Eigen::MatrixXd& S, long double h) {
  check(A, b, S, static_cast<double>(h));
  const ExtendedMatrix drift = A.cast<long double>();
  int doublings = 0;
  long double part = h;
  for (const long double norm = drift.cwiseAbs().colwise().sum().maxCoeff(); norm * part > 0.25L; ++doublings)
    part *= 0.5L;
  Moments moments = series(drift, b.cast<long double>(), S.cast<long double>(), part);
  for (int n = 0; n < doublings; ++n) moments = twice(moments);
  LinearTransition result{.F = moments.F.cast<double>(),
                          .shift = moments.shift.cast<double>(),
                          .factor = factor_of(moments.covariance).cast<double>()};
  require(result.F.allFinite() && result.shift.allFinite() && result.factor.allFinite(),
          "linear_transition: the transition over h = ", static_cast<double>(h),
          " exceeds the range of a double; use smaller steps");
  return result;
}

Eigen::MatrixXd semidefinite_factor(const Eigen::MatrixXd& S) {
  return factor_of(S.cast<long double>()).cast<double>();
}

Eigen::MatrixXd LinearTransition::covariance() const {
  return linear_algebra::product(factor, factor.transpose());
}

Mixture LinearTransition::law(const Mixture& start) const {
  require(start.dim() == F.rows(), "LinearTransition: the start has dimension ", start.dim(), ", expected ",
          F.rows());
  const Mixture moved = start.push_forward(F, shift);
  const Eigen::MatrixXd added = covariance();
  std::vector<Eigen::MatrixXd> covariances;
  covariances.reserve(static_cast<std::size_t>(moved.num_components()));
  for (Eigen::Index k = 0; k < moved.num_components(); ++k)
    covariances.push_back(moved.component_covariance(k) + added);
  return Mixture::from_log_weights(moved.log_weights(), moved.means(), Covariance::full(covariances));
}

}  // namespace gmdiff
