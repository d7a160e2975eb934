#pragma once

#include "plan/equation.hpp"

namespace gmdiff::schemes {

/// Adds one step of a scheme other than `exact`, which supports the noise of the equation.
/// @param h length of the step
void add_scheme_step(Scheme scheme, Stages& stages, Equation& equation, long double h);

}  // namespace gmdiff::schemes
