#include <algorithm>
#include <optional>
#include <type_traits>
#include <variant>

#include <gmdiff/model/posterior.hpp>

#include "base/check.hpp"
#include "plan/guidance.hpp"
#include "plan/program.hpp"
#include "plan/tables.hpp"

// Guided sampling: the steps of an integrator, with guidance after each evaluation of the denoiser
// (mathematics.md §10).

namespace gmdiff {
namespace {

/// The other methods add a term to the step.
template <class Method>
concept ReplacesDenoiser = !std::is_same_v<Method, Dps> && !std::is_same_v<Method, DpsGsg> &&
                           !std::is_same_v<Method, PigdmAlgorithm1>;

/// The unguided sampler of a method, with the method's law of the first state.
template <class Method>
Sampler integrator_of(const Method& method) {
  Sampler integrator = method.integrator;
  std::visit([&](auto& description) { description.start = method.start; }, integrator);
  return integrator;
}

bool evaluates(const Stage& stage) { return std::holds_alternative<Evaluate>(stage); }

/// to <- J^T v, J = dD/dx where the evaluation of a custom denoiser took place.
Evaluate product(const Evaluate& evaluation, int v, int to) {
  return {.denoiser = evaluation.denoiser,
          .level = evaluation.level,
          .from = evaluation.from,
          .to = to,
          .cotangent = v};
}

/// Appends the products of J^T that the weight of a stage reads from vector g + 1 on: with every row of A or,
/// for row sums, with the sum of the rows. Vector g holds the rows.
void add_products(Program& program, const Evaluate& evaluation, Guide stage, Eigen::Index rows, int g) {
  const bool is_sum = stage.weight == ResidualWeight::row_sums;
  stage.weight = is_sum ? ResidualWeight::ones : ResidualWeight::unit;
  for (stage.row = 0; stage.row < (is_sum ? 1 : rows); ++stage.row) {
    program.stages.emplace_back(stage);
    program.stages.emplace_back(product(evaluation, g, g + 1 + stage.row));
  }
}

/// Appends the stages of a guidance by a custom denoiser (mathematics.md §10.5). Vector g holds it, and g + 1
/// and the vectors that follow hold products with J^T.
Term add_custom_guidance(Program& program, const char* name, const Evaluate& evaluation, guidance::Row row,
                         Eigen::Index rows, int g) {
  const bool has_derivative = row.stage.has_covariance, reads_moments = guidance::reads_moments(row.stage);
  const Level& level = evaluation.level;
  require(row.factor || level.alpha > 0.0, name,
          ": the denoiser is evaluated at alpha = 0, where C = (sigma^2 / alpha) J "
          "has no value; the grid must begin at alpha > 0");
  row.stage.has_covariance = false;
  if (reads_moments) {
    add_products(program, evaluation, row.stage, rows, g);
    row.stage.products = g + 1;
  }
  program.stages.emplace_back(row.stage);
  // With the products of all rows the stage has left J^T A^T w.
  if (reads_moments && row.stage.weight != ResidualWeight::row_sums) return {g, covariance_factor(level)};
  if (!has_derivative) return {g, row.factor.value_or(1.0)};
  program.stages.emplace_back(product(evaluation, g, g + 1));
  return {g + 1, row.factor ? *row.factor : covariance_factor(level)};
}

/// Appends the stages of a guidance after an evaluation; vectors from g on hold it. @param rows of A
/// @returns what is added to D or, where the row has a factor, to the state
Term add_guidance(Program& program, const char* name, const Evaluate& evaluation, guidance::Row row,
                  Eigen::Index rows, int g) {
  row.stage.from = evaluation.from;
  row.stage.denoised = evaluation.to;
  row.stage.to = g;
  if (evaluation.denoiser > 0) return add_custom_guidance(program, name, evaluation, row, rows, g);
  program.stages.emplace_back(row.stage);
  if (!row.stage.has_covariance) return {g, row.factor.value_or(1.0)};
  return {g, row.factor ? *row.factor * guidance::jacobian_factor(evaluation.level) : 1.0};
}

/// The stages of an unguided step with guidance added; vectors from g on hold the guidance.
template <class Method>
Program guided(const Method& method, const Program& unguided, Eigen::Index rows, int g) {
  Program program;
  std::optional<Term> extra;
  for (const Stage& stage : unguided.stages) {
    program.stages.push_back(stage);
    const auto* evaluation = std::get_if<Evaluate>(&stage);
    // C = 0 at the data.
    if (evaluation == nullptr || evaluation->level.sigma == 0.0) continue;
    const guidance::Row row = guidance::row(method, evaluation->level);
    // A step has one extra term, computed at its first evaluation.
    if (row.factor && extra) continue;
    const Term term = add_guidance(program, method.name, *evaluation, row, rows, g);
    if (row.factor) {
      extra = term;
    } else {
      program.stages.emplace_back(Combine{.to = evaluation->to, .terms = {{evaluation->to, 1.0}, term}});
    }
  }
  if (extra) {
    Combine* last = nullptr;
    for (Stage& stage : program.stages) {
      if (auto* combine = std::get_if<Combine>(&stage); combine != nullptr && combine->to == 0)
        last = combine;
    }
    last->terms.push_back(*extra);
  }
  return program;
}

/// @throws std::invalid_argument for an integrator that evaluates no denoiser, and for UniPC with a method
///   that adds a term to the step: the term needs D where the step begins, and UniPC evaluates where its
///   steps end.
template <class Method>
void check_integrator(const Method& method, const Plan& unguided) {
  const bool has_denoiser = std::any_of(unguided.steps.begin(), unguided.steps.end(), [](const Step& step) {
    const std::vector<Stage> stages = program(step, /*keeps_denoiser=*/false).stages;
    return std::any_of(stages.begin(), stages.end(), evaluates);
  });
  require(has_denoiser, method.name, ": the integrator evaluates no denoiser, so there is none to guide");
  require(ReplacesDenoiser<Method> || !std::holds_alternative<Unipc3>(method.integrator), method.name,
          ": adds a term to the step, and the integrator ", Unipc3::name,
          " does not evaluate the denoiser where its steps begin");
}

/// The unguided steps of a mixture.
template <class Method>
Plan unguided_plan(const Method& method, const Mixture& prior, const ForwardProcess& process,
                   const TimeGrid& grid) {
  return as_programs(sampling_plan(std::span(&prior, 1), process, grid, integrator_of(method)));
}

/// Steps with guidance by an observation of `rows` rows, of one problem and still without the observation.
template <class Method>
Plan guided_steps(const Method& method, Plan plan, Eigen::Index rows) {
  check_integrator(method, plan);
  const int g = num_vectors(plan);
  for (Step& step : plan.steps) step = guided(method, std::get<Program>(step), rows, g);
  return plan;
}

template <class Method>
Plan build(const Method& method, const Mixture& prior, std::span<const LinearObservation> observations,
           const ForwardProcess& process, const TimeGrid& grid) {
  std::vector<GuidanceTable> tables;
  tables.reserve(observations.size());
  for (const LinearObservation& observation : observations)
    tables.push_back(guidance::table(observation, prior.dim(), guidance::needs_given_rows(method)));
  Plan plan = guided_steps(method, unguided_plan(method, prior, process, grid), tables.front().num_rows());
  plan.problems.assign(observations.size(), plan.problems.front());
  plan.guidance = std::move(tables);
  return plan;
}

/// Gives the plan an observation with a map, which takes points in the coordinates of the data.
template <class Method>
void observe(Plan& plan, const NonlinearObservation& observation) {
  // The length of r that dps divides by is in the units of y, so that zeta keeps its meaning.
  constexpr bool whitened = !std::is_same_v<Method, Dps>;
  plan.guidance = {guidance::table(observation, plan.dim(), whitened)};
  plan.problems = {in_data_coordinates(plan.problems.front())};
}

/// The exact denoiser is that of the posterior.
Plan build(const ExactGuidance& method, const Mixture& prior, std::span<const LinearObservation> observations,
           const ForwardProcess& process, const TimeGrid& grid) {
  std::vector<Mixture> posteriors;
  for (const LinearObservation& observation : observations) {
    posteriors.push_back(posterior(prior, observation).mixture);
  }
  Plan plan = sampling_plan(posteriors, process, grid, integrator_of(method));
  check_integrator(method, plan);
  return plan;
}

/// The plan of a method that passed its checks; fails for one that `check` should have refused.
template <bool is_supported, class Method>
Plan plan_if(const Method& method, const auto& build_plan) {
  if constexpr (is_supported) {
    return build_plan(method);
  } else {
    fail(method.name, ": does not take this observation or denoiser");
  }
}

/// Steps with guidance of a custom denoiser, still without the observation.
template <class Method>
Plan guided_steps(const Method& method, const Denoiser& denoiser, Eigen::Index dim,
                  const ForwardProcess& process, const TimeGrid& grid, Eigen::Index rows) {
  return guided_steps(method, sampling_plan(denoiser, dim, process, grid, integrator_of(method)), rows);
}

/// The program that replaces the state by D_g.
template <class Method>
Program guided_denoiser(const Method& method, Level level) {
  // A mixture's guidance does not depend on the number of rows.
  Program program = guided(method, {{Evaluate{.level = level, .from = 0, .to = 1}}}, /*rows=*/0, 2);
  program.stages.emplace_back(Combine{.to = 0, .terms = {{1, 1.0}}});
  return program;
}

}  // namespace

Plan guided_plan(const Mixture& prior, std::span<const LinearObservation> observations,
                 const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler) {
  require(!observations.empty(), "guided_plan: no observation given");
  for (const LinearObservation& observation : observations) guidance::check(sampler, observation);
  return std::visit([&](const auto& method) { return build(method, prior, observations, process, grid); },
                    sampler);
}

Plan guided_plan(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
                 const TimeGrid& grid, const GuidedSampler& sampler) {
  guidance::check(sampler, observation);
  return std::visit(
      [&]<class Method>(const Method& method) -> Plan {
        return plan_if<Method::takes_map>(method, [&](const auto& taking) {
          Plan plan =
              guided_steps(taking, unguided_plan(taking, prior, process, grid), observation.y().size());
          observe<Method>(plan, observation);
          return plan;
        });
      },
      sampler);
}

Plan guided_plan(const Denoiser& denoiser, const LinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler) {
  guidance::check(sampler, observation);
  guidance::check(sampler, denoiser);
  return std::visit(
      [&]<class Method>(const Method& method) -> Plan {
        return plan_if<Method::takes_denoiser>(method, [&](const auto& taking) {
          const Eigen::Index dim = observation.A().cols();
          const GuidanceTable table = guidance::table(observation, dim, guidance::needs_given_rows(sampler));
          Plan plan = guided_steps(taking, denoiser, dim, process, grid, table.num_rows());
          plan.guidance = {table};
          return plan;
        });
      },
      sampler);
}

Plan guided_plan(const Denoiser& denoiser, const NonlinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const GuidedSampler& sampler) {
  guidance::check(sampler, observation);
  guidance::check(sampler, denoiser);
  return std::visit(
      [&]<class Method>(const Method& method) -> Plan {
        return plan_if < Method::takes_denoiser &&
               Method::takes_map > (method, [&](const auto& taking) {
                 Plan plan =
                     guided_steps(taking, denoiser, observation.dim(), process, grid, observation.y().size());
                 observe<Method>(plan, observation);
                 return plan;
               });
      },
      sampler);
}

namespace {

/// A plan of one step from given states, without its laws and stages.
Plan plan_of_denoiser(Level level) {
  Plan plan;
  plan.start = {.law = Start::gaussian, .level = level};
  plan.times = {1.0, 0.0};
  return plan;
}

[[noreturn]] void fail_without_denoiser(const char* name) {
  fail(name, ": adds a term to the step, so it has no denoiser of its own");
}

}  // namespace

Plan guided_denoiser_plan(const Mixture& prior, const LinearObservation& observation, Level level,
                          const GuidedSampler& sampler) {
  guidance::check(sampler, observation);
  Plan plan = plan_of_denoiser(level);
  std::visit(
      [&]<class Method>(const Method& method) {
        if constexpr (std::is_same_v<Method, ExactGuidance>) {
          const Mixture law = posterior(prior, observation).mixture;
          plan.problems = mixture_tables(std::span(&law, 1));
          plan.steps = {Program{{Evaluate{.level = level}, Combine{.to = 0, .terms = {{1, 1.0}}}}}};
        } else if constexpr (ReplacesDenoiser<Method>) {
          plan.problems = mixture_tables(std::span(&prior, 1));
          plan.guidance = {guidance::table(observation, prior.dim(), guidance::needs_given_rows(sampler))};
          plan.steps = {guided_denoiser(method, level)};
        } else {
          fail_without_denoiser(method.name);
        }
      },
      sampler);
  return plan;
}

Plan guided_denoiser_plan(const Mixture& prior, const NonlinearObservation& observation, Level level,
                          const GuidedSampler& sampler) {
  guidance::check(sampler, observation);
  Plan plan = plan_of_denoiser(level);
  plan.problems = mixture_tables(std::span(&prior, 1));
  std::visit(
      [&]<class Method>(const Method& method) {
        if constexpr (Method::takes_map && ReplacesDenoiser<Method>) {
          plan.steps = {guided_denoiser(method, level)};
          observe<Method>(plan, observation);
        } else {
          fail_without_denoiser(method.name);
        }
      },
      sampler);
  return plan;
}

}  // namespace gmdiff
