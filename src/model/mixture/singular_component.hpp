#pragma once

#include <optional>

#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// The first component of positive weight with a singular covariance, because of which a law has no density.
inline std::optional<Eigen::Index> singular_component(const Mixture& law) {
  const Points& eigenvalues = law.eigenvalues();
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) == 0.0) continue;
    if (!(eigenvalues.row(eigenvalues.rows() == 1 ? 0 : k).minCoeff() > 0.0)) return k;
  }
  return {};
}

}  // namespace gmdiff
