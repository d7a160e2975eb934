#include "model/mixture/mixture_block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gmdiff {

using Eigen::Index;

std::unique_ptr<BlockEvaluation> BlockEvaluation::make(const MixtureAtLevel& level, Index num_points) {
  return level.equal ? make_equal_covariances_block(level, num_points) : make_any_covariances_block(level, num_points);
}

BlockEvaluation::BlockEvaluation(const MixtureAtLevel& level, Index capacity)
    : level_(level),
      logits_(level.num_components(), capacity),
      reference_(capacity),
      scratch_(level.dim(), capacity),
      capacity_(capacity),
      log_responsibilities_(level.num_components(), capacity),
      responsibilities_(level.num_components(), capacity),
      log_density_(capacity) {}

void BlockEvaluation::load(const ConstColumns& X) {
  size_ = X.cols();
  place(X);
  for (Index j = 0; j < size_; ++j) normalise(j);
}

// Normalised after the shift: far from the modes exp(logit - log p) would not sum to 1 (mathematics.md §2.2).
void BlockEvaluation::normalise(Index j) {
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
  log_density_(j) = level_.data.log_weights(reference) - level_.half_log_det(level_.column(reference)) - 0.5 * reference_quadratic(j) -
                    0.5 * static_cast<double>(level_.dim()) * log_two_pi + (largest - logits(reference)) + log_sum;
}

void BlockEvaluation::bound_logits(Index j) {
  constexpr double bound = std::numeric_limits<double>::max();
  for (Index k = 0; k < logits_.rows(); ++k) {
    double& logit = logits_(k, j);
    if (level_.has_weight(k)) {
      logit = logit > -bound ? std::min(logit, bound) : -bound;  // NaN is not above anything
    } else {
      logit = -std::numeric_limits<double>::infinity();
    }
  }
}

void BlockEvaluation::centre(const ConstColumns& X, Columns out) {
  if (level_.basis == Basis::shared) {
    auto difference = scratch_.leftCols(X.cols());
    difference = X.colwise() - level_.alpha * level_.data.centre;
    out.noalias() = level_.rotation(0).transpose() * difference;
  } else {
    out = X.colwise() - level_.alpha * level_.data.centre;
  }
}

}  // namespace gmdiff
