#pragma once

#include <algorithm>
#include <memory>
#include <optional>

#include "network/paths/path_model.hpp"
#include "network/paths/path_network.hpp"

namespace gmdiff::network {

/// Settings, target, model and networks of a block of paths.
template <class Real>
struct PathSetting {
  const SamplerSettings& settings;
  const Target& target;
  const PathModel& model;
  PathUnit unit;
  PathNetwork<Real>* forward_net;   ///< u, or null
  PathNetwork<Real>* backward_net;  ///< v, or null
  std::uint64_t most_kept = most_kept_bytes;
};

/// x_0 = mu_k + s_k e_0 of the paths of a block. @param x (d, block_paths)
inline void place_starts(const PathModel& model, const Eigen::Index* component, const double* noise,
                         double* x) {
  for (Eigen::Index j = 0; j < model.dim(); ++j) {
    for (Eigen::Index p = 0; p < block_paths; ++p) {
      const Eigen::Index k = component[p], i = j * block_paths + p;
      x[i] = model.mean(k)[j] + model.deviation(k)[j] * noise[i];
    }
  }
}

/// Up to `block_paths` paths of a trained sampler, forward and backward (mathematics.md §17.7 to §17.10). An
/// object is the workspace of one thread. Points have the layout of path_unit.hpp.
template <class Real>
class PathBlock {
 public:
  /// @param setting must outlive the object; the model may change between runs, its sizes may not.
  explicit PathBlock(const PathSetting<Real>& setting);

  const PathSetting<Real>& setting() const { return setting_; }
  /// x_n, n = 0 ... N.
  double* state(Eigen::Index n) { return x_.data() + n * row_; }
  /// xi_n, n = 0 ... N - 1; all steps follow each other. A run overwrites them.
  double* noise(Eigen::Index n) { return q_.data() + n * row_; }
  double* start_noise() { return start_noise_.data(); }  ///< e_0
  /// k of each path, a place among the active components.
  Eigen::Index* component() { return component_.data(); }
  const double* log_weights() const { return log_w_.data(); }
  /// log of the backward kernel over the forward kernel, for each path.
  const double* step_log_ratio(Eigen::Index n) const { return ratio_.data() + n * block_paths; }

  /// Whether the next runs keep what the backward pass of the networks needs and would compute again otherwise.
  /// The bits of the results are the same.
  void keep_layers(bool keeps);

  /// Paths from components and noises.
  void simulate(Eigen::Index paths);
  /// Paths from given states x_0 and noises.
  void simulate_placed(Eigen::Index paths);
  /// Paths back from the states x_N.
  void simulate_back(Eigen::Index paths);
  /// log w of given states.
  void replay(Eigen::Index paths);

  /// Gradient of -sum log w through the paths of the last `simulate`.
  /// @param block number of the block in the networks' gradients.
  /// @param sums in the layout of PathSumsLayout, to be set.
  void backward(Eigen::Index block, const PathSwitches& learned, double* sums);
  /// Gradient of sum_p factor_p log w_p with the states held fixed.
  void backward_fixed(Eigen::Index block, const PathSwitches& learned, const double* factor, double* sums);

 private:
  Eigen::Index steps() const { return setting_.model.steps(); }
  Eigen::Index dim() const { return setting_.model.dim(); }
  double* F(Eigen::Index n) { return F_.data() + n * row_; }
  double* G(Eigen::Index n) { return G_.data() + n * row_; }  ///< F_n + B_{n+1}
  double* q(Eigen::Index n) { return q_.data() + n * row_; }  ///< x_{n+1} - x_n - eta F_n
  double* gamma(Eigen::Index n);                              ///< responsibilities (K, block_paths) at x_n
  double* target_score(Eigen::Index n) { return target_score_.data() + (keeps_scores_ ? n * row_ : 0); }

  void begin(Eigen::Index paths);
  void evaluate(Eigen::Index n);
  void evaluate_target(Eigen::Index n);
  void evaluate_drift(Eigen::Index n);
  Eigen::Index first_kept() const { return keeps_layers_ ? steps() + 1 - kept_ : steps() + 1; }
  using Then = typename StateBlock<Real>::Then;
  void run_network(PathNetwork<Real>& network, StateBlock<Real>& block, Eigen::Index n, Then then);
  void return_to(StateBlock<Real>& block, PathNetwork<Real>& network, Eigen::Index n);
  /// Number of the pass of x_n in a network's block.
  Eigen::Index pass_of(Eigen::Index n) const { return std::max<Eigen::Index>(n + 1 - first_kept(), 0); }
  void add_output(const PathNetwork<Real>& network, const StateBlock<Real>& block, Eigen::Index n,
                  double sign, double* to);
  void add_scale(Eigen::Index n, Eigen::Index block, PathNetwork<Real>& network, StateBlock<Real>& states);
  void add_backward_drift(Eigen::Index n);
  void finish_weights();

  void sweep(const GradientMode& mode, Eigen::Index block, const PathSwitches& learned, double* sums);
  void set_cotangents(const GradientMode& mode, Eigen::Index n);
  void add_eta(const GradientMode& mode, Eigen::Index n, double* to);
  void add_drift(const GradientMode& mode, Eigen::Index n, const PathSwitches& learned, double* of_beta);
  void read_ahead(Eigen::Index n);
  void add_hessian(Eigen::Index n, double factor);
  void add_networks(const GradientMode& mode, Eigen::Index n, Eigen::Index block);
  void add_network(const GradientMode& mode, Eigen::Index n, Eigen::Index block, PathNetwork<Real>& network,
                   StateBlock<Real>& states, bool of_forward, double sign_of_backward);
  void add_start(const GradientMode& mode, const PathSwitches& learned);
  void reduce(const PathSwitches& learned, double* sums) const;
  MixtureSums lane_sums();
  /// The points of the paths as rows for the target, which may be more than there are paths.
  Points rows_of(const double* points) const;
  double sum_over_paths(const double* values) const;

  PathSetting<Real> setting_;
  PathTerms terms_;
  Eigen::Index row_;  ///< numbers of a point of all paths
  Eigen::Index paths_ = 0;
  bool keeps_scores_;          ///< target_score_ holds all states, or the last one only
  bool keeps_layers_ = false;  ///< of the last states
  Eigen::Index kept_;          ///< number of these states
  std::vector<double> x_, F_, G_, q_, gamma_, target_score_, start_noise_, ratio_;
  std::vector<double> B_, mixture_score_, drift_, work_, log_p0_, log_rho_, log_w_;
  std::vector<double> lambda_, of_F_, of_B_, of_drift_, product_, change_, ones_;
  std::vector<double> of_mean_, of_deviation_, of_logit_;  ///< for each path
  std::vector<Eigen::Index> component_;
  std::optional<StateBlock<Real>> forward_states_, backward_states_;
};

}  // namespace gmdiff::network
