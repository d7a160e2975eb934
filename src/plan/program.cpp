#include <algorithm>

#include <gmdiff/plan/plan.hpp>

#include "model/expression/tape.hpp"
#include "plan/guidance.hpp"
#include "plan/program.hpp"

namespace gmdiff {
namespace {

/// Vectors of an affine step: d1 and d2 hold D1 and D2, previous the D1 of the step before.
enum Vector { x = 0, d1 = 1, u = 2, previous = 3, d2 = 4 };

Program stages(const AffineStep& step, bool keeps_denoiser) {
  Program program;
  const auto add = [&](Stage stage) { program.stages.push_back(std::move(stage)); };
  if (step.c_x != 1.0 || step.c_n != 0.0) {
    add(Combine{.to = x, .terms = {{x, step.c_x}}, .noise = step.c_n, .stream = NoiseStream::churn});
  }
  if (step.evaluations >= 1) add(Evaluate{.level = step.level1, .from = x, .to = d1});
  if (step.evaluations == 2) {
    add(Combine{.to = u, .terms = {{x, step.p_x}, {d1, step.p_1}}});
    add(Evaluate{.level = step.level2, .from = u, .to = d2});
  }
  Combine sum{.to = x, .terms = {{x, step.a}}, .noise = step.e};
  if (step.evaluations >= 1) sum.terms.push_back({d1, step.b_1});
  if (step.b_p != 0.0) sum.terms.push_back({previous, step.b_p});
  if (step.evaluations == 2) sum.terms.push_back({d2, step.b_2});
  add(std::move(sum));
  if (keeps_denoiser && step.evaluations >= 1) add(Combine{.to = previous, .terms = {{d1, 1.0}}});
  return program;
}

Program stages(const MixtureTransition& step, bool /*keeps_denoiser*/) {
  return {{Transition{.t = step.t, .s = step.s, .alpha_ts = step.alpha_ts, .sigma_ts = step.sigma_ts}}};
}

Program stages(const Program& program, bool /*keeps_denoiser*/) { return program; }

int last_vector(const Evaluate& stage) { return std::max({stage.from, stage.to, stage.cotangent}); }
int last_vector(const Combine& stage) {
  int last = stage.to;
  for (const Term& term : stage.terms) last = std::max(last, term.vector);
  return last;
}
int last_vector(const Transition& stage) { return std::max(stage.from, stage.to); }
int last_vector(const EvaluateTarget& stage) { return std::max(stage.from, stage.to); }
int last_vector(const Product& stage) { return std::max(stage.from, stage.to); }
int last_vector(const Accept& stage) {
  return std::max(
      {stage.to, stage.proposal, stage.gradient, stage.proposed_gradient, stage.before, stage.after});
}
int last_vector(const EvaluateField& stage) { return std::max(stage.from, stage.to); }
int last_vector(const Multiply& stage) { return std::max({stage.to, stage.a, stage.b}); }
int last_vector(const Accumulate& /*stage*/) { return x; }
int last_vector(const Adapt& /*stage*/) { return x; }
int last_vector(const Proximal& stage) { return std::max(stage.from, stage.to); }
int last_vector(const Guide& stage) { return std::max({stage.from, stage.denoised, stage.to}); }

}  // namespace

Program program(const Step& step, bool keeps_denoiser) {
  return std::visit([=](const auto& alternative) { return stages(alternative, keeps_denoiser); }, step);
}

bool reads_previous_denoiser(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
    const auto* affine = std::get_if<AffineStep>(&step);
    return affine != nullptr && affine->b_p != 0.0;
  });
}

bool has_sampler_start(const Plan& plan) {
  return plan.kind == PlanKind::sample || plan.kind == PlanKind::dynamics;
}

bool has_forward_noise(const Plan& plan) {
  return plan.kind == PlanKind::forward || plan.kind == PlanKind::dynamics;
}

bool has_programs(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [](const Step& step) { return std::holds_alternative<Program>(step); });
}

bool calls_functions(const Plan& plan) {
  return !plan.denoisers.empty() || (plan.target && plan.target->calls_functions()) ||
         std::ranges::any_of(plan.fields, [](const VectorField& field) { return field.custom() != nullptr; });
}

int repeats(const Step& step) {
  const auto* program = std::get_if<Program>(&step);
  return program == nullptr ? 1 : program->repeats;
}

