#include <span>

#include <gmdiff/plan/plan.hpp>

#include "base/check.hpp"
#include "plan/dynamics_stages.hpp"
#include "plan/remarks.hpp"
#include "plan/tables.hpp"

namespace gmdiff {

Plan dynamics_plan(const Dynamics& dynamics) {
  const DynamicsFields fields = fields_of(dynamics);
  Plan plan;
  plan.kind = PlanKind::dynamics;
  plan.start = {.law = Start::exact, .level = {1.0, 0.0}};
  const Mixture start = start_of(dynamics, fields.drift.dim());
  plan.problems = {in_data_coordinates(mixture_tables(std::span(&start, 1)).front())};
  schemes::add_steps(plan, dynamics, fields);
  for (int s = 0; s <= dynamics.steps; ++s)
    plan.times.push_back(schemes::dynamics_time(dynamics, static_cast<long double>(s)));
  for (const VectorField& field : plan.fields) {
    if (const CustomField* function = field.custom()) {
      plan.notes.push_back(note_of_function("function", function->id));
    }
  }
  return plan;
}

}  // namespace gmdiff
