#pragma once

#include <gmdiff/model/target.hpp>

#include "lowering/table_builder.hpp"
#include "particle/target_tables.hpp"

namespace gmdiff::particle {

/// Table of a target that is no mixture, with its numbers in `arena`.
template <class Real>
TargetTable<Real> target_table(const Target& target, Arena<Real>& arena);

}  // namespace gmdiff::particle
