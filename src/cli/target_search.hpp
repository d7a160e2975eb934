#pragma once

#include <string>
#include <vector>

#include <gmdiff/model/modes.hpp>

#include "cli/target_answer.hpp"

// The search for maxima that several methods of the verb posterior begin with.

namespace gmdiff::cli {

/// Maxima from the starts of the flags. @throws std::invalid_argument if no maximum is found.
Modes search_some(const Target& target, const TargetAnswerFlags& flags);

/// Warnings about starts from which the search reaches no maximum.
std::vector<std::string> search_warnings(const Modes& found);

/// @throws std::invalid_argument for a target whose maxima have no Laplace approximation.
void require_smooth(const Target& target, const std::string& method);

}  // namespace gmdiff::cli
