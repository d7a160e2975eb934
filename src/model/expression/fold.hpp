#pragma once

#include "model/expression/primitive.hpp"

namespace gmdiff::expressions {

/// The result of an operation on constants in extended precision, with the same bits under every C library.
/// `b` is ignored by operations with one operand, and loads return `a`.
long double fold(Primitive primitive, long double a, long double b);

}  // namespace gmdiff::expressions
