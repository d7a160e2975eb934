#pragma once

#include <gmdiff/model/target.hpp>

#include "lowering/table_builder.hpp"
#include "particle/target_tables.hpp"

namespace gmdiff::particle {

/// Table of a target that is no mixture, with its numbers in `arena`.
/// @param first_work number of the first work vector of a particle
template <class Real>
TargetTable<Real> target_table(const Target& target, int first_work, Arena<Real>& arena);
/// Number of numbers in the arrays of the table.
template <class Real>
std::size_t target_numbers(const Target& target);

}  // namespace gmdiff::particle
