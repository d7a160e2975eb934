#pragma once

#include <span>
#include <string>
#include <vector>

#include <gmdiff/plan/plan.hpp>

// What the result of a run says beside the samples, whatever the sampler.

namespace gmdiff {

/// A Gaussian start that is far from p_T; data that stay blurred at t = 0.
std::vector<std::string> run_warnings(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid,
                                      const StartTable& start);

/// Says so where the grid ends before the data.
void add_end_note(std::vector<std::string>& notes, const TimeGrid& grid);

}  // namespace gmdiff
