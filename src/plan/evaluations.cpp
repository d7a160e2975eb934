#include <gmdiff/plan/evaluations.hpp>

#include "plan/program.hpp"

namespace gmdiff {
namespace {

/// Denoiser evaluations of one stage.
struct StageEvaluations {
  int operator()(const Evaluate& stage) const { return stage.cotangent > 0 ? 0 : 1; }
  int operator()(const Combine&) const { return 0; }
  int operator()(const Transition&) const { return 1; }
  int operator()(const EvaluateTarget&) const { return 1; }
  int operator()(const Product&) const { return 0; }
  int operator()(const Accept&) const { return 0; }
  int operator()(const EvaluateField&) const { return 0; }
  int operator()(const Multiply&) const { return 0; }
  int operator()(const Accumulate&) const { return 0; }
  int operator()(const Proximal&) const { return 0; }
  int operator()(const Adapt&) const { return 0; }
  int operator()(const Guide&) const { return 0; }  // reads the denoised point of an Evaluate
};

/// Denoiser evaluations of one step.
struct StepEvaluations {
  int operator()(const AffineStep& step) const { return step.evaluations; }
  int operator()(const MixtureTransition&) const { return 1; }
  int operator()(const Program& program) const {
    int sum = 0;
    for (const Stage& stage : program.stages) sum += std::visit(StageEvaluations{}, stage);
    return sum;
  }
};

}  // namespace

double denoiser_evaluations(const Plan& plan) {
  double sum = plan.search.repeats * StepEvaluations{}(plan.search);
  for (const Step& step : plan.steps) sum += repeats(step) * std::visit(StepEvaluations{}, step);
  return sum;
}

double denoiser_evaluations(const SmcPlan& plan) {
  double sum = 0.0;
  for (const SmcStep& step : plan.steps) sum += std::visit(StepEvaluations{}, step.move);
  // Potentials of a map are evaluated at every level. With a custom denoiser the step has its value.
  if (plan.map && !plan.denoiser) sum += static_cast<double>(plan.steps.size()) + 1.0;
  return sum * plan.particles;
}

}  // namespace gmdiff
