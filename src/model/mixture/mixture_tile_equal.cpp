#include <algorithm>

#include "model/mixture/mixture_tile.hpp"

// All components have one covariance C (tied, one spherical or diag row, one component): terms common to all
// components cancel on paper and are never computed, so that they cannot cancel in rounding.

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Each point is described by its offset z_b from its best component b; then z_k = z_b - alpha (mu_k - mu_b),
// and logits, score, denoiser and deviations need only differences of means. The linear form of
// mathematics.md §2.2 finds the best component. The differences of logits are then computed again from z_b,
// which keeps them accurate at |x| = 1e6, and also between close components at low noise that lie far from
// the others.
class EqualCovariancesTile final : public TileEvaluation {
 public:
  EqualCovariancesTile(const MixtureAtLevel& level, Index capacity)
      : TileEvaluation(level, capacity),
        alpha_over_c_(level.alpha / level.c.col(0).array()),
        means_(level.basis == Basis::shared ? level.centred_means() : level.means()),
        centred_(level.dim(), capacity),
        offset_(level.dim(), capacity),
        relative_mean_(level.dim(), capacity) {
    const MatrixXd centred_means = level.centred_means();
    slopes_ = centred_means.array().colwise() * alpha_over_c_.array();
    intercepts_ = level.data.log_weights -
                  0.5 * level.alpha * slopes_.cwiseProduct(centred_means).colwise().sum().transpose();
  }

  void mean(ComponentVector which, Columns out) override {
    compute_relative_means();
    auto work = scratch_.leftCols(size());
    work = offset_.leftCols(size()) - level_.alpha * relative_mean_.leftCols(size());
    if (which == ComponentVector::score) {
      work = -(work.array().colwise() / level_.c.col(0).array());
    } else {
      work = relative_mean_.leftCols(size()).array() + work.array().colwise() * level_.gain.col(0).array();
    }
    if (level_.basis == Basis::shared) {
      out.noalias() = level_.rotation(0) * work;
    } else {
      out = work;
    }
    if (which == ComponentVector::denoiser) {
      for (Index j = 0; j < size(); ++j) out.col(j) += level_.means().col(reference_(j));
    }
  }

  void prepare_deviations(ComponentVector which) override {
    compute_relative_means();
    const double numerator = which == ComponentVector::score ? level_.alpha : level_.sigma * level_.sigma;
    deviation_scale_ = numerator / level_.c.col(0).array();
  }

  void deviations(Index j, Columns out) const override {
    const auto best_mean = means_.col(reference_(j));
    for (Index k = 0; k < out.cols(); ++k) {
      if (responsibilities()(k, j) == 0.0) {
        out.col(k).setZero();
      } else {
        out.col(k) = deviation_scale_.array() * ((means_.col(k) - best_mean) - relative_mean_.col(j)).array();
      }
    }
  }

 protected:
  void place(const ConstColumns& X) override {
    const Index b = X.cols();
    centre(X, centred_.leftCols(b));
    logits_.leftCols(b).noalias() = slopes_.transpose() * centred_.leftCols(b);
    logits_.leftCols(b).colwise() += intercepts_;
    for (Index j = 0; j < b; ++j) {
      if (overflowed(j)) place_far(j, X.col(j));
      bound_logits(j);
      logits_.col(j).maxCoeff(&reference_(j));
    }
    place_offsets(X);
    for (Index j = 0; j < b; ++j) {
      place_logits(j);
      if (overflowed(j)) place_far(j, X.col(j));
      bound_logits(j);
    }
  }

  double reference_quadratic(Index j) const override {
    return (offset_.col(j).array().square() / level_.c.col(0).array()).sum();
  }

 private:
  // z_b = U^T (x - alpha mu_b). The difference is taken before the rotation, so that no digit is lost close
  // to a mean.
  void place_offsets(const ConstColumns& X) {
    const Index b = X.cols();
    const bool rotate = level_.basis == Basis::shared;
    auto difference = rotate ? scratch_.leftCols(b) : offset_.leftCols(b);
    for (Index j = 0; j < b; ++j)
      difference.col(j) = X.col(j) - level_.alpha * level_.means().col(reference_(j));
    if (rotate) offset_.leftCols(b).noalias() = level_.rotation(0).transpose() * difference;
  }

  // ell_k - ell_b = log w_k - log w_b + <z_b - alpha (mu_k - mu_b) / 2, alpha C^{-1} (mu_k - mu_b)>
  void place_logits(Index j) {
    const Index best = reference_(j);
    const double half_alpha = 0.5 * level_.alpha;
    const auto z = offset_.col(j).array();
    const auto best_mean = means_.col(best).array();
    for (Index k = 0; k < logits_.rows(); ++k) {
      const auto shift = means_.col(k).array() - best_mean;
      logits_(k, j) = level_.data.log_weights(k) - level_.data.log_weights(best) +
                      ((z - half_alpha * shift) * shift * alpha_over_c_.array()).sum();
    }
  }

  // sum_k r_k (mu_k - mu_b)
  void compute_relative_means() {
    for (Index j = 0; j < size(); ++j) {
      auto sum = relative_mean_.col(j);
      sum.setZero();
      for (Index k = 0; k < logits_.rows(); ++k) {
        const double r = responsibilities()(k, j);
        if (r != 0.0) sum += r * (means_.col(k) - means_.col(reference_(j)));
      }
    }
  }

  VectorXd alpha_over_c_;
  Eigen::Map<const MatrixXd> means_;  // in working coordinates
  MatrixXd slopes_;                   // slopes of the linear form, (d, K)
  VectorXd intercepts_;               // (K)
  MatrixXd centred_;                  // U^T (x - alpha centre)
  MatrixXd offset_;                   // z_b
  MatrixXd relative_mean_;            // sum_k r_k (mu_k - mu_b)
  VectorXd deviation_scale_;
};

}  // namespace

std::unique_ptr<TileEvaluation> make_equal_covariances_tile(const MixtureAtLevel& level, Index num_points) {
  return std::make_unique<EqualCovariancesTile>(level, std::clamp<Index>(num_points, 1, largest_tile));
}

}  // namespace gmdiff
