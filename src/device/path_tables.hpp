#pragma once

#include <optional>
#include <variant>
#include <vector>

#include <gmdiff/model/target.hpp>

#include "device/denoiser_network.hpp"

namespace gmdiff {

/// A network of the step n = 0 ... N (mathematics.md §17.7).
template <class Real>
struct PathNetworkTables {
  NetworkWeights<Real> weights;
  std::vector<Real> time;   ///< rows T_n of the time table, (N + 1, width)
  std::vector<Real> scale;  ///< factors g_n of the target's score, (N + 1, output_width); empty without them
};
template <class Real>
struct PathNetworkPair {
  std::optional<PathNetworkTables<Real>> forward, backward;  ///< u and v
};

/// The numbers of a trained sampler (mathematics.md §17.7): all that its paths depend on besides target and
/// random numbers.
struct PathTables {
  particle::Index dim, components, steps;        ///< d; K, the active ones; N
  bool has_mixture_score, has_target_score;      ///< in the drift f
  bool mirrored;                                 ///< v = -u
  std::vector<double> mean, inverse, precision;  ///< mu, 1 / s and 1 / s^2, (K, d)
  std::vector<double> weight;                    ///< pi_k, (K)
  std::vector<double> log_weight;                ///< log pi_k - sum_j log s_kj - (d / 2) log 2 pi, (K)
  std::vector<double> beta;                      ///< (N + 1)
  std::vector<double> eta, noise_scale;          ///< eta_n and sqrt(2 eta_n), (N, d)
  std::variant<PathNetworkPair<float>, PathNetworkPair<double>> networks;
  Target target;

  bool has_langevin() const;
  /// Whether a step needs the score of the target.
  bool needs_target_score() const { return has_target_score || has_langevin(); }
};

inline bool PathTables::has_langevin() const {
  return std::visit(
      [](const auto& pair) {
        const auto has = [](const auto& network) { return network && !network->scale.empty(); };
        return has(pair.forward) || has(pair.backward);
      },
      networks);
}

}  // namespace gmdiff
