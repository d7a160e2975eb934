#include <algorithm>
#include <cmath>

#include "model/mixture/mixture_tile.hpp"

// Components with different covariances: all quantities are computed from the offsets z_k = U_k^T (x - alpha
// mu_k) of a tile, which are computed once.

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// With a basis per component the offsets are products of matrices; with fewer columns each U_k would be read
// too often.
constexpr Index smallest_rotated_tile = 16;
constexpr Index numbers_per_tile = Index{1} << 17;

Index tile_capacity(const MixtureAtLevel& level, Index num_points) {
  const Index smallest = level.basis == Basis::own ? smallest_rotated_tile : 1;
  const Index wanted =
      std::clamp<Index>(numbers_per_tile / (level.dim() * level.num_components()), smallest, largest_tile);
  return std::clamp<Index>(num_points, 1, wanted);
}

class AnyCovariancesTile final : public TileEvaluation {
 public:
  AnyCovariancesTile(const MixtureAtLevel& level, Index capacity)
      : TileEvaluation(level, capacity),
        offsets_(level.dim(), level.num_components() * capacity),
        centred_(level.dim(), capacity),
        high_noise_(level.alpha * level.alpha * level.l.maxCoeff() <= level.sigma * level.sigma) {
    if (!high_noise_) return;
    const double squared_ratio = (level.alpha / level.sigma) * (level.alpha / level.sigma);
    curvature_ = squared_ratio * level.l.array() / level.c.array();
    half_log1p_ = 0.5 * (squared_ratio * level.l)
                            .unaryExpr([](double v) { return std::log1p(v); })
                            .colwise()
                            .sum()
                            .transpose();
  }

  void mean(ComponentVector which, Columns out) override {
    prepare_deviations(which);
    if (level_.basis == Basis::shared) {
      out.noalias() = level_.rotation(0) * mean_.leftCols(size());
      if (which == ComponentVector::denoiser) out.colwise() += level_.data.centre;
    } else {
      out = mean_.leftCols(size());
    }
  }

  // Computes the components' vectors in working coordinates (with a shared basis, denoisers relative to the
  // centre) and their mean.
  void prepare_deviations(ComponentVector which) override {
    vectors_.resize(level_.dim(), level_.num_components() * capacity());
    mean_.setZero(level_.dim(), capacity());
    for (Index k = 0; k < level_.num_components(); ++k) {
      if (responsibilities().row(k).maxCoeff() == 0.0) continue;
      component_vectors(which, k);
      for (Index j = 0; j < size(); ++j) {
        const double r = responsibilities()(k, j);
        if (r != 0.0) mean_.col(j) += r * vectors_.col(k * capacity() + j);
      }
    }
  }

  void deviations(Index j, Columns out) const override {
    for (Index k = 0; k < out.cols(); ++k) {
      if (responsibilities()(k, j) == 0.0) {
        out.col(k).setZero();
      } else {
        out.col(k) = vectors_.col(k * capacity() + j) - mean_.col(j);
      }
    }
  }

 protected:
  void place(const ConstColumns& X) override {
    if (level_.basis == Basis::shared) centre(X, centred_.leftCols(X.cols()));
    for (Index k = 0; k < level_.num_components(); ++k) {
      if (!level_.has_weight(k)) continue;
      place_offsets(k, X);
      for (Index j = 0; j < X.cols(); ++j)
        logits_(k, j) = high_noise_ ? high_noise_logit(k, j) : plain_logit(k, j);
    }
    for (Index j = 0; j < X.cols(); ++j) {
      if (overflowed(j)) place_far(j, X.col(j));
      bound_logits(j);
      logits_.col(j).maxCoeff(&reference_(j));
    }
  }

  double reference_quadratic(Index j) const override { return quadratic(reference_(j), j); }

 private:
  auto columns_of(MatrixXd& matrix, Index k, Index b) const { return matrix.middleCols(k * capacity(), b); }

  void place_offsets(Index k, const ConstColumns& X) {
    auto Z = columns_of(offsets_, k, X.cols());
    switch (level_.basis) {
      case Basis::none:
        Z = X.colwise() - level_.alpha * level_.means().col(k);
        break;
      case Basis::shared:
        Z = centred_.leftCols(X.cols()).colwise() - level_.alpha * level_.centred_means().col(k);
        break;
      case Basis::own: {
        auto difference = scratch_.leftCols(X.cols());
        difference = X.colwise() - level_.alpha * level_.means().col(k);
        Z.noalias() = level_.rotation(k).transpose() * difference;
        break;
      }
    }
  }

  double quadratic(Index k, Index j) const {
    return (offsets_.col(k * capacity() + j).array().square() / level_.c.col(k).array()).sum();
  }

  double plain_logit(Index k, Index j) const {
    return level_.data.log_weights(k) - level_.half_log_det(k) - 0.5 * quadratic(k, j);
  }

  // The form for high noise of mathematics.md §2.2, without |x|^2 / sigma^2 and d log sigma; xt = z + alpha m
  // is centred. Where sigma is large against all components, the plain form would lose their differences in
  // the rounding of |x|^2.
  double high_noise_logit(Index k, Index j) const {
    const auto z = offsets_.col(k * capacity() + j).array();
    const auto m = level_.centred_means().col(k).array();
    const double alpha = level_.alpha;
    const double sum = (curvature_.col(k).array() * (z + alpha * m).square() +
                        alpha * m * (2.0 * z + alpha * m) / level_.c.col(k).array())
                           .sum();
    return level_.data.log_weights(k) - half_log1p_(k) + 0.5 * sum;
  }

  void component_vectors(ComponentVector which, Index k) {
    const bool score = which == ComponentVector::score;
    const bool rotate = level_.basis == Basis::own;
    const auto Z = columns_of(offsets_, k, size()).array();
    auto V = columns_of(vectors_, k, size());
    auto scaled = rotate ? scratch_.middleCols(0, size()) : columns_of(vectors_, k, size());
    if (score) {
      scaled = -(Z.colwise() / level_.c.col(k).array());
    } else {
      scaled = Z.colwise() * level_.gain.col(k).array();
    }
    if (rotate) V.noalias() = level_.rotation(k) * scaled;
    if (!score)
      V.colwise() += level_.basis == Basis::shared ? level_.centred_means().col(k) : level_.means().col(k);
  }

  MatrixXd offsets_;  // z_k of the points: component k has the columns from k capacity() on
  MatrixXd centred_;  // U^T (x - alpha centre); only with a shared basis
  bool high_noise_;
  MatrixXd curvature_;   // alpha^2 l / (sigma^2 c)
  VectorXd half_log1p_;  // 1/2 log det (C_k / sigma^2)
  MatrixXd vectors_;     // same layout as offsets_
  MatrixXd mean_;
};

}  // namespace

std::unique_ptr<TileEvaluation> make_any_covariances_tile(const MixtureAtLevel& level, Index num_points) {
  return std::make_unique<AnyCovariancesTile>(level, tile_capacity(level, num_points));
}

}  // namespace gmdiff
