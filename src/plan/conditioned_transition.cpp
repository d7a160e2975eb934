#include "plan/conditioned_transition.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/linear_algebra.hpp"

namespace gmdiff {
namespace {

const double sqrt_half = std::sqrt(0.5);

/// The transition of one component in its eigenbasis: gain alpha_{t|s} c_s / c_t and deviation sigma_{t|s}
/// sqrt(c_s / c_t).
class Spectrum {
 public:
  Spectrum(const MixtureTable& mixture, const MixtureTransition& step, Eigen::Index k)
      : eigenvalues_(mixture.eigenvalues), step_(step), k_(k) {}
  double gain(Eigen::Index i) const { return step_.alpha_ts * ratio(i); }
  double variance(Eigen::Index i) const { return step_.sigma_ts * step_.sigma_ts * ratio(i); }
  double deviation(Eigen::Index i) const { return step_.sigma_ts * std::sqrt(ratio(i)); }

 private:
  double ratio(Eigen::Index i) const {
    const double l = eigenvalues_(k_, eigenvalues_.cols() == 1 ? 0 : i);
    const auto c = [l](const Level& level) {
      return level.alpha * level.alpha * l + level.sigma * level.sigma;
    };
    return c(step_.s) / c(step_.t);
  }

  const Points& eigenvalues_;
  const MixtureTransition& step_;
  Eigen::Index k_;
};

[[noreturn]] void fail_singular(Eigen::Index k) {
  fail("smc: component ", k, " does not vary in an observed direction, which is observed without noise");
}

ConditionedTransition diagonal(const MixtureTable& mixture, const MixtureTransition& step,
                               const Potential& at_s, Eigen::Index k) {
  const Eigen::Index d = mixture.dim(), r = at_s.centre.size();
  const Spectrum spectrum(mixture, step, k);
  ConditionedTransition result{0.0L,
                               Eigen::MatrixXd::Zero(r, 1),
                               Eigen::VectorXd::Zero(r),
                               Eigen::VectorXd(d),
                               Eigen::MatrixXd(d, 1),
                               Eigen::MatrixXd(d, 1)};
  for (Eigen::Index i = 0; i < d; ++i) {
    result.mean(i) = step.s.alpha * mixture.means(k, i);
    result.gain(i, 0) = spectrum.gain(i);
    result.noise(i, 0) = spectrum.deviation(i);
    if (i >= r || std::isinf(at_s.variance(i))) continue;
    const double V = spectrum.variance(i), v = at_s.variance(i), S = V + v;
    if (!(S > 0.0)) fail_singular(k);
    const double scale = std::sqrt(0.5 / S);
    result.whitening(i, 0) = -spectrum.gain(i) * scale;
    result.offset(i) = (at_s.centre(i) - result.mean(i)) * scale;
    result.log_constant -=
        0.5L * extended::log(2.0L * std::numbers::pi_v<long double> * static_cast<long double>(S));
    // K = V / (V + v): mean K centre + (1 - K) M, variance K v
    const double K = V / S, rest = v / S;
    result.mean(i) = K * at_s.centre(i) + rest * result.mean(i);
    result.gain(i, 0) *= rest;
    result.noise(i, 0) = std::sqrt(K * v);
  }
  return result;
}

/// U diag(factors), U of component k.
template <class Factor>
Eigen::MatrixXd scaled_basis(const Eigen::MatrixXd& U, Factor factor) {
  Eigen::MatrixXd scaled = U;
  for (Eigen::Index i = 0; i < U.cols(); ++i) scaled.col(i) *= factor(i);
  return scaled;
}

/// Square-root array form of §2.7: [sqrt(v) V^{1/2}_O; 0 V^{1/2}] is brought to [L 0; Kbar B'].
ConditionedTransition dense(const MixtureTable& mixture, const MixtureTransition& step, const Potential& at_s,
                            Eigen::Index k) {
  using linear_algebra::product;
  const Eigen::Index d = mixture.dim(), r = at_s.centre.size();
  const Spectrum spectrum(mixture, step, k);
  const Eigen::MatrixXd& U = mixture.bases[static_cast<std::size_t>(k)];
  const Eigen::MatrixXd G =
      product(scaled_basis(U, [&](Eigen::Index i) { return spectrum.gain(i); }), U.transpose());
  const Eigen::MatrixXd root = scaled_basis(U, [&](Eigen::Index i) { return spectrum.deviation(i); });
  const Eigen::VectorXd shifted = step.s.alpha * mixture.means.row(k).transpose();
  std::vector<Eigen::Index> observed;
  for (Eigen::Index i = 0; i < r; ++i) {
    if (!std::isinf(at_s.variance(i))) observed.push_back(i);
  }
  const auto m = static_cast<Eigen::Index>(observed.size());
  Eigen::MatrixXd array = Eigen::MatrixXd::Zero(m + d, m + d);
  Eigen::MatrixXd G_observed(m, d);
  Eigen::VectorXd residual(m);
  for (Eigen::Index i = 0; i < m; ++i) {
    const Eigen::Index coordinate = observed[static_cast<std::size_t>(i)];
    array(i, i) = std::sqrt(at_s.variance(coordinate));
    array.row(i).tail(d) = root.row(coordinate);
    G_observed.row(i) = G.row(coordinate);
    residual(i) = at_s.centre(coordinate) - shifted(coordinate);
  }
  array.bottomRightCorner(d, d) = root;
  const Eigen::MatrixXd factor = linear_algebra::triangular_factor(array);
  ConditionedTransition result{0.0L, Eigen::MatrixXd::Zero(r, d),   Eigen::VectorXd::Zero(r), shifted,
                               G,    factor.bottomRightCorner(d, d)};
  if (m == 0) return result;
  const Eigen::MatrixXd L = factor.topLeftCorner(m, m);
  for (Eigen::Index i = 0; i < m; ++i) {
    if (!(L(i, i) > 0.0)) fail_singular(k);
    result.log_constant -= extended::log(static_cast<long double>(L(i, i))) + 0.5L * extended::log_two_pi;
  }
  const Eigen::MatrixXd W = linear_algebra::solve_lower(L, G_observed);
  const Eigen::VectorXd w = linear_algebra::solve_lower(L, residual);
  const Eigen::MatrixXd K = factor.bottomLeftCorner(d, m);
  result.mean += product(K, w);
  result.gain -= product(K, W);
  for (Eigen::Index i = 0; i < m; ++i) {
    const Eigen::Index coordinate = observed[static_cast<std::size_t>(i)];
    result.whitening.row(coordinate) = -sqrt_half * W.row(i);
    result.offset(coordinate) = sqrt_half * w(i);
  }
  return result;
}

}  // namespace

ConditionedTransition conditioned_transition(const MixtureTable& mixture, const MixtureTransition& step,
                                             const Potential& at_s, Eigen::Index k) {
  return mixture.structure == CovarianceType::full ? dense(mixture, step, at_s, k)
                                                   : diagonal(mixture, step, at_s, k);
}

}  // namespace gmdiff
