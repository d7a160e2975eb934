#include "device/work.hpp"

#include <algorithm>

#include "lowering/table_builder.hpp"
#include "model/expression/tape.hpp"
#include "plan/program.hpp"

namespace gmdiff {

namespace {

/// Operations of one evaluation of a mixture.
double evaluation(const MixtureTable& mixture) {
  const auto d = static_cast<double>(mixture.dim());
  const auto K = static_cast<double>(mixture.num_components());
  return K * (3.0 * d + 20.0) + (mixture.structure == CovarianceType::full ? 2.0 * K * d * d : 0.0);
}

/// Operations of one evaluation of the plan's mixture, target or fields.
double evaluation(const Plan& plan) {
  const MixtureTable& mixture = plan.problems.front();
  double fields = 0.0;
  for (const VectorField& field : plan.fields) {
    if (field.custom() == nullptr)
      fields = std::max(fields, 10.0 * static_cast<double>(field.tape().operations.size()));
  }
  if (!plan.target) return evaluation(mixture) + fields;
  const auto d = static_cast<double>(mixture.dim());
  const ObservedMixture* const observed = plan.target->observed();
  if (observed != nullptr && !plan.target->calls_functions()) {
    const auto operations = observed->observation.likelihood().value_and_gradient.operations.size();
    return evaluation(mixture) + 10.0 * static_cast<double>(operations);
  }
  if (const expressions::Tapes* tapes = plan.target->tapes())
    return 60.0 * d + 10.0 * static_cast<double>(tapes->value_and_gradient.operations.size());
  const auto* logistic = std::get_if<Logistic>(&plan.target->description());
  return 60.0 * d +
         (logistic == nullptr ? 0.0 : static_cast<double>(logistic->data.rows()) * (4.0 * d + 60.0));
}

/// Cost of a step in evaluations. A guidance stage costs a few evaluations, and one for each observed row.
double evaluations_of(const Step& step, const Plan& plan) {
  const auto* program = std::get_if<Program>(&step);
  if (program == nullptr) return 1.0;
  double sum = 1.0;
  for (const Stage& stage : program->stages) {
    const bool evaluates = std::holds_alternative<Evaluate>(stage) ||
                           std::holds_alternative<EvaluateTarget>(stage) ||
                           std::holds_alternative<EvaluateField>(stage);
    if (evaluates) sum += 1.0;
    if (std::holds_alternative<Guide>(stage)) {
      sum += 4.0 + static_cast<double>(plan.guidance.empty() ? 0 : plan.guidance.front().num_rows());
    }
  }
  return sum;
}

}  // namespace

double operations(const Plan& plan) {
  const MixtureTable& mixture = plan.problems.front();
  double evaluations = 1.0;
  for (const Step& step : plan.steps) evaluations += repeats(step) * evaluations_of(step, plan);
  return (evaluation(plan) + 20.0 * static_cast<double>(mixture.dim())) * evaluations;
}

namespace {

/// Operations of the potentials of a map in one step: a tape, an evaluation and as many more as there are
/// rows.
double potentials(const SmcPlan& plan) {
  if (!plan.map) return 0.0;
  const MapRows& rows = plan.map->rows;
  return 10.0 * static_cast<double>(rows.tape().operations.size()) +
         evaluation(plan.mixture) * static_cast<double>(2 + rows.observation.y().size());
}

}  // namespace

double operations(const SmcPlan& plan) {
  return (evaluation(plan.mixture) + potentials(plan) + 30.0 * static_cast<double>(plan.dim())) *
         plan.particles * static_cast<double>(plan.steps.size() + 1);
}

std::int64_t units_per_piece(const Plan& plan, int lanes) {
  constexpr double operations_per_piece = 2e6;
  return static_cast<std::int64_t>(
      std::clamp(operations_per_piece / (operations(plan) * lanes), 1.0, 1024.0));
}

int slot_of(const std::vector<int>& kept, int level) {
  const auto place = std::lower_bound(kept.begin(), kept.end(), level);
  return place == kept.end() || *place != level ? -1 : static_cast<int>(place - kept.begin());
}

template <class Real>
particle::Window<Real> window_of(const Task& task) {
  return {.steps = nullptr,
          .first_step = 0,
          .num_steps = 0,
          .seed = task.seed,
          .replicate = task.replicate,
          .first = static_cast<std::uint64_t>(task.first),
          .count = task.count,
          .is_sampler = has_sampler_start(task.plan),
          .is_forward = has_forward_noise(task.plan),
          .start_states = task.start,
          .start_slot = slot_of(task.kept, 0),
          .out = std::get<Real*>(task.out),
          .slots = static_cast<std::int64_t>(task.kept.size())};
}

template <class Real>
std::size_t window_end(const MixtureTable& problem, const std::vector<Step>& steps, std::size_t first,
                       std::size_t bytes) {
  std::size_t used = 0;
  std::size_t end = first;
  while (end < steps.size()) {
    used += particle::step_bytes<Real>(problem, steps[end]);
    if (used > bytes && end > first) break;
    ++end;
  }
  return end;
}

template <class Real>
std::size_t largest_step_bytes(const Plan& plan) {
  std::size_t largest = 0;
  for (const Step& step : plan.steps)
    largest = std::max(largest, particle::step_bytes<Real>(plan.problems.front(), step));
  return largest;
}

template particle::Window<float> window_of<float>(const Task&);
template particle::Window<double> window_of<double>(const Task&);
template std::size_t window_end<float>(const MixtureTable&, const std::vector<Step>&, std::size_t,
                                       std::size_t);
template std::size_t window_end<double>(const MixtureTable&, const std::vector<Step>&, std::size_t,
                                        std::size_t);
template std::size_t largest_step_bytes<float>(const Plan&);
template std::size_t largest_step_bytes<double>(const Plan&);

}  // namespace gmdiff
