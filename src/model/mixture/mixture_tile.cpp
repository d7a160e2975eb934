#include "model/mixture/mixture_tile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gmdiff {

using Eigen::Index;

namespace {

using ExtendedVector = Eigen::VectorX<long double>;

// Logits of one point (mathematics.md §2.2) in extended precision, in which squares of doubles and their
// quotients by variances cannot overflow. Used for the few points so far out that their logits overflow in
// double.
class FarPoint {
 public:
  FarPoint(const MixtureAtLevel& level, const Eigen::Ref<const Eigen::VectorXd>& x)
      : level_(level), x_(x.cast<long double>()) {}

  ExtendedVector logits() const {
    ExtendedVector result =
        ExtendedVector::Constant(level_.num_components(), -std::numeric_limits<long double>::infinity());
    const bool high_noise = level_.alpha * level_.alpha * level_.l.maxCoeff() <= level_.sigma * level_.sigma;
    for (Index k = 0; k < result.size(); ++k) {
      if (!level_.has_weight(k)) continue;
      const long double rest = static_cast<long double>(level_.data.log_weights(k)) -
                               static_cast<long double>(level_.half_log_det(level_.column(k)));
      result(k) = rest + (level_.equal ? linear(k)
                          : high_noise ? less_common_noise(k)
                                       : -0.5L * quadratic(k));
    }
    return result;
  }

 private:
  ExtendedVector rotated(Index k, const ExtendedVector& v) const {
    if (level_.basis == Basis::none) return v;
    return level_.rotation(k).cast<long double>().transpose() * v;
  }
  ExtendedVector variances(Index k) const { return level_.c.col(level_.column(k)).cast<long double>(); }
  /// alpha (mu_k - centre)
  ExtendedVector mean(Index k) const {
    return static_cast<long double>(level_.alpha) *
           (level_.means().col(k) - level_.data.centre).cast<long double>();
  }
  ExtendedVector centred() const {
    return x_ - static_cast<long double>(level_.alpha) * level_.data.centre.cast<long double>();
  }

  long double quadratic(Index k) const {
    const ExtendedVector z =
        rotated(k, x_ - static_cast<long double>(level_.alpha) * level_.means().col(k).cast<long double>());
    return z.cwiseAbs2().cwiseQuotient(variances(k)).sum();
  }
  /// The linear form for equal covariances, without the term in |x|^2.
  long double linear(Index k) const {
    const ExtendedVector m = rotated(k, mean(k));
    return (rotated(k, centred()) - 0.5L * m).cwiseProduct(m).cwiseQuotient(variances(k)).sum();
  }
  /// The form for high noise, without |x|^2 / sigma^2.
  long double less_common_noise(Index k) const {
    const long double ratio = static_cast<long double>(level_.alpha) / static_cast<long double>(level_.sigma);
    const ExtendedVector x = rotated(k, centred());
    const ExtendedVector m = rotated(k, mean(k));
    const ExtendedVector curvature = ratio * ratio * level_.l.col(level_.column(k)).cast<long double>();
    return 0.5L * (curvature.cwiseProduct(x.cwiseAbs2()) + m.cwiseProduct(2.0L * x - m))
                      .cwiseQuotient(variances(k))
                      .sum();
  }

  const MixtureAtLevel& level_;
  ExtendedVector x_;
};

}  // namespace

std::unique_ptr<TileEvaluation> TileEvaluation::make(const MixtureAtLevel& level, Index num_points) {
  return level.equal ? make_equal_covariances_tile(level, num_points)
                     : make_any_covariances_tile(level, num_points);
}

TileEvaluation::TileEvaluation(const MixtureAtLevel& level, Index capacity)
    : level_(level),
      logits_(level.num_components(), capacity),
      reference_(capacity),
      scratch_(level.dim(), capacity),
      capacity_(capacity),
      log_responsibilities_(level.num_components(), capacity),
      responsibilities_(level.num_components(), capacity),
      log_density_(capacity) {}

void TileEvaluation::load(const ConstColumns& X) {
  size_ = X.cols();
  place(X);
  for (Index j = 0; j < size_; ++j) normalise(j);
}

// Normalises after subtracting the maximum: far from the modes exp(logit - log p) would not sum to 1
// (mathematics.md §2.2).
void TileEvaluation::normalise(Index j) {
  const auto logits = logits_.col(j);
  const double largest = logits.maxCoeff();
  auto r = responsibilities_.col(j);
  double sum = 0.0;
  for (Index k = 0; k < r.size(); ++k) {
    r(k) = std::exp(logits(k) - largest);
    sum += r(k);
  }
  r /= sum;
  const double log_sum = std::log(sum);
  log_responsibilities_.col(j) = (logits.array() - largest) - log_sum;

  const Index reference = reference_(j);
  const double log_two_pi = std::log(2.0 * std::numbers::pi);
  log_density_(j) = level_.data.log_weights(reference) - level_.half_log_det(level_.column(reference)) -
                    0.5 * reference_quadratic(j) - 0.5 * static_cast<double>(level_.dim()) * log_two_pi +
                    (largest - logits(reference)) + log_sum;
}

void TileEvaluation::bound_logits(Index j) {
  constexpr double bound = std::numeric_limits<double>::max();
  for (Index k = 0; k < logits_.rows(); ++k) {
    double& logit = logits_(k, j);
    if (level_.has_weight(k)) {
      // NaN becomes -bound, as it is not above anything
      logit = logit > -bound ? std::min(logit, bound) : -bound;
    } else {
      logit = -std::numeric_limits<double>::infinity();
    }
  }
}

bool TileEvaluation::overflowed(Index j) const {
  bool some_finite = false;
  for (Index k = 0; k < logits_.rows(); ++k) {
    if (!level_.has_weight(k)) continue;
    const double logit = logits_(k, j);
    if (!(logit < std::numeric_limits<double>::infinity())) return true;
    some_finite = some_finite || std::isfinite(logit);
  }
  return !some_finite;
}

void TileEvaluation::place_far(Index j, const Eigen::Ref<const Eigen::VectorXd>& x) {
  const ExtendedVector logits = FarPoint(level_, x).logits();
  const long double top = logits.maxCoeff();
  for (Index k = 0; k < logits.size(); ++k) logits_(k, j) = static_cast<double>(logits(k) - top);
}

void TileEvaluation::centre(const ConstColumns& X, Columns out) {
  if (level_.basis == Basis::shared) {
    auto difference = scratch_.leftCols(X.cols());
    difference = X.colwise() - level_.alpha * level_.data.centre;
    out.noalias() = level_.rotation(0).transpose() * difference;
  } else {
    out = X.colwise() - level_.alpha * level_.data.centre;
  }
}

}  // namespace gmdiff
