#pragma once

#include "particle/arithmetic.hpp"
#include "particle/tables.hpp"

// Tables of expressions (mathematics.md §13.1): straight-line programs over slots, which are numbers of the
// particle in its work vectors.

namespace gmdiff::particle {

/// Operations of a tape, like `expressions::Primitive` of the model.
enum class TapePrimitive {
  constant,
  position,
  time,
  negate,
  exp,
  log,
  sqrt,
  sine,
  cosine,
  tanh,
  abs,
  sign,
  sigmoid,
  softplus,
  add,
  subtract,
  multiply,
  divide,
  minimum,
  maximum,
  less,
  not_less,
  where,
};

/// Place of a slot: coordinate of a work vector.
struct SlotPlace {
  int vector;
  int coordinate;
};

/// to <- primitive(a, b). In a load, `index` selects a constant or a coordinate of x.
struct TapeOperation {
  TapePrimitive primitive;
  int index;
  SlotPlace to, a, b;
};

/// Tape of an expression or a field. Its arrays lie among the numbers of the tables, where `records` finds
/// them.
template <class Real>
struct TapeTable {
  int num_operations;
  const Real* operations;  ///< (num_operations) of TapeOperation
  const Real* constants;
  const Real* outputs;  ///< of SlotPlace: (1 + d) value and gradient, or (d) coordinates of a field
};

/// Table of a field: f(t, x) at the times of the steps.
template <class Real>
struct FieldTable {
  TapeTable<Real> tape;
  const Real* times;  ///< time of each step of the plan
  int first_work;     ///< number of the particle's vector that is the first work vector
};

/// The records of type T in an array of numbers, which the lowering copied there byte by byte.
template <class T, class Real>
GMDIFF_PARTICLE const T* records(const Real* numbers) {
  static_assert(alignof(T) <= alignof(Real));
  return reinterpret_cast<const T*>(numbers);
}

}  // namespace gmdiff::particle
