#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gmdiff/model/mixture.hpp>

// The law of the null gates and the biases that are planted in its samples.

namespace gmdiff::test {

/// Four modes in a row along the first coordinate, which overlap a little; one is rare.
inline Mixture gate_law() {
  return {{0.4, 0.3, 0.25, 0.05},
          Points{{-3.0, 0.0}, {0.0, 0.0}, {3.0, 0.0}, {6.0, 0.0}},
          Covariance::spherical({1.0, 0.7, 1.0, 0.7})};
}

inline Mixture with_weights(const Mixture& law, std::vector<double> weights) {
  std::vector<Eigen::MatrixXd> covariances;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) covariances.push_back(law.component_covariance(k));
  return {weights, law.means(), Covariance::full(covariances)};
}

/// All distances from the mean times sqrt(factor).
inline Mixture with_variance_times(const Mixture& law, double factor) {
  const Eigen::Index d = law.dim();
  return law.push_forward(std::sqrt(factor) * Eigen::MatrixXd::Identity(d, d),
                          (1.0 - std::sqrt(factor)) * law.mean());
}

/// The second coordinate moved by 0.1 of its standard deviations.
inline Mixture with_moved_mean(const Mixture& law) {
  Eigen::VectorXd shift = Eigen::VectorXd::Zero(law.dim());
  shift(1) = 0.1 * std::sqrt(law.covariance()(1, 1));
  return law.push_forward(Eigen::MatrixXd::Identity(law.dim(), law.dim()), shift);
}

/// The weight of component k times `factor`; the others keep their proportions.
inline Mixture with_weight_times(const Mixture& law, Eigen::Index k, double factor) {
  std::vector<double> weights(law.weights().data(), law.weights().data() + law.num_components());
  const double weight = law.weights()(k);
  for (double& other : weights) other *= (1.0 - factor * weight) / (1.0 - weight);
  weights[static_cast<std::size_t>(k)] = factor * weight;
  return with_weights(law, weights);
}

struct PlantedBias {
  std::string name;  ///< heading of its column in docs/guide.md
  Mixture (*plant)(const Mixture& law);
};

inline const std::array<PlantedBias, 5> planted_biases{{
    {"mean + 0.1 sd", [](const Mixture& law) { return with_moved_mean(law); }},
    {"weight x 0.8", [](const Mixture& law) { return with_weight_times(law, 0, 0.8); }},
    {"variance x 1.1", [](const Mixture& law) { return with_variance_times(law, 1.1); }},
    {"dropped mode", [](const Mixture& law) { return with_weight_times(law, 3, 0.0); }},
    {"variance x 0.5", [](const Mixture& law) { return with_variance_times(law, 0.5); }},
}};

}  // namespace gmdiff::test
