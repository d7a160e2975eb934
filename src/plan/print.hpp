#pragma once

#include <iosfwd>

#include <gmdiff/plan/plan.hpp>

namespace gmdiff {

/// Parts of a plan, as people read them.
void print(std::ostream& out, const Level& level);
void print(std::ostream& out, const Step& step);

}  // namespace gmdiff
