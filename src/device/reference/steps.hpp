#pragma once

#include <variant>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "device/reference/denoiser.hpp"

// The steps of a plan for one particle at a time (mathematics.md §5). Noise is an argument: z are standard
// normals in the coordinates of the noise (numerics.md §2). An object holds the tables of one step, which are
// computed once for a batch of particles.

namespace gmdiff::reference {

/// State of a particle: x, and D1 of the step before.
struct State {
  double* x;                  ///< (d)
  double* previous_denoiser;  ///< (d)
};

class AffineUpdate {
 public:
  AffineUpdate(const AffineStep& step, const Model& model);
  bool reads_churn_noise() const { return step_.c_n != 0.0; }
  bool reads_noise() const { return step_.e != 0.0; }
  /// One step with noise vectors (d); each is read only if the functions above require it.
  void apply(State state, const double* churn_z, const double* z);

 private:
  /// x <- a x + e U z
  void scale_and_perturb(double* x, double a, double e, const double* z);

  const AffineStep& step_;
  const Model& model_;
  std::vector<DiffusedMixture> levels_;          // one per evaluation
  std::vector<double> first_, second_, middle_;  // D1, D2, u
  std::vector<double> noise_;
};

class TransitionUpdate {
 public:
  TransitionUpdate(const MixtureTransition& step, const Model& model);
  /// Probabilities (K) of the components given x_t = x.
  void probabilities(const double* x, double* r) { at_t_.responsibilities(x, r); }
  /// M_k: mean (d) of x_s given x_t = x and component k, which must have weight > 0.
  void component_mean(Eigen::Index k, const double* x, double* mean);
  /// x += V_k^{1/2} z = U_k diag(sigma_ts sqrt(c_s / c_t)) z.
  void add_component_noise(Eigen::Index k, const double* z, double* x);
  /// One step: component by `u` in [0, 1), noise z (d).
  void apply(State state, double u, const double* z);

 private:
  const MixtureTransition& step_;
  const Model& model_;
  DiffusedMixture at_t_;
  std::vector<double> probabilities_;
  std::vector<double> mean_, scaled_, noise_;
};

/// Smallest k whose running sum exceeds u times the total; never one of probability 0; if none exists, the
/// last k of positive probability.
Eigen::Index choose_component(const double* probabilities, Eigen::Index num_components, double u);

/// Component of a 64-bit uniform: the smallest k with U < thresholds[k], else the last of weight > 0.
Eigen::Index choose_component(const MixtureTable& table, std::uint64_t U);

/// x = alpha mu_k + U_k diag(sqrt(c_k)) z: a draw of component k at a level (§2.6).
void component_draw(const Model& model, Level level, Eigen::Index k, const double* z, double* x);

/// x = sigma U z: the Gaussian start (§5.2).
void gaussian_draw(const Model& model, const StartTable& law, const double* z, double* x);

}  // namespace gmdiff::reference
