#pragma once

#include <vector>

#include <gmdiff/model/nonlinear_observation.hpp>

#include "model/expression/graph.hpp"

// The maps of nonlinear observations as expressions (mathematics.md §13.2).

namespace gmdiff::observations {

/// Dimension d of the points that a map takes.
Eigen::Index dim_of(const MapDescription& map);

/// @throws std::invalid_argument for arrays without entries, of shapes that do not fit to each other, or with
///   entries that are not finite, and for a `CustomMap` without a part that it needs; the message begins with
///   the name of the map.
void check(const MapDescription& map);

/// Appends Phi to a graph: dy nodes. @throws std::invalid_argument for a text that is no expression, and for
/// a `CustomMap`.
std::vector<expressions::NodeId> append(expressions::Graph& graph, const MapDescription& map);

}  // namespace gmdiff::observations
