#pragma once

#include <memory>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/device.hpp>

#include "particle/pair_term.hpp"

namespace gmdiff {

/// Where the sums are taken that distances between sets are made of (mathematics.md §9), in double. What is asked of it has been checked:
/// sets of at least one point, of one dimension >= 1, finite.
class DistanceSums {
 public:
  virtual ~DistanceSums() = default;
  /// W_p^p of <u, x> and <u, y> for every row u of `directions` (slices, d), shape (slices).
  virtual Eigen::VectorXd slices(const Points& x, const Points& y, const Points& directions, int p) const = 0;
  /// Sum of the term over all pairs x_i, y_j.
  virtual long double sum_cross(const Points& x, const Points& y, const PairTerm& term) const = 0;
  /// Sum of the term over x_i, x_j with i < j.
  virtual long double sum_pairs(const Points& x, const PairTerm& term) const = 0;
};

/// Sums on a GPU. @throws DeviceUnavailable when this build or this machine does not have it, with the reason.
std::unique_ptr<DistanceSums> make_cuda_distance_sums(const Device& device);

/// Sums on a device. The `reference` has no sums of its own: all cores of the host take them, as `cpu` does.
/// @throws std::invalid_argument for a number that the device cannot have, DeviceUnavailable when it is not available, with the reason.
std::unique_ptr<DistanceSums> make_distance_sums(const Device& device);

}  // namespace gmdiff
