#pragma once

#include <string>

#include <gmdiff/sampler/problem.hpp>

#include "cli/target_answer.hpp"
#include "cli/verb.hpp"

// The verb posterior for a problem with a target or with an observation that has a map.

namespace gmdiff::cli {

void add_target_answer_flags(CLI::App& verb, TargetAnswerFlags& flags);

/// @throws std::invalid_argument if one of the flags is given; `file` is a problem with a prior.
void check_no_target_answer_flags(const TargetAnswerFlags& flags, const std::string& file);

/// @throws std::invalid_argument for an unknown method, and for flags that the method does not have.
/// @param law name of the law. @param file name of the problem
TargetAnswer answer(const Target& target, const std::string& law, const TargetAnswerFlags& flags,
                    const std::string& file);

/// Writes the arrays as .npz.
void write_arrays(const TargetAnswer& answer, const std::string& file, bool force);

}  // namespace gmdiff::cli
