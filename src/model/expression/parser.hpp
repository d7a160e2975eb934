#pragma once

#include <string_view>

#include <gmdiff/model/expression.hpp>

#include "model/expression/graph.hpp"

namespace gmdiff::expressions {

/// Appends the operations of a text to a graph and returns the node of its value.
/// @throws std::invalid_argument with the column of the error.
NodeId parse(Graph& graph, std::string_view text, const ExpressionVariables& variables);

}  // namespace gmdiff::expressions
