#pragma once

#include <cstdint>
#include <memory>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target.hpp>

namespace gmdiff {

/// Log-density and gradient of a target in double, with the bits of every machine.
class PilotTarget {
 public:
  virtual ~PilotTarget() = default;
  virtual Eigen::Index dim() const = 0;
  virtual void evaluate(const Points& x, Eigen::VectorXd& l, Points& gradient) const = 0;
  /// Exact draws, shape (count, d). @throws std::invalid_argument for a target without them.
  virtual Points draws(Eigen::Index count, std::uint64_t seed, std::uint32_t replicate) const = 0;
};

/// A mixture, evaluated on the device cpu. The mixture must outlive the result.
std::unique_ptr<PilotTarget> pilot_target(const Mixture& mixture);
/// Another target, evaluated by the arithmetic of a particle.
std::unique_ptr<PilotTarget> pilot_target(const Target& target);

}  // namespace gmdiff
