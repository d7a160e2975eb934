#include "model/target/compiled.hpp"

#include "model/expression/liveness.hpp"

namespace gmdiff::targets {

template <class Description>
expressions::Tapes compile(const Description& target) {
  expressions::Graph graph;
  const expressions::NodeId value = append_log_density(graph, target).id();
  return expressions::tapes_with_derivatives(graph, value, target.dim);
}

template expressions::Tapes compile(const StudentTMixture&);
template expressions::Tapes compile(const Seeds&);
template expressions::Tapes compile(const Brownian&);

}  // namespace gmdiff::targets
