#pragma once

#include <cstdint>

namespace gmdiff::expressions {

/// Operations of a tape (mathematics.md §13.1). The set is closed: whoever evaluates tapes implements all.
enum class Primitive : std::uint8_t {
  // Loads. Their operand a is an index.
  constant,   ///< constants[a]
  position,   ///< x_a
  direction,  ///< v_a, in products with the Hessian
  time,       ///< t; a is 0
  // One operand.
  negate,    ///< -a
  exp,       ///< e^a
  log,       ///< log a, NaN below 0
  sqrt,      ///< NaN below 0
  sine,      ///< of radians
  cosine,    ///< of radians
  tanh,      ///< hyperbolic tangent
  abs,       ///< |a|
  sign,      ///< 1, 0 or -1
  sigmoid,   ///< 1 / (1 + e^-a), without overflow
  softplus,  ///< log(1 + e^a), without overflow
  // Two operands.
  add,
  subtract,
  multiply,
  divide,
  minimum,   ///< b < a ? b : a
  maximum,   ///< a < b ? b : a
  less,      ///< a < b ? 1 : 0
  not_less,  ///< a < b ? 0 : 1
  where,     ///< a != 0 ? b : 0, even where b is not finite
};

/// Number of operands that are results of other operations: 0 for loads.
constexpr int arity(Primitive primitive) {
  return primitive <= Primitive::time ? 0 : primitive <= Primitive::softplus ? 1 : 2;
}

}  // namespace gmdiff::expressions
