#pragma once

#include <vector>

#include "model/expression/graph.hpp"

namespace gmdiff::expressions {

/// Appends the gradient of a node to its graph, by one reverse sweep: d nodes.
std::vector<NodeId> append_gradient(Graph& graph, NodeId value, int dim);

/// Appends the products of the Jacobian of some nodes with the direction v, by one forward sweep: as many
/// nodes. For a gradient, these are the coordinates of H v.
std::vector<NodeId> append_jacobian_vp(Graph& graph, const std::vector<NodeId>& nodes);

}  // namespace gmdiff::expressions
