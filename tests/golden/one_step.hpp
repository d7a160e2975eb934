#pragma once

#include <gmdiff/plan/plan.hpp>

#include "device/reference/program.hpp"

namespace gmdiff::test {

/// Step `number` of a plan with one problem, from x on the device reference, with z and zeta as its normals.
inline Eigen::VectorXd step(const Plan& plan, const Eigen::VectorXd& x, const Eigen::VectorXd& z,
                            const Eigen::VectorXd& zeta = {}, int number = 0) {
  const reference::Model model(plan.problems.front());
  Points state = x.transpose();
  reference::ProgramSteps steps(
      plan, model, nullptr, state,
      {.normals = [&](std::int64_t /*n*/,
                      const Combine& stage) { return (stage.draw == 0 ? z : zeta).data(); },
       .choice = [](std::int64_t /*n*/) { return 0.0; },
       .direction = [](std::int64_t /*n*/, int /*q*/) -> const double* { return nullptr; },
       .log_uniform = [](std::int64_t /*n*/) { return 0.0; }});
  steps.advance(plan.prologue, 0);
  const Step& chosen = plan.steps[plan.steps.size() == 1 ? 0 : static_cast<std::size_t>(number)];
  steps.advance(std::get<Program>(chosen), static_cast<std::uint64_t>(number));
  return state.row(0).transpose();
}

}  // namespace gmdiff::test
