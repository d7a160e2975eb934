#pragma once

#include "particle/philox.hpp"
#include "particle/tables.hpp"

// The description of a piece of work for every fast device, and the random streams that it determines
// (numerics.md §5).

namespace gmdiff::particle {

/// A window of steps for a range of particles. Pointers refer to the memory of the device.
template <class Real>
struct Window {
  const StepTable<Real>* steps;  ///< steps of the window
  int first_step;                ///< number of the window's first step in the plan
  int num_steps;

  std::uint64_t seed;
  std::uint32_t replicate;  ///< replicate of the streams of a draw
  std::uint64_t first;      ///< index of the first particle; all have the same upper 32 bits
  std::int64_t count;
  bool is_sampler;  ///< the first state uses the streams of a sampler, not those of a draw
  bool is_forward;  ///< step noise uses the stream of forward paths

  const double* start_states;  ///< (count, d) row-major, or null
  int start_slot;              ///< index of the first state among the kept levels, or -1
  Real* out;                   ///< (count, slots, d)
  std::int64_t slots;
};

/// The streams of a window's particles.
template <class Real>
class Streams {
 public:
  GMDIFF_PARTICLE explicit Streams(const Window<Real>& window) : window_(window) {}

  GMDIFF_PARTICLE StreamOrigin step_noise() const {
    return origin(window_.is_forward ? Purpose::forward_noise : Purpose::step_noise);
  }
  GMDIFF_PARTICLE StreamOrigin churn_noise() const { return origin(Purpose::churn_noise); }
  GMDIFF_PARTICLE StreamOrigin velocity() const { return origin(Purpose::velocity); }
  /// Noise of the trials of a search for a first step.
  GMDIFF_PARTICLE StreamOrigin search() const {
    return {window_.seed, Purpose::step_noise, search_replicate};
  }
  GMDIFF_PARTICLE StreamOrigin trajectory() const { return origin(Purpose::trajectory); }
  GMDIFF_PARTICLE StreamOrigin accept() const { return origin(Purpose::accept); }
  GMDIFF_PARTICLE StreamOrigin directions() const { return origin(Purpose::guidance_direction); }
  GMDIFF_PARTICLE StreamOrigin transition_component() const { return origin(Purpose::transition_component); }
  GMDIFF_PARTICLE StreamOrigin start_noise() const {
    return window_.is_sampler ? origin(Purpose::start_noise)
                              : StreamOrigin{window_.seed, Purpose::draw_noise, window_.replicate};
  }
  GMDIFF_PARTICLE StreamOrigin start_component() const {
    return window_.is_sampler ? origin(Purpose::start_component)
                              : StreamOrigin{window_.seed, Purpose::draw_component, window_.replicate};
  }

 private:
  GMDIFF_PARTICLE StreamOrigin origin(Purpose purpose) const { return {window_.seed, purpose, 0}; }
  const Window<Real>& window_;
};

}  // namespace gmdiff::particle
