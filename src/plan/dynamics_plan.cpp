#include <span>

#include <gmdiff/plan/plan.hpp>

#include "base/check.hpp"
#include "model/named_dynamics.hpp"
#include "plan/dynamics_stages.hpp"
#include "plan/remarks.hpp"
#include "plan/tables.hpp"

namespace gmdiff {
namespace {

MixtureTable table_of(const Mixture& law) {
  return in_data_coordinates(mixture_tables(std::span(&law, 1)).front());
}

/// Draws of a mixture at `level` in place of the plan's law.
void start_from(Plan& plan, const Mixture& law, Level level = {.alpha = 1.0, .sigma = 0.0}) {
  plan.start = {.law = Start::exact, .level = level};
  plan.problems = {table_of(law)};
}

/// Sets the law that the steps evaluate.
void set_law(Plan& plan, const NamedDynamics& named) {
  const auto* langevin = std::get_if<LangevinDynamics>(&named);
  if (langevin == nullptr) {
    plan.problems = {table_of(*prior_of(named))};
  } else if (const auto* target = std::get_if<Target>(&langevin->law)) {
    plan.problems = {evaluated_mixture(*target)};
    plan.target = *target;
    add_function_notes(plan.notes, *target);
  } else {
    plan.problems = {table_of(std::get<Mixture>(langevin->law))};
  }
}

/// The level of the prior at the first time; the law itself without a process.
Level first_level(const Dynamics& dynamics) {
  const ProcessDescription* const description = process_of(*dynamics.named);
  if (description == nullptr) return {};
  const ForwardProcess process(*description);
  const ProcessValues v =
      process.values(process_time(*dynamics.named, process, static_cast<long double>(dynamics.t_start)));
  return {.alpha = static_cast<double>(v.alpha), .sigma = static_cast<double>(v.sigma)};
}

/// Sets law and start of dynamics by name.
void set_named(Plan& plan, const Dynamics& dynamics) {
  const NamedDynamics& named = *dynamics.named;
  if (std::holds_alternative<ExactStart>(dynamics.start)) {
    set_law(plan, named);
    plan.start = {.law = Start::exact, .level = first_level(dynamics)};
  } else if (!evaluates_law(named)) {
    start_from(plan, start_of(dynamics, dim_of(named)));
  } else {
    set_law(plan, named);
    const auto* point = std::get_if<PointStart>(&dynamics.start);
    const auto* gaussian = std::get_if<GaussianStart>(&dynamics.start);
    const std::vector<double>& mean = point != nullptr ? point->point : gaussian->mean;
    plan.start = {.law = Start::gaussian,
                  .level = {.alpha = 1.0, .sigma = point != nullptr ? 0.0 : gaussian->std},
                  .mean = Eigen::Map<const Eigen::VectorXd>(mean.data(), std::ssize(mean))};
  }
}

void add_function_notes(Plan& plan) {
  for (const VectorField& field : plan.fields) {
    if (const CustomField* function = field.custom()) {
      plan.notes.push_back(note_of_function("function", function->id));
    }
  }
}

}  // namespace

Plan dynamics_plan(const Dynamics& dynamics) {
  Plan plan;
  plan.kind = PlanKind::dynamics;
  if (dynamics.named) {
    check_named(dynamics);
    set_named(plan, dynamics);
    schemes::add_steps(plan, dynamics, *dynamics.named);
  } else {
    const DynamicsFields fields = fields_of(dynamics);
    start_from(plan, start_of(dynamics, fields.drift.dim()));
    schemes::add_steps(plan, dynamics, fields);
  }
  for (int s = 0; s <= dynamics.steps; ++s)
    plan.times.push_back(schemes::dynamics_time(dynamics, static_cast<long double>(s)));
  add_function_notes(plan);
  return plan;
}

}  // namespace gmdiff
