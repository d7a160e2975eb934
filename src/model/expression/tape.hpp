#pragma once

#include <vector>

#include "model/expression/primitive.hpp"

namespace gmdiff::expressions {

/// slots[result] = primitive(slots[a], slots[b]). For a load, a is an index instead of a slot; b is 0 where an
/// operation has no second operand. The result may take the slot of an operand.
struct Operation {
  Primitive primitive;
  int result;
  int a, b;
};

/// A straight-line program without dead operations. Every slot is written before it is read.
struct Tape {
  std::vector<Operation> operations;
  std::vector<double> constants;
  std::vector<int> outputs;  ///< slots that hold the results after the last operation
  int num_slots = 0;
};

/// The programs of one expression.
struct Tapes {
  Tape value;               ///< 1 output
  Tape value_and_gradient;  ///< 1 + d outputs
  Tape hessian_vp;          ///< d outputs: H v
};

}  // namespace gmdiff::expressions
