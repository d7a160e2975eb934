#pragma once

#include <span>
#include <vector>

#include <gmdiff/plan/plan.hpp>

namespace gmdiff {

/// One table per mixture. @throws std::invalid_argument without mixtures, or when their K, d or structure
/// differ.
std::vector<MixtureTable> mixture_tables(std::span<const Mixture> mixtures);

/// A law without components in dimension `dim`, for custom denoisers and for targets that are no mixtures.
MixtureTable no_mixture(Eigen::Index dim);

/// Gives each component a basis of its own where all share one, so that the noise is in the coordinates of the
/// data. The law does not change.
MixtureTable in_data_coordinates(MixtureTable table);

/// The mixture that a plan of this target evaluates: the prior of an observation, or none.
MixtureTable evaluated_mixture(const Target& target);

}  // namespace gmdiff
