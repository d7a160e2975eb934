#include <gmdiff/model/modes.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "base/log_mean_exp.hpp"
#include "base/random.hpp"
#include "model/target/ascent.hpp"
#include "model/target/sparse_ascent.hpp"

// Local maxima and Laplace's approximation (mathematics.md §15.3).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index max_dim = 200;
constexpr double least_distance = 1e-4;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void check(const Target& target, const ModeOptions& options) {
  const Points& starts = options.starts;
  targets::check_kinks(target);
  require(target.dim() <= max_dim, "modes: the dimension must be at most ", max_dim, ", got ", target.dim());
  require(starts.size() == 0 || starts.cols() == target.dim(), "modes: starts have dimension ", starts.cols(),
          ", expected ", target.dim());
  require(starts.allFinite(), "modes: starts must be finite");
  require(options.draws >= 0, "modes: draws must be at least 0, got ", options.draws);
  require(options.draws > 0 || starts.size() > 0, "modes: expected starts or draws, got neither");
  require(std::isfinite(options.spread) && options.spread > 0.0, "modes: spread must be positive, got ",
          options.spread);
}

/// The given starts, followed by the draws.
Points all_starts(Index d, const ModeOptions& options) {
  const Index given = options.starts.size() > 0 ? options.starts.rows() : 0;
  Points x(given + options.draws, d);
  if (given > 0) x.topRows(given) = options.starts;
  for (Index n = 0; n < options.draws; ++n) {
    NormalStream normals(
        {.seed = options.seed, .index = static_cast<std::uint64_t>(n), .purpose = Purpose::proposal_noise},
        Precision::f64);
    for (Index j = 0; j < d; ++j) x(given + n, j) = options.spread * normals(static_cast<std::uint64_t>(j));
  }
  return x;
}

/// log of the mass of a normal density with the height exp(l) and the Hessian H of its logarithm; NaN for an
/// empty H.
double laplace_log_mass(double l, const MatrixXd& H) {
  if (H.size() == 0) return nan;
  const MatrixXd L = *linear_algebra::cholesky(-H);
  return l + 0.5 * static_cast<double>(H.rows()) * std::log(2.0 * std::numbers::pi) -
         L.diagonal().array().log().sum();
}

void add_if_new(std::vector<Mode>& maxima, const targets::Ascent& found) {
  const auto is_near = [&found](const Mode& mode) { return (mode.x - found.x).norm() <= least_distance; };
  if (std::any_of(maxima.begin(), maxima.end(), is_near)) return;
  maxima.push_back({.x = found.x,
                    .log_density = found.l,
                    .hessian = found.H,
                    .log_mass = laplace_log_mass(found.l, found.H)});
}

void add(Modes& result, const targets::Ascent& found) {
  using targets::AscentEnd;
  switch (found.end) {
    case AscentEnd::maximum:
      return add_if_new(result.maxima, found);
    case AscentEnd::saddle:
      ++result.saddles;
      return;
    case AscentEnd::unfinished:
      ++result.unfinished;
      return;
    case AscentEnd::outside:
      ++result.outside;
      return;
  }
}

double log_sum_of_masses(const std::vector<Mode>& maxima) {
  if (maxima.empty()) return -std::numeric_limits<double>::infinity();
  std::vector<double> masses;
  masses.reserve(maxima.size());
  for (const Mode& mode : maxima) masses.push_back(mode.log_mass);
  return log_mean_exp(masses) + std::log(static_cast<double>(masses.size()));
}

/// A lower-triangular factor of scale (-H)^{-1}.
MatrixXd factor_of_inverse(const MatrixXd& H, double scale) {
  const MatrixXd L = *linear_algebra::cholesky(-H);
  const MatrixXd inverse = linear_algebra::solve_lower_transposed(L, MatrixXd::Identity(H.rows(), H.cols()));
  return std::sqrt(scale) * linear_algebra::triangular_factor(inverse);
}

}  // namespace

Modes modes(const Target& target, const ModeOptions& options) {
  check(target, options);
  const Points starts = all_starts(target.dim(), options);
  Modes result{.maxima = {}, .log_normalizer = 0.0};
  result.is_gauss_newton = !target.has_exact_hessian();
  const bool has_kinks = targets::has_kinks(target);
  for (Index n = 0; n < starts.rows(); ++n) {
    const VectorXd start = starts.row(n).transpose();
    add(result, has_kinks ? targets::ascend_with_kinks(target, start) : targets::ascend(target, start));
  }
  std::stable_sort(result.maxima.begin(), result.maxima.end(),
                   [](const Mode& a, const Mode& b) { return a.log_density > b.log_density; });
  result.log_normalizer = has_kinks ? nan : log_sum_of_masses(result.maxima);
  return result;
}

Mixture laplace_mixture(const Modes& modes, double scale) {
  require(!modes.maxima.empty(), "laplace_mixture: expected at least one maximum");
  require(
      modes.maxima.front().hessian.size() > 0,
      "laplace_mixture: maxima of a prior without smoothing have no Hessian; give the prior the smoothing "
      "pseudo-huber or huber");
  require(std::isfinite(scale) && scale > 0.0, "laplace_mixture: scale must be positive, got ", scale);
  const auto K = static_cast<Index>(modes.maxima.size());
  VectorXd log_weights(K);
  Points means(K, modes.maxima.front().x.size());
  std::vector<MatrixXd> factors;
  for (Index k = 0; k < K; ++k) {
    const Mode& mode = modes.maxima[static_cast<std::size_t>(k)];
    log_weights(k) = mode.log_mass;
    means.row(k) = mode.x.transpose();
    factors.push_back(factor_of_inverse(mode.hessian, scale));
  }
  return Mixture::from_log_weights(log_weights, means, Covariance::full_cholesky(std::move(factors)));
}

}  // namespace gmdiff
