#pragma once

#include <vector>

#include "model/expression/graph.hpp"
#include "model/expression/tape.hpp"

namespace gmdiff::expressions {

/// The operations that some nodes need, as a program with these nodes as outputs. A slot is used again as
/// soon as its number is no longer needed.
Tape tape_of(const Graph& graph, const std::vector<NodeId>& outputs);

/// The programs of a node: its value, its gradient with respect to `dim` coordinates, and H v.
Tapes tapes_with_derivatives(Graph& graph, NodeId value, int dim);
/// The value of one node with the derivatives of another.
Tapes tapes_with_derivatives(Graph& graph, NodeId value, NodeId differentiated, int dim);

}  // namespace gmdiff::expressions
