#include <utility>
#include <vector>

#include "base/linear_algebra.hpp"
#include "model/mixture/mixture_evaluation.hpp"

// Jacobian of the denoiser, Hessian of the log-density, posterior covariance (mathematics.md §2.4): the mean
// over components of their own second-order terms U_k diag(q_k) U_k^T, plus the spread of their scores or
// denoisers about the mean. The spread is computed from centred vectors: as a difference of second moments it
// would lose every digit far from the modes.

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

// Computes H v and J v for tiles of points; q has the shape of the level's tables.
class SecondOrderProduct {
 public:
  SecondOrderProduct(const MixtureAtLevel& level, MatrixXd q, ComponentVector which, double spread_factor)
      : level_(level),
        q_(std::move(q)),
        which_(which),
        spread_factor_(spread_factor),
        deviations_(level.dim(), level.num_components()),
        coefficients_(level.num_components()) {}

  // out = sum_k r_k U_k diag(q_k) U_k^T V + spread_factor sum_k r_k delta_k <delta_k, V>, for one tangent per
  // point of the tile.
  void apply(TileEvaluation& tile, const ConstColumns& V, Columns out) {
    tile.prepare_deviations(which_);
    if (level_.basis == Basis::shared) {
      tangents_.noalias() = level_.rotation(0).transpose() * V;
      products_.resize(V.rows(), V.cols());
      apply_diagonal(tile, tangents_, products_);
      add_spread(tile, tangents_, products_);
      out.noalias() = level_.rotation(0) * products_;
      return;
    }
    if (level_.basis == Basis::own) {
      apply_rotated(tile, V, out);
    } else {
      apply_diagonal(tile, V, out);
    }
    add_spread(tile, V, out);
  }

 private:
  void apply_diagonal(const TileEvaluation& tile, const ConstColumns& V, Columns out) {
    if (level_.equal) {
      out = V.array().colwise() * q_.col(0).array();
    } else {
      out.noalias() = q_ * tile.responsibilities();
      out.array() *= V.array();
    }
  }

  void apply_rotated(const TileEvaluation& tile, const ConstColumns& V, Columns out) {
    out.setZero();
    for (Index k = 0; k < level_.num_components(); ++k) {
      if (tile.responsibilities().row(k).maxCoeff() == 0.0) continue;
      tangents_.noalias() = level_.rotation(k).transpose() * V;
      tangents_.array().colwise() *= q_.col(k).array();
      tangents_.array().rowwise() *= tile.responsibilities().row(k).array();
      out.noalias() += level_.rotation(k) * tangents_;
    }
  }

  void add_spread(const TileEvaluation& tile, const ConstColumns& V, Columns out) {
    for (Index j = 0; j < V.cols(); ++j) {
      tile.deviations(j, deviations_);
      coefficients_.noalias() = deviations_.transpose() * V.col(j);
      coefficients_.array() *= spread_factor_ * tile.responsibilities().col(j).array();
      out.col(j).noalias() += deviations_ * coefficients_;
    }
  }

  const MixtureAtLevel& level_;
  MatrixXd q_;
  ComponentVector which_;
  double spread_factor_;
  MatrixXd deviations_;
  Eigen::VectorXd coefficients_;
  MatrixXd tangents_;
  MatrixXd products_;
};

Points apply_to_all(SecondOrderProduct product, const MixtureAtLevel& level, const Points& x,
                    const Points& v) {
  Points result(x.rows(), x.cols());
  for_each_tile(level, x, [&](TileEvaluation& tile, Index first, Index count) {
    product.apply(tile, as_columns(v).middleCols(first, count), as_columns(result).middleCols(first, count));
  });
  return result;
}

void check_tangents(const Points& x, const Points& v, Index dim) {
  check_points(x, dim, "point");
  check_points(v, dim, "tangent");
  require(v.rows() == x.rows(), "Mixture: ", x.rows(), " points but ", v.rows(), " tangents");
}

// sum_k r_k S_k at one point, S_k = U_k diag(sigma^2 l / c) U_k^T.
MatrixXd mean_component_covariance(const MixtureAtLevel& level, const std::vector<MatrixXd>& S,
                                   const MatrixXd& q, const Eigen::Ref<const Eigen::VectorXd>& r) {
  if (level.equal) return q.col(0).asDiagonal();
  if (level.basis != Basis::own) return Eigen::VectorXd(q * r).asDiagonal();
  MatrixXd sum = MatrixXd::Zero(level.dim(), level.dim());
  for (Index k = 0; k < r.size(); ++k) {
    if (r(k) != 0.0) sum += r(k) * S[static_cast<std::size_t>(k)];
  }
  return sum;
}

}  // namespace

Points Mixture::denoiser_jvp(const Points& x, const Points& v, Level level) const {
  check_tangents(x, v, dim());
  const MixtureAtLevel at(*data_, level);
  if (level.alpha == 0.0) return Points::Zero(v.rows(), v.cols());
  if (level.sigma == 0.0) return v / level.alpha;
  // Takes the spread of the denoisers divided by sigma^2 or that of the scores times sigma^2, whichever
  // divides by the larger number.
  const double squared_sigma = level.sigma * level.sigma;
  const bool noisy = level.sigma >= level.alpha;
  const ComponentVector which = noisy ? ComponentVector::denoiser : ComponentVector::score;
  const double factor = noisy ? level.alpha / squared_sigma : squared_sigma / level.alpha;
  return apply_to_all(SecondOrderProduct(at, at.gain, which, factor), at, x, v);
}

Points Mixture::hessian_vp(const Points& x, const Points& v, Level level) const {
  check_tangents(x, v, dim());
  const MixtureAtLevel at(*data_, level);
  at.require_density();
  return apply_to_all(SecondOrderProduct(at, -at.c.cwiseInverse(), ComponentVector::score, 1.0), at, x, v);
}

std::vector<MatrixXd> Mixture::posterior_covariance(const Points& x, Level level) const {
  check_points(x, dim(), "point");
  const MixtureAtLevel at(*data_, level);
  std::vector<MatrixXd> result(static_cast<std::size_t>(x.rows()), MatrixXd::Zero(dim(), dim()));
  if (level.sigma == 0.0) return result;
  const MatrixXd q = level.sigma * level.sigma * at.l.cwiseQuotient(at.c);
  std::vector<MatrixXd> S;
  if (at.basis == Basis::own) {
    for (Index k = 0; k < num_components(); ++k)
      S.push_back(linear_algebra::reconstruct(at.rotation(k), q.col(k)));
  }
  MatrixXd deviations(dim(), num_components());
  for_each_tile(at, x, [&](TileEvaluation& tile, Index first, Index count) {
    tile.prepare_deviations(ComponentVector::denoiser);
    for (Index j = 0; j < count; ++j) {
      const auto r = tile.responsibilities().col(j);
      tile.deviations(j, deviations);
      deviations.array().rowwise() *= r.transpose().array().sqrt();
      MatrixXd covariance = mean_component_covariance(at, S, q, r) +
                            linear_algebra::product(deviations, deviations.transpose());
      if (at.basis == Basis::shared) {
        covariance = linear_algebra::product(linear_algebra::product(at.rotation(0), covariance),
                                             at.rotation(0).transpose());
      }
      result[static_cast<std::size_t>(first + j)] = 0.5 * (covariance + covariance.transpose());
    }
  });
  return result;
}

}  // namespace gmdiff
