#pragma once

#include <gmdiff/model/mixture.hpp>

#include "device/line_laws.hpp"

namespace gmdiff {

/// The laws of <u, factor X> for each row u of `directions` (slices, d), X with the given law.
LineLaws project_law(const Mixture& law, const Points& directions, double factor = 1.0);

/// Largest coordinate of a mean and standard deviation among the components of positive weight.
double largest_size(const Mixture& law);

}  // namespace gmdiff
