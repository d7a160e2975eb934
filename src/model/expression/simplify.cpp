#include <cmath>

#include "base/extended.hpp"
#include "model/expression/fold.hpp"
#include "model/expression/graph.hpp"

// The simplifications of a graph. Each one is exact for finite numbers, up to the sign of zero. Signs move
// towards the result, so that -(a b) and (-a) b are one node.

namespace gmdiff::expressions {

NodeId Graph::folded(Primitive primitive, NodeId a, NodeId b) {
  return constant(fold(primitive, *constant_at(a), *constant_at(b)));
}

NodeId Graph::add(NodeId a, NodeId b) {
  if (are_constants(a, b)) return folded(Primitive::add, a, b);
  if (is_constant(a, 0.0L)) return b;
  if (is_constant(b, 0.0L)) return a;
  if (a == b) return times_constant(2.0L, a);
  if (is(b, Primitive::negate)) return subtract(a, node(b).a);
  if (is(a, Primitive::negate)) return subtract(b, node(a).a);
  return commutative(Primitive::add, a, b);
}

NodeId Graph::subtract(NodeId a, NodeId b) {
  if (are_constants(a, b)) return folded(Primitive::subtract, a, b);
  if (is_constant(a, 0.0L)) return negate(b);
  if (is_constant(b, 0.0L)) return a;
  if (a == b) return constant(0.0L);
  if (is(b, Primitive::negate)) return add(a, node(b).a);
  if (is(a, Primitive::negate)) return negate(add(node(a).a, b));
  return operation(Primitive::subtract, a, b);
}

NodeId Graph::negate(NodeId a) {
  const Node of = node(a);
  if (of.primitive == Primitive::constant) return constant(-*constant_at(a));
  if (of.primitive == Primitive::negate) return of.a;
  if (of.primitive == Primitive::subtract) return subtract(of.b, of.a);
  if (of.primitive == Primitive::divide && constant_at(of.a)) {
    return operation(Primitive::divide, negate(of.a), of.b);
  }
  if (of.primitive == Primitive::multiply) {
    if (constant_at(of.a)) return times_constant(-*constant_at(of.a), of.b);
    if (constant_at(of.b)) return times_constant(-*constant_at(of.b), of.a);
  }
  return operation(Primitive::negate, a);
}

NodeId Graph::multiply(NodeId a, NodeId b) {
  if (are_constants(a, b)) return folded(Primitive::multiply, a, b);
  if (const long double* c = constant_at(a)) return times_constant(*c, b);
  if (const long double* c = constant_at(b)) return times_constant(*c, a);
  if (is(a, Primitive::negate)) return negate(multiply(node(a).a, b));
  if (is(b, Primitive::negate)) return negate(multiply(a, node(b).a));
  return commutative(Primitive::multiply, a, b);
}

/// c a of an operation a that is no constant.
NodeId Graph::times_constant(long double c, NodeId a) {
  if (c == 0.0L) return constant(0.0L);
  if (c == 1.0L) return a;
  if (c == -1.0L) return negate(a);
  if (is(a, Primitive::negate)) return times_constant(-c, node(a).a);
  return commutative(Primitive::multiply, constant(c), a);
}

NodeId Graph::divide(NodeId a, NodeId b) {
  if (are_constants(a, b)) return folded(Primitive::divide, a, b);
  if (is(b, Primitive::constant)) return over_constant(a, b);
  if (is(a, Primitive::negate)) return negate(divide(node(a).a, b));
  if (is(b, Primitive::negate)) return negate(divide(a, node(b).a));
  return operation(Primitive::divide, a, b);
}

/// a / c of an operation a that is no constant. The reciprocal of a power of two is exact.
NodeId Graph::over_constant(NodeId a, NodeId divisor) {
  const long double c = *constant_at(divisor);
  int exponent = 0;
  if (std::abs(std::frexp(c, &exponent)) == 0.5L && std::abs(exponent) < 100) {
    return times_constant(1.0L / c, a);
  }
  if (is(a, Primitive::negate)) return over_constant(node(a).a, constant(-c));
  return operation(Primitive::divide, a, divisor);
}

NodeId Graph::function(Primitive primitive, NodeId a) {
  if (is(a, Primitive::constant)) return folded(primitive, a, a);
  return operation(primitive, a);
}

NodeId Graph::choose(Primitive primitive, NodeId a, NodeId b) {
  if (are_constants(a, b)) return folded(primitive, a, b);
  const bool is_extremum = primitive == Primitive::minimum || primitive == Primitive::maximum;
  if (is_extremum && a == b) return a;
  return operation(primitive, a, b);
}

NodeId Graph::where(NodeId condition, NodeId a) {
  if (is_constant(a, 0.0L)) return a;
  return operation(Primitive::where, condition, a);
}

NodeId Graph::power(NodeId base, NodeId exponent) {
  constexpr long double largest_integer = 0x1p30L;
  const long double* const p = constant_at(exponent);
  if (p != nullptr && std::abs(*p) <= largest_integer && *p == std::trunc(*p)) {
    return integer_power(base, static_cast<long>(*p));
  }
  if (are_constants(base, exponent)) return constant(extended::pow(*constant_at(base), *p));
  return function(Primitive::exp, multiply(exponent, function(Primitive::log, base)));
}

NodeId Graph::integer_power(NodeId base, long exponent) {
  if (exponent < 0) return divide(constant(1.0L), integer_power(base, -exponent));
  NodeId result = constant(1.0L);
  for (NodeId square = base; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = multiply(result, square);
    if (exponent > 1) square = multiply(square, square);
  }
  return result;
}

}  // namespace gmdiff::expressions
