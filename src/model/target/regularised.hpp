#pragma once

#include <gmdiff/model/target.hpp>

#include "model/expression/tape.hpp"

// Regularised targets as expressions (mathematics.md §13.3).

namespace gmdiff::targets {

/// The number e of the prior's smoothing.
double width_of(const SparsePrior& prior);

/// The function that the gradient and the Hessian are taken of.
enum class GradientOf { log_density, log_likelihood };

/// The operations of l, without the constant of the log-likelihood, and of its derivatives or those of the
/// log-likelihood. If the map is a `CustomMap` they are without the log-likelihood.
expressions::Tapes compile(const Regularised& target, GradientOf gradient);

}  // namespace gmdiff::targets
