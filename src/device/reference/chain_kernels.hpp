#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "device/reference/steps.hpp"
#include "device/user_denoiser.hpp"
#include "plan/conditioned_transition.hpp"

// The kernels by which particles of SMC move (mathematics.md §7.3, §7.5). Before the other functions of a
// kernel, `prepare` gets the states of all particles.

namespace gmdiff::reference {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// log prod_i N(x_i; centre_i, variance_i + added) without the constants, which the plan contains.
inline double log_factors(const Potential& g, const VectorXd& x, double added = 0.0) {
  double sum = 0.0;
  for (Index i = 0; i < g.centre.size(); ++i) {
    if (std::isinf(g.variance(i))) continue;
    const double difference = x(i) - g.centre(i);
    sum -= difference * difference / (2.0 * (g.variance(i) + added));
  }
  return sum;
}

inline Potential without_factors(Potential g) {
  g.variance.setConstant(std::numeric_limits<double>::infinity());
  return g;
}

inline Points rows_of(const std::vector<VectorXd>& x) {
  Points rows(std::ssize(x), x.front().size());
  for (std::size_t n = 0; n < x.size(); ++n) rows.row(static_cast<Index>(n)) = x[n].transpose();
  return rows;
}

/// An affine step, tilted by g: mean m = a x + b D, then the product of N(m, nu^2) and the factors (§7.3).
class DdimKernel {
 public:
  DdimKernel(const AffineStep& step, const Potential& g, const Model& model, const SmcPlan& plan)
      : step_(step), g_(g), at_t_(model, step.level1), plan_(plan) {}

  /// Evaluates a custom denoiser at the states of all particles, which the functions below then number.
  void prepare(const std::vector<VectorXd>& x) {
    if (!plan_.denoiser) return;
    denoised_ = rows_of(x);
    denoise_rotated(*plan_.denoiser, plan_.V, step_.level1, denoised_);
  }
  VectorXd mean(std::size_t n, const VectorXd& x) {
    VectorXd D(x.size());
    if (plan_.denoiser) {
      D = denoised_.row(static_cast<Index>(n)).transpose();
    } else {
      at_t_.denoiser(x.data(), D.data());
    }
    return step_.a * x + step_.b_1 * D;
  }
  /// log of the integral of g over the kernel.
  double log_weight(std::size_t n, const VectorXd& x) {
    return log_factors(g_, mean(n, x), step_.e * step_.e);
  }
  VectorXd move(std::size_t n, const VectorXd& x, const VectorXd& z, double /*u*/) {
    VectorXd y = mean(n, x);
    const double nu2 = step_.e * step_.e;
    for (Index i = 0; i < y.size(); ++i) {
      const double v = i < g_.centre.size() ? g_.variance(i) : std::numeric_limits<double>::infinity();
      if (std::isinf(v)) {
        y(i) += step_.e * z(i);
        continue;
      }
      const double K = nu2 / (nu2 + v);
      y(i) = K * g_.centre(i) + (1.0 - K) * y(i) + std::sqrt(K * v) * z(i);
    }
    return y;
  }

 private:
  const AffineStep& step_;
  const Potential& g_;
  DiffusedMixture at_t_;
  const SmcPlan& plan_;
  Points denoised_;  // (N, d), only of a custom denoiser
};

/// The exact transition, tilted by g: each component conditioned by §2.7 with A = selection (§7.5).
class ExactKernel {
 public:
  ExactKernel(const MixtureTransition& step, const Potential& g, const Model& model, const SmcPlan& /*plan*/)
      : step_(step),
        transition_(step, model),
        at_t_(model, step.t),
        probabilities_(static_cast<std::size_t>(model.num_components())) {
    for (Index i = 0; i < g.centre.size(); ++i) {
      if (!std::isinf(g.variance(i))) observed_.push_back(i);
    }
    y_ = g.centre(observed_);
    for (Index k = 0; k < model.num_components(); ++k) {
      components_.emplace_back();
      if (!std::isinf(model.table().log_weights(k))) condition(k, g, model);
    }
  }

