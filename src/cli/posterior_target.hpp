#pragma once

#include <string>

#include <gmdiff/sampler/problem.hpp>

#include "cli/target_answer.hpp"
#include "cli/verb.hpp"

// The verb posterior for a problem with a target.

namespace gmdiff::cli {

void add_target_answer_flags(CLI::App& verb, TargetAnswerFlags& flags);

/// @throws std::invalid_argument if one of the flags is given; `file` is a problem with a prior.
void check_no_target_answer_flags(const TargetAnswerFlags& flags, const std::string& file);

/// @throws std::invalid_argument for an unknown method, and for flags that the method does not have.
TargetAnswer answer(const TargetProblem& problem, const TargetAnswerFlags& flags, const std::string& file);

/// Writes the arrays as .npz.
void write_arrays(const TargetAnswer& answer, const std::string& file, bool force);

}  // namespace gmdiff::cli
