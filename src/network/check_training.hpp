#pragma once

#include <cmath>

#include <gmdiff/network/training.hpp>

namespace gmdiff::network {

inline bool is_positive(double x) { return x > 0.0 && std::isfinite(x); }

/// @throws std::invalid_argument naming the setting, its range and the value given.
void check_settings(const DenoiserSettings& settings);

/// Checks settings, mean, scale and iteration, and that all arrays have the sizes of the network.
/// @throws std::invalid_argument
void check_training(const DenoiserTraining& training);

}  // namespace gmdiff::network
