#include <cmath>

#include "model/mixture/mixture_evaluation.hpp"

// Densities, responsibilities, score and denoiser of the diffused mixture (mathematics.md §2.2, §2.3).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;

VectorXd Mixture::log_pdf(const Points& x, Level level) const {
  check_points(x, dim(), "point");
  const MixtureAtLevel at(*data_, level);
  at.require_density();
  VectorXd result(x.rows());
  for_each_tile(at, x, [&](const TileEvaluation& tile, Index first, Index count) {
    result.segment(first, count) = tile.log_density();
  });
  return result;
}

VectorXd Mixture::pdf(const Points& x, Level level) const {
  return log_pdf(x, level).unaryExpr([](double value) { return std::exp(value); });
}

Points Mixture::log_responsibilities(const Points& x, Level level) const {
  check_points(x, dim(), "point");
  const MixtureAtLevel at(*data_, level);
  at.require_density();
  Points result(x.rows(), num_components());
  for_each_tile(at, x, [&](const TileEvaluation& tile, Index first, Index count) {
    as_columns(result).middleCols(first, count) = tile.log_responsibilities();
  });
  return result;
}

Points Mixture::responsibilities(const Points& x, Level level) const {
  check_points(x, dim(), "point");
  const MixtureAtLevel at(*data_, level);
  at.require_density();
  Points result(x.rows(), num_components());
  for_each_tile(at, x, [&](const TileEvaluation& tile, Index first, Index count) {
    as_columns(result).middleCols(first, count) = tile.responsibilities();
  });
  return result;
}

Points Mixture::score(const Points& x, Level level) const {
  check_points(x, dim(), "point");
  const MixtureAtLevel at(*data_, level);
  at.require_density();
  Points result(x.rows(), dim());
  for_each_tile(at, x, [&](TileEvaluation& tile, Index first, Index count) {
    tile.mean(ComponentVector::score, as_columns(result).middleCols(first, count));
  });
  return result;
}

Points Mixture::denoiser(const Points& x, Level level) const {
  check_points(x, dim(), "point");
  const MixtureAtLevel at(*data_, level);
  if (level.sigma == 0.0) return x / level.alpha;
  Points result(x.rows(), dim());
  for_each_tile(at, x, [&](TileEvaluation& tile, Index first, Index count) {
    tile.mean(ComponentVector::denoiser, as_columns(result).middleCols(first, count));
  });
  return result;
}

}  // namespace gmdiff
