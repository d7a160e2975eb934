#pragma once

#include <filesystem>

#include <gmdiff/model/target.hpp>

// Data of a logistic regression as a table of numbers.

namespace gmdiff {

/// Standardisation of each column of a table, before it becomes a covariate.
enum class Standardise {
  none,
  scale,        ///< divided by its standard deviation (of n values, not n - 1)
  center_scale  ///< the same after its mean has been subtracted
};

/// Reads the data of a logistic regression: lines of numbers with commas between them, the last one the
/// label, which takes two values; the larger one becomes 1. Blank lines are skipped. A first column of ones is
/// added to the covariates, after they have been standardised; a constant column is not scaled.
/// @param prior_std > 0
/// @throws std::invalid_argument with file, line and column, expected and given, for text that is no table of
///   finite numbers; for labels that do not take two values; for a file that does not exist or has more than
///   1 GiB.
Logistic read_logistic(const std::filesystem::path& file, Standardise standardise = Standardise::none,
                       double prior_std = 1.0);

}  // namespace gmdiff
