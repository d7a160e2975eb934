#pragma once

#include "model/expression/graph.hpp"

namespace gmdiff::expressions {

/// A node of a graph with the operators of formulas, for targets that the library writes as expressions.
class Term {
 public:
  Term(Graph& graph, NodeId id) : graph_(&graph), id_(id) {}

  NodeId id() const { return id_; }

  friend Term operator+(Term a, Term b) { return {*a.graph_, a.graph_->add(a.id_, b.id_)}; }
  friend Term operator-(Term a, Term b) { return {*a.graph_, a.graph_->subtract(a.id_, b.id_)}; }
  friend Term operator*(Term a, Term b) { return {*a.graph_, a.graph_->multiply(a.id_, b.id_)}; }
  friend Term operator/(Term a, Term b) { return {*a.graph_, a.graph_->divide(a.id_, b.id_)}; }
  friend Term operator-(Term a) { return {*a.graph_, a.graph_->negate(a.id_)}; }
  friend Term operator+(long double c, Term a) { return a.number(c) + a; }
  friend Term operator-(long double c, Term a) { return a.number(c) - a; }
  friend Term operator-(Term a, long double c) { return a - a.number(c); }
  friend Term operator*(long double c, Term a) { return a.number(c) * a; }

  friend Term square(Term a) { return a * a; }
  friend Term exp(Term a) { return a.function(Primitive::exp); }
  friend Term log(Term a) { return a.function(Primitive::log); }
  /// log(1 + e^a)
  friend Term softplus(Term a) { return a.function(Primitive::softplus); }

 private:
  Term number(long double c) const { return {*graph_, graph_->constant(c)}; }
  Term function(Primitive primitive) const { return {*graph_, graph_->function(primitive, id_)}; }

  Graph* graph_;
  NodeId id_;
};

}  // namespace gmdiff::expressions
