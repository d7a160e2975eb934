#pragma once

#include <gmdiff/metrics/distances.hpp>

// Checks that all distances share. `where` is the function that messages name.

namespace gmdiff {

/// Throws std::invalid_argument unless `x` has at least `least` points, d >= 1 and finite entries; messages
/// call it `name`.
void check_points(const char* where, const char* name, const Points& x, Eigen::Index least = 1);
/// Checks both sets as above, and that their dimensions agree.
void check_points(const char* where, const Points& x, const Points& y, Eigen::Index least = 1);
/// Checks x as above, and that its dimension is that of the law, `dim`.
void check_points(const char* where, const Points& x, Eigen::Index dim, Eigen::Index least = 1);
void check_points(const char* where, const Points& x, const Mixture& law, Eigen::Index least = 1);

}  // namespace gmdiff
