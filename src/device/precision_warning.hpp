#pragma once

#include <optional>
#include <span>
#include <string>

#include <gmdiff/device/options.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

// Checks whether the precision of a run resolves its law: far from the origin the spacing of numbers is large
// against the law's standard deviations (numerics.md §9).

namespace gmdiff {

/// A warning with the loss for the worst of the plan's laws; empty if rounding changes no variance by more
/// than 1 %.
std::optional<std::string> precision_warning(const Plan& plan, Precision precision);
std::optional<std::string> precision_warning(std::span<const SmcPlan> plans, Precision precision);

}  // namespace gmdiff
