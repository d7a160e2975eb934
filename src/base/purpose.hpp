#pragma once

#include <cstdint>

namespace gmdiff {

/// Purpose of a random stream. The codes never change.
enum class Purpose : std::uint32_t {
  start_component = 1,
  start_noise = 2,
  step_noise = 3,
  churn_noise = 4,
  transition_component = 5,
  draw_component = 6,
  draw_noise = 7,
  resampling = 8,
  directions = 9,
  problem = 11,
  accept = 12,
  final_choice = 13,
  forward_noise = 14,
  user = 15,
  guidance_direction = 16,
  /// The parameters of a network before training. No run has both this stream and directions of guidance.
  parameter_init = 16,
  data_index = 17,
  noise_level = 18,
  candidate = 19,
  target_location = 20,
  data_noise = 21,
  velocity = 24,
  trajectory = 25,
  proposal_component = 26,
  proposal_noise = 27,
};

/// Replicate of the step noise of the trials by which Markov chains find the steps that they start with.
inline constexpr std::uint32_t search_replicate = 2;

}  // namespace gmdiff
