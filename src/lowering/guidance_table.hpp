#pragma once

#include "lowering/table_builder.hpp"
#include "particle/program_tables.hpp"

// Tables that guidance stages and the potentials of SMC share (mathematics.md §10).

namespace gmdiff::particle {

/// sigma^2 l / c, the variance of x_0 given x_t and component k along its axis i, for sigma > 0.
double posterior_variance(const MixtureTable& mixture, const Level& level, Index k, Index i);
/// These variances for all components and axes, with the numbers in `arena`.
template <class Real>
Spectrum<Real> posterior_variances(const MixtureTable& mixture, const Level& level, Arena<Real>& arena);

/// The observation of a plan with a map in dimension `dim`, with the arrays of its tape in `arena`.
/// @param first_work number of the first work vector of a particle
template <class Real>
ObservationTable<Real> map_table(const GuidanceTable& guidance, Index dim, int first_work,
                                 Arena<Real>& arena);

}  // namespace gmdiff::particle
