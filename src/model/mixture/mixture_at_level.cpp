#include "model/mixture/mixture_at_level.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/check.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;

// Whether the value is 0 or has a square that is a normal double, so that no division is by a square that
// underflowed.
bool usable(double value) {
  const double square = value * value;
  return value == 0.0 || (value > 0.0 && square >= std::numeric_limits<double>::min() &&
                          square <= std::numeric_limits<double>::max());
}

Basis basis_of(const Mixture::Data& data) {
  if (data.bases.empty()) return Basis::none;
  return data.bases.size() == 1 ? Basis::shared : Basis::own;
}

bool equal_covariances(const Mixture::Data& data) {
  if (data.bases.size() > 1) return false;
  return (data.eigenvalues.rowwise() - data.eigenvalues.row(0)).cwiseAbs().maxCoeff() == 0.0;
}

}  // namespace

void check_level(Level level) {
  constexpr const char* expected = ", expected 0 or a positive number whose square is a normal double";
  require(usable(level.alpha), "Mixture: the level has alpha = ", level.alpha, expected);
  require(usable(level.sigma), "Mixture: the level has sigma = ", level.sigma, expected);
  require(level.alpha > 0.0 || level.sigma > 0.0, "Mixture: the level has alpha = 0 and sigma = 0");
}

MixtureAtLevel::MixtureAtLevel(const Mixture::Data& mixture, Level level)
    : data(mixture),
      alpha(level.alpha),
      sigma(level.sigma),
      basis(basis_of(mixture)),
      equal(equal_covariances(mixture)) {
  check_level(level);
  const Index columns = equal ? 1 : num_components();
  l.setZero(dim(), columns);
  c.setOnes(dim(), columns);
  for (Index k = 0; k < columns; ++k) {
    if (!equal && !has_weight(k)) continue;
    for (Index i = 0; i < dim(); ++i) {
      l(i, k) = data.eigenvalue(k, i);
      c(i, k) = alpha * alpha * l(i, k) + sigma * sigma;
    }
  }
  gain = (l.array() > 0.0).select(alpha * l.array() / c.array(), 0.0);
  half_log_det = 0.5 * c.unaryExpr([](double value) { return std::log(value); }).colwise().sum().transpose();
}

void MixtureAtLevel::require_density() const {
  for (Index k = 0; k < num_components(); ++k) {
    if (has_weight(k) && !(c.col(column(k)).minCoeff() > 0.0)) {
      throw std::domain_error(concat("Mixture: no density at sigma = ", sigma,
                                     " because the covariance of component ", k, " is singular"));
    }
  }
}

}  // namespace gmdiff
