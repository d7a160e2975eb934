#pragma once

#include <Eigen/Core>

#include <gmdiff/base/points.hpp>

#include "particle/line_tables.hpp"

namespace gmdiff {

/// The laws of <u_s, X> for several directions u_s, where X has the law of a mixture with components of
/// positive weight. Means are relative to the centre of their direction's law.
struct LineLaws {
  Eigen::VectorXd weights;                ///< (K)
  Points means, deviations, rates;        ///< (slices, K)
  Eigen::VectorXd centres;                ///< (slices)
  Eigen::VectorXd second_moments, radii;  ///< (slices)

  particle::LineLaw operator[](Eigen::Index s) const {
    return {.weights = weights.data(),
            .means = means.row(s).data(),
            .deviations = deviations.row(s).data(),
            .rates = rates.row(s).data(),
            .num_components = weights.size(),
            .centre = centres(s),
            .second_moment = second_moments(s),
            .radius = radii(s)};
  }
};

}  // namespace gmdiff
