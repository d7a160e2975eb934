#pragma once

#include <gmdiff/metrics/distances.hpp>

// Checks that all distances share; `where` is the function of the message.

namespace gmdiff {

/// Throws std::invalid_argument unless `x` has at least `least` points, d >= 1 and finite entries; `name` is x's in the message.
void check_points(const char* where, const char* name, const Points& x, Eigen::Index least = 1);
/// As above for both sets, and that their dimensions agree.
void check_points(const char* where, const Points& x, const Points& y, Eigen::Index least = 1);
/// As above for x, and that its dimension is that of the law.
void check_points(const char* where, const Points& x, const Mixture& law, Eigen::Index least = 1);

}  // namespace gmdiff
