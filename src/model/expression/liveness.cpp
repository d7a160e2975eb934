#include "model/expression/liveness.hpp"

#include <functional>
#include <queue>
#include <utility>

#include "model/expression/derivatives.hpp"

namespace gmdiff::expressions {
namespace {

std::size_t at(NodeId id) { return static_cast<std::size_t>(id); }

/// The nodes that the outputs need, each directly before its first use, operands before operations. Numbers
/// live shorter in this order than in that of the graph, where all values precede all derivatives.
class Schedule {
 public:
  Schedule(const Graph& graph, const std::vector<NodeId>& outputs)
      : graph_(graph), is_scheduled_(at(graph.size()), false) {
    for (const NodeId output : outputs) visit(output);
  }

  const std::vector<NodeId>& order() const { return order_; }

 private:
  struct Visit {
    NodeId id;
    int next_operand;
  };

  /// A stack of its own, because a sum of many terms is as deep as it is long.
  void visit(NodeId output) {
    std::vector<Visit> stack{{output, 0}};
    while (!stack.empty()) {
      Visit& top = stack.back();
      const Node& node = graph_.node(top.id);
      if (!is_scheduled_[at(top.id)] && top.next_operand < arity(node.primitive)) {
        stack.push_back({node.operand(top.next_operand++), 0});
      } else {
        append(top.id);
        stack.pop_back();
      }
    }
  }

  void append(NodeId id) {
    if (!is_scheduled_[at(id)]) order_.push_back(id);
    is_scheduled_[at(id)] = true;
  }

  const Graph& graph_;
  std::vector<bool> is_scheduled_;
  std::vector<NodeId> order_;
};

/// Assigns slots by a linear scan over the schedule.
class SlotAllocation {
 public:
  SlotAllocation(const Graph& graph, const std::vector<NodeId>& outputs)
      : graph_(graph), uses_left_(at(graph.size()), 0), slots_(at(graph.size()), 0) {
    const Schedule schedule(graph, outputs);
    for (const NodeId id : schedule.order()) count_uses(id);
    for (const NodeId id : outputs) ++uses_left_[at(id)];  // never released
    for (const NodeId id : schedule.order()) emit(id);
    for (const NodeId id : outputs) tape_.outputs.push_back(slots_[at(id)]);
  }

  Tape tape() && { return std::move(tape_); }

 private:
  void count_uses(NodeId id) {
    const Node& node = graph_.node(id);
    for (int i = 0; i < arity(node.primitive); ++i) ++uses_left_[at(node.operand(i))];
  }

  void emit(NodeId id) {
    const Node& node = graph_.node(id);
    const int operands = arity(node.primitive);
    const int a = operands > 0 ? slots_[at(node.a)] : index_of_load(id);
    const int b = operands > 1 ? slots_[at(node.b)] : 0;
    for (int i = 0; i < operands; ++i) release(node.operand(i));
    slots_[at(id)] = take();
    tape_.operations.push_back({node.primitive, slots_[at(id)], a, b});
  }

  int index_of_load(NodeId id) {
    const long double* const constant = graph_.constant_at(id);
    if (constant == nullptr) return graph_.node(id).a;
    tape_.constants.push_back(static_cast<double>(*constant));
    return static_cast<int>(tape_.constants.size()) - 1;
  }

  void release(NodeId id) {
    if (--uses_left_[at(id)] == 0) free_.push(slots_[at(id)]);
  }

  int take() {
    if (free_.empty()) return tape_.num_slots++;
    const int slot = free_.top();
    free_.pop();
    return slot;
  }

  const Graph& graph_;
  std::vector<int> uses_left_, slots_;
  std::priority_queue<int, std::vector<int>, std::greater<>> free_;  // the lowest slot first
  Tape tape_;
};

}  // namespace

Tape tape_of(const Graph& graph, const std::vector<NodeId>& outputs) {
  return SlotAllocation(graph, outputs).tape();
}

Tapes tapes_with_derivatives(Graph& graph, NodeId value, int dim) {
  return tapes_with_derivatives(graph, value, value, dim);
}

Tapes tapes_with_derivatives(Graph& graph, NodeId value, NodeId differentiated, int dim) {
  const std::vector<NodeId> gradient = append_gradient(graph, differentiated, dim);
  const std::vector<NodeId> products = append_jacobian_vp(graph, gradient);
  std::vector<NodeId> both{value};
  both.insert(both.end(), gradient.begin(), gradient.end());
  return {.value = tape_of(graph, {value}),
          .value_and_gradient = tape_of(graph, both),
          .hessian_vp = tape_of(graph, products)};
}

}  // namespace gmdiff::expressions