int num_work_vectors(const expressions::Tape& tape, int dim) { return (tape.num_slots + dim - 1) / dim; }

int num_work_vectors(const Target& target) {
  const expressions::Tapes* tapes = target.tapes();
  if (tapes == nullptr) return 0;
  return num_work_vectors(tapes->value_and_gradient, static_cast<int>(target.dim()));
}

int num_vectors(const Plan& plan) {
  int most = plan.target ? num_work_vectors(*plan.target) : 0;
  for (const VectorField& field : plan.fields) {
    if (field.custom() == nullptr) most = std::max(most, num_work_vectors(field.tape(), field.dim()));
  }
  for (const GuidanceTable& table : plan.guidance) {
    if (table.map) most = std::max(most, num_work_vectors(table.map->tape(), static_cast<int>(plan.dim())));
  }
  return first_work_vector(plan) + most;
}

int first_work_vector(const Plan& plan) {
  int last = 0;
  const auto add = [&last](const Program& program) {
    for (const Stage& stage : program.stages) {
      last =
          std::max(last, std::visit([](const auto& alternative) { return last_vector(alternative); }, stage));
    }
  };
  add(plan.prologue);
  add(plan.search);
  const bool keeps_denoiser = reads_previous_denoiser(plan);
  for (const Step& step : plan.steps) add(program(step, keeps_denoiser));
  return last + 1;
}

namespace {

/// Calls body(stage) for the stages of the given kind in all programs.
template <class Kind, class Body>
void for_each_stage(const Plan& plan, Body body) {
  for (const Step& step : plan.steps) {
    const auto* program = std::get_if<Program>(&step);
    if (program == nullptr) continue;
    for (const Stage& stage : program->stages) {
      if (const auto* found = std::get_if<Kind>(&stage)) body(*found);
    }
  }
}

}  // namespace

bool reads_covariance(const Guide& stage) {
  return stage.has_covariance || (guidance::reads_moments(stage) && stage.products == 0);
}

double covariance_factor(const Level& level) { return level.sigma * level.sigma / level.alpha; }

int most_directions(const Plan& plan) {
  int most = 1;
  for_each_stage<Guide>(plan, [&](const Guide& guide) { most = std::max(most, guide.directions); });
  return most;
}

int most_draws(const Plan& plan) {
  int most = 1;
  for_each_stage<Combine>(plan, [&](const Combine& combine) { most = std::max(most, combine.draws); });
  return most;
}

bool evaluates_target(const Plan& plan) {
  return std::ranges::any_of(
      plan.prologue.stages, [](const Stage& stage) { return std::holds_alternative<EvaluateTarget>(stage); });
}

bool has_chain_numbers(const Plan& plan) {
  if (evaluates_target(plan) || accept_stage(plan) != nullptr) return true;
  bool found = false;
  for_each_stage<EvaluateTarget>(plan, [&](const EvaluateTarget& /*stage*/) { found = true; });
  return found;
}

const Accept* accept_stage(const Plan& plan) {
  const Accept* last = nullptr;
  for_each_stage<Accept>(plan, [&](const Accept& accept) { last = &accept; });
  return last;
}

const Accumulate* accumulate_stage(const Plan& plan) {
  const Accumulate* last = nullptr;
  for_each_stage<Accumulate>(plan, [&](const Accumulate& accumulate) { last = &accumulate; });
  return last;
}

std::optional<int> velocity_vector(const Plan& plan) {
  for (const Stage& stage : plan.prologue.stages) {
    const auto* draw = std::get_if<Combine>(&stage);
    if (draw != nullptr && draw->stream == NoiseStream::velocity) return draw->to;
  }
  return {};
}

bool adapts_steps(const Plan& plan) { return !plan.search.stages.empty(); }

bool has_squared_steps(const Plan& plan) {
  const Accept* const accept = accept_stage(plan);
  return accept != nullptr && accept->ratio == Accept::Ratio::langevin;
}

Step as_step(const Move& move) {
  return std::visit([](const auto& alternative) { return Step(alternative); }, move);
}

Plan as_programs(Plan plan) {
  const bool keeps_denoiser = reads_previous_denoiser(plan);
  for (Step& step : plan.steps) step = program(step, keeps_denoiser);
  return plan;
}

}  // namespace gmdiff
