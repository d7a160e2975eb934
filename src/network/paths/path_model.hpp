#pragma once

#include <gmdiff/network/trained_sampler.hpp>

#include "network/paths/path_unit.hpp"

// The parameters of a trained sampler in the form that its paths use (mathematics.md §17.7).

namespace gmdiff::network {

/// The scores and networks that a method evaluates at a state.
struct PathTerms {
  bool mixture_score, target_score;  ///< in the drift f
  bool forward_net, backward_net;    ///< networks of their own, u and v
  bool mirrored;                     ///< v = -u
};
PathTerms path_terms(const SamplerSettings& settings);

/// Number of components: 1 but for `gmp`.
Eigen::Index path_components(const SamplerSettings& settings);
/// Number of networks.
int path_networks(const SamplerSettings& settings);

/// Which parameters a training moves.
struct PathSwitches {
  bool prior, step, friction, annealing, weights;
};
PathSwitches path_switches(const SamplerSettings& settings);

/// Sums of gradients over the paths of a block or a batch, in one buffer.
struct PathSumsLayout {
  explicit PathSumsLayout(Eigen::Index components, Eigen::Index dim, Eigen::Index steps);
  Eigen::Index mean, deviation, logit;  ///< first numbers of arrays of shape (K, d), (K, d), (K)
  Eigen::Index eta, beta;               ///< shapes (N, d), (N + 1)
  Eigen::Index size;
};

class PathModel {
 public:
  /// @param parameters in the order of `sampler_tensors`.
  /// @param active numbers of the components that take part; empty: all.
  PathModel(const SamplerSettings& settings, Eigen::Index dim, const Eigen::VectorXd& parameters,
            std::vector<Eigen::Index> active = {});

  Eigen::Index dim() const { return dim_; }
  Eigen::Index steps() const { return steps_; }
  Eigen::Index components() const { return std::ssize(active_); }  ///< active ones
  StartMixture mixture() const;
  const double* mean(Eigen::Index k) const { return mean_.data() + k * dim_; }
  const double* deviation(Eigen::Index k) const { return deviation_.data() + k * dim_; }
  /// The active component whose part of [0, 1) contains u.
  Eigen::Index component(double u) const;

  double step() const { return h_; }
  const double* eta(Eigen::Index n) const { return eta_.data() + n * dim_; }           ///< of step n
  const double* noise_scale(Eigen::Index n) const { return root_.data() + n * dim_; }  ///< sqrt(2 eta)
  double beta(Eigen::Index n) const { return beta_[static_cast<std::size_t>(n)]; }     ///< n = 0 ... N
  const std::vector<double>& relative_steps() const { return c_; }                     ///< c_n
  double log_z() const { return log_z_; }

  /// The gradient in the order of the parameters from the sums over paths; 0 for what is not learned.
  Eigen::VectorXd raw_gradient(const double* sums, const PathSwitches& learned) const;

 private:
  void read_mixture(const Eigen::VectorXd& parameters);
  void read_steps(const SamplerSettings& settings, const Eigen::VectorXd& parameters);
  void read_annealing(const Eigen::VectorXd& parameters);
  const NetworkTensor* find(const char* name) const;
  void add_mixture(const double* sums, const PathSwitches& learned, Eigen::VectorXd& gradient) const;
  void add_steps(const double* sums, const PathSwitches& learned, Eigen::VectorXd& gradient) const;
  void add_annealing(const double* sums, Eigen::VectorXd& gradient) const;

  Eigen::Index dim_, steps_;
  std::vector<NetworkTensor> tensors_;
  std::vector<Eigen::Index> active_;
  std::vector<double> mean_, deviation_, inverse_, precision_, slope_;  ///< (K, d); slope: sg(s)
  std::vector<double> weight_, log_weight_;                             ///< (K)
  double h_ = 0.0, slope_h_ = 0.0;
  std::vector<double> q_, slope_q_;  ///< (d)
  std::vector<double> c_, eta_, root_;
  std::vector<double> beta_, slope_beta_;
  double increments_ = 0.0;  ///< S = sum sp(b)
  double log_z_ = 0.0;
};

}  // namespace gmdiff::network
