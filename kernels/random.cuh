#pragma once

#include "device/particle/normals.hpp"
#include "kernels/job.hpp"

// The streams of a job's particles.

namespace gmdiff::kernels {

using particle::BitsOf;
using particle::LevelTable;
using particle::Normals;
using particle::RealOf;
using particle::StepTable;
using particle::StreamOrigin;
using particle::Types;
using particle::Uniform;
using particle::Uniforms;

template <class Real>
class Streams {
 public:
  GMDIFF_PARTICLE explicit Streams(const StepsJob<Real>& job) : job_(job) {}

  GMDIFF_PARTICLE StreamOrigin step_noise() const { return origin(job_.is_forward ? Purpose::forward_noise : Purpose::step_noise); }
  GMDIFF_PARTICLE StreamOrigin churn_noise() const { return origin(Purpose::churn_noise); }
  GMDIFF_PARTICLE StreamOrigin transition_component() const { return origin(Purpose::transition_component); }
  GMDIFF_PARTICLE StreamOrigin start_noise() const {
    return job_.is_sampler ? origin(Purpose::start_noise) : StreamOrigin{job_.seed, Purpose::draw_noise, job_.replicate};
  }
  GMDIFF_PARTICLE StreamOrigin start_component() const {
    return job_.is_sampler ? origin(Purpose::start_component) : StreamOrigin{job_.seed, Purpose::draw_component, job_.replicate};
  }

 private:
  GMDIFF_PARTICLE StreamOrigin origin(Purpose purpose) const { return {job_.seed, purpose, 0}; }
  const StepsJob<Real>& job_;
};

}  // namespace gmdiff::kernels
