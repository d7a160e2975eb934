#pragma once

#include <string>

#include "device/cuda/gpu.hpp"
#include "device/line_laws.hpp"

namespace gmdiff::cuda {

/// `DistanceSums::law_slices` on a GPU. The host compares points that have weights: sorting has to take the
/// weights along, and such sets are small.
Eigen::VectorXd gpu_law_slices(Gpu& gpu, const std::string& name, const Points& x,
                               const Eigen::VectorXd& weights, const LineLaws& laws, const Points& directions,
                               int p);

}  // namespace gmdiff::cuda