  void prepare(const std::vector<VectorXd>& /*x*/) {}
  double log_weight(std::size_t /*n*/, const VectorXd& x) { return log_terms(x).second; }

  VectorXd move(std::size_t /*n*/, const VectorXd& x, const VectorXd& z, double u) {
    std::vector<double> terms = log_terms(x).first;
    const double largest = *std::max_element(terms.begin(), terms.end());
    for (double& term : terms) term = std::exp(term - largest);
    const Index k = choose_component(terms.data(), std::ssize(terms), u);
    const Component& component = components_[static_cast<std::size_t>(k)];
    VectorXd M(x.size());
    transition_.component_mean(k, x.data(), M.data());
    const VectorXd noise = component.noise.cols() == 1 && x.size() > 1
                               ? VectorXd(component.noise.col(0).cwiseProduct(z))
                               : VectorXd(component.noise * z);
    return M + component.gain * (y_ - M(observed_)) + noise;
  }

 private:
  struct Component {
    MatrixXd L;      // Cholesky factor of V[O, O] + diag(v)
    MatrixXd gain;   // V[:, O] (V[O, O] + diag v)^{-1}
    MatrixXd noise;  // noise factor of the plan; its columns are the coordinates of the noise
  };

  void condition(Index k, const Potential& g, const Model& model) {
    const Index d = model.dim();
    const Eigen::Map<const VectorXd> mu(model.mean(k), d);
    const double p = step_.sigma_ts * step_.sigma_ts * step_.s.alpha * step_.s.alpha;
    const double q = step_.sigma_ts * step_.sigma_ts * step_.s.sigma * step_.s.sigma;
    MatrixXd V(d, d);
    for (Index j = 0; j < d; ++j) {
      const VectorXd x = step_.t.alpha * mu + VectorXd::Unit(d, j);
      at_t_.regress(k, x.data(), 0.0, p, q, V.col(j).data());
    }
    Component& component = components_.back();
    MatrixXd S = V(observed_, observed_);
    for (std::size_t i = 0; i < observed_.size(); ++i)
      S(static_cast<Index>(i), static_cast<Index>(i)) += g.variance(observed_[i]);
    component.gain = MatrixXd::Zero(d, S.rows());
    if (S.rows() > 0) {
      const auto L = linear_algebra::cholesky(S);
      require(L.has_value(), "reference: component ", k,
              " hardly varies in an observed direction, which is observed almost without noise");
      component.L = *L;
      const MatrixXd right =
          linear_algebra::solve_lower(component.L, MatrixXd(V(Eigen::all, observed_).transpose()));
      component.gain = linear_algebra::solve_lower_transposed(component.L, right).transpose();
    }
    component.noise = conditioned_transition(model.table(), step_, g, k).noise;
  }

  /// log r_k N(y; M_k[O], S_k) of all components, and the log of their sum.
  std::pair<std::vector<double>, double> log_terms(const VectorXd& x) {
    transition_.probabilities(x.data(), probabilities_.data());
    std::vector<double> terms;
    for (std::size_t k = 0; k < components_.size(); ++k) {
      double term = std::log(probabilities_[k]);
      if (!observed_.empty() && probabilities_[k] > 0.0) {
        const MatrixXd& L = components_[k].L;
        VectorXd M(x.size());
        transition_.component_mean(static_cast<Index>(k), x.data(), M.data());
        const MatrixXd z = linear_algebra::solve_lower(L, MatrixXd(y_ - M(observed_)));
        term -= 0.5 * z.squaredNorm() + L.diagonal().array().log().sum() +
                0.5 * static_cast<double>(observed_.size()) * std::log(2.0 * std::numbers::pi);
      }
      terms.push_back(term);
    }
    const double largest = *std::max_element(terms.begin(), terms.end());
    double sum = 0.0;
    for (const double term : terms) sum += std::exp(term - largest);
    return {std::move(terms), largest + std::log(sum)};
  }

  const MixtureTransition& step_;
  TransitionUpdate transition_;
  DiffusedMixture at_t_;
  std::vector<Index> observed_;
  VectorXd y_;
  std::vector<Component> components_;
  std::vector<double> probabilities_;
};

}  // namespace gmdiff::reference
