#pragma once

#include <memory>

#include "device/distance_sums.hpp"

namespace gmdiff {

/// Those of a device. The `reference` has no sums of its own: all cores of the host take them, as `cpu` does.
/// @throws std::invalid_argument for a number that the device cannot have, DeviceError when it is not there, with the reason.
std::unique_ptr<DistanceSums> make_distance_sums(const Device& device);

}  // namespace gmdiff
