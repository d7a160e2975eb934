#pragma once

#include <gmdiff/model/target.hpp>

#include "model/expression/graph.hpp"
#include "model/expression/tape.hpp"
#include "model/expression/term.hpp"

// Targets of the library that are written as expressions (mathematics.md §13.5), so that every device
// evaluates them as a tape. Each has two overloads.

namespace gmdiff::targets {

/// Appends l without its constant.
expressions::Term append_log_density(expressions::Graph& graph, const StudentTMixture& target);
expressions::Term append_log_density(expressions::Graph& graph, const Seeds& target);
expressions::Term append_log_density(expressions::Graph& graph, const Brownian& target);

/// The rest of l, with the same bits on every machine.
double log_constant(const StudentTMixture& target);
double log_constant(const Seeds& target);
double log_constant(const Brownian& target);

template <class Description>
inline constexpr bool is_compiled = requires(expressions::Graph& graph, const Description& target) {
  append_log_density(graph, target);
};

/// The operations of l and of its derivatives.
template <class Description>
expressions::Tapes compile(const Description& target);

/// Coordinate j of x, from 0.
inline expressions::Term coordinate(expressions::Graph& graph, int j) { return {graph, graph.position(j)}; }

}  // namespace gmdiff::targets
