#pragma once

#include <iosfwd>

#include <gmdiff/plan/plan.hpp>

namespace gmdiff {

/// Parts of a plan in readable form.
void print(std::ostream& out, const Level& level);
void print(std::ostream& out, const Program& program);
void print(std::ostream& out, const Step& step);

}  // namespace gmdiff
