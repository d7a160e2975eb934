#pragma once

#include <span>
#include <string>
#include <vector>

#include <gmdiff/plan/plan.hpp>

// Warnings and notes in the result of a run that do not depend on the sampler.

namespace gmdiff {

/// Warnings of a Gaussian start far from p_T, and of data that stay blurred at t = 0.
std::vector<std::string> run_warnings(std::span<const Mixture> mixtures, const ForwardProcess& process,
                                      const TimeGrid& grid, const StartTable& start);

/// Note that results depend on a function of the calling program. @param kind "denoiser", "target", ...
std::string note_of_function(const char* kind, const std::string& id);

/// Notes the functions that a target calls.
void add_function_notes(std::vector<std::string>& notes, const Target& target);

/// Notes that the grid ends before the data.
void add_end_note(std::vector<std::string>& notes, const TimeGrid& grid);

}  // namespace gmdiff
