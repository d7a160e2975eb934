#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <gmdiff/plan/plan.hpp>

#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "plan/chain_stages.hpp"
#include "plan/dual_averaging.hpp"
#include "plan/mcmc_checks.hpp"
#include "plan/proximal_chain.hpp"
#include "plan/remarks.hpp"
#include "plan/tables.hpp"

// Markov chains as programs (mathematics.md §12.1).

namespace gmdiff {
namespace {

using namespace mcmc;

std::optional<Moreau> moreau_of(const auto& /*method*/, const Target* /*target*/) { return {}; }
std::optional<Moreau> moreau_of(const Myula& myula, const Target* target) {
  const SparsePrior& prior = target->regularised()->prior;
  const bool is_identity = prior.analysis == AnalysisOperator::identity;
  return Moreau{.map = is_identity ? ProximalMap::soft_threshold : ProximalMap::total_variation,
                .strength = prior.weight * *myula.theta,
                .theta = *myula.theta};
}

// ----- one step of each method

/// The step of a method, as the number that its formulas contain.
template <class Method>
StepLength length_of(const Method& method) {
  if (adapts_in_chains(method)) return {};
  if constexpr (requires { method.speed; }) {
    return {method.speed * *method.step};
  } else {
    return {*method.step};
  }
}

void add_step(Stages& stages, const Ula& ula) { stages.langevin_step(length_of(ula), Moves::always); }

void add_step(Stages& stages, const Mala& mala) { stages.langevin_step(length_of(mala), Moves::if_accepted); }

void add_step(Stages& stages, const Hmc& hmc) {
  stages.add(Combine{.to = velocity, .noise = 1.0});
  if (hmc.jitter) {
    stages.random_trajectory(length_of(hmc), hmc.leapfrogs);
  } else {
    stages.trajectory(length_of(hmc), hmc.leapfrogs);
  }
}

void add_step(Stages& stages, const Baoab& baoab) {
  const StepLength h = length_of(baoab);
  stages.kick(h.time(0.5), gradient);
  stages.drift(state, state, h.time(0.5), velocity);
  stages.refresh(baoab.friction, h, 1.0);
  stages.drift(state, state, h.time(0.5), velocity);
  stages.evaluate_state();
  stages.kick(h.time(0.5), gradient);
}

void add_step(Stages& stages, const Obabo& obabo) {
  const StepLength h = length_of(obabo);
  stages.refresh(obabo.friction, h, 0.5, 2, 0);
  if (obabo.metropolis) {
    stages.trajectory(h, 1);
  } else {
    stages.kick(h.time(0.5), gradient);
    stages.drift(state, state, h.time(1.0), velocity);
    stages.evaluate_state();
    stages.kick(h.time(0.5), gradient);
  }
  stages.refresh(obabo.friction, h, 0.5, 2, 1);
}

void add_step(Stages& stages, const Myula& myula) {
  stages.langevin_step(length_of(myula), myula.metropolis ? Moves::if_accepted : Moves::always);
}

// ----- a trial step of the search for eps, from the first state and with fixed noise

void add_trial(Stages& stages, const Mala& /*mala*/) {
  stages.langevin_step({}, Moves::never, NoiseStream::search);
}

void add_trial(Stages& stages, int leapfrogs) {
  stages.add(Combine{.to = velocity, .noise = 1.0, .stream = NoiseStream::search});
  stages.trajectory({}, leapfrogs, Moves::never);
}

void add_trial(Stages& stages, const Hmc& hmc) { add_trial(stages, hmc.leapfrogs); }

void add_trial(Stages& stages, const Obabo& /*obabo*/) {
  add_trial(stages, 1);
  stages.copy(velocity, first_velocity);  // the trial has changed it
}

/// Vectors of exact transitions, beside the state; the prologue fills `ou_shift`.
enum OuVector { ou_moved = 1, ou_shift, ou_normals, ou_added };
/// Numbers of F and of the factor of the covariance among the plan's matrices.
enum OuMatrix { ou_decay, ou_deviation };

void add_step(Stages& stages, const OrnsteinUhlenbeck& /*ou*/) {
  stages.add(Product{.matrix = ou_decay, .from = state, .to = ou_moved});
  stages.add(Combine{.to = ou_normals, .noise = 1.0});
  stages.add(Product{.matrix = ou_deviation, .from = ou_normals, .to = ou_added});
  stages.add(Combine{.to = state, .terms = {{ou_moved, 1.0}, {ou_shift, 1.0}, {ou_added, 1.0}}});
}

/// Time that a step stands for. Chains with steps of their own have no time in common and count steps.
double time_of(const auto& method) { return adapts_in_chains(method) ? 1.0 : *method.step; }

/// The moments of the states after the warm-up.
Accumulate moments_of(const ChainRun& run, Eigen::Index dim) {
  const auto steps = static_cast<std::uint64_t>(run.steps);
  const std::uint64_t first =
      static_cast<std::uint64_t>(run.first_step) + static_cast<std::uint64_t>(run.warmup);
  const std::uint64_t batch = steps / num_batches;
  return {.counted_from = first,
          .batched_from = first + steps - batch * num_batches,
          .batch = batch,
          .has_covariance = dim <= largest_covariance};
}

// ----- the plan

const auto& with_defaults(const auto& method, const Target* /*target*/) { return method; }
Myula with_defaults(const Myula& myula, const Target* target) { return mcmc::with_defaults(myula, target); }

/// Lets a stage `Adapt` follow the Metropolis step.
void add_rule(std::vector<Stage>& stages, const Adapt& rule) {
  const auto is_accept = [](const Stage& stage) { return std::holds_alternative<Accept>(stage); };
  const auto accept = std::ranges::find_if(stages, is_accept);
  std::get<Accept>(*accept).adapts = true;
  stages.insert(std::next(accept), rule);
}

/// Each chain searches for a step at its first state, and adapts it in the warm-up (§12.3).
template <class Method>
void adapt_steps(Plan& plan, const Method& method) {
  const ChainRun& run = method.run;
  plan.prologue.stages.emplace_back(Adapt{.rule = Adapt::Rule::begin});
  Stages trial(run);
  add_trial(trial, method);
  plan.search = {.stages = trial.take(), .repeats = 1 + most_crossing_steps};
  add_rule(plan.search.stages, {.rule = Adapt::Rule::search});
  Program rest = std::get<Program>(plan.steps.front()), warmup = rest;
  rest.repeats = run.steps;
  warmup.repeats = run.warmup;
  std::erase_if(warmup.stages, [](const Stage& stage) { return std::holds_alternative<Accumulate>(stage); });
  add_rule(warmup.stages, {.rule = Adapt::Rule::average,
                           .target = target_acceptance(method),
                           .first = 0,
                           .last = static_cast<std::uint64_t>(run.warmup) - 1});
  plan.steps = {std::move(warmup), std::move(rest)};
}

/// @param target or null for mixtures
template <class Method>
Plan build(const Method& given, Eigen::Index dim, const Target* target = nullptr) {
  const Method& method = with_defaults(given, target);
  mcmc::check_parameters(method);
  require(method.step.has_value() || adapts_in_chains(method), method.name, ": step is missing");
  const ChainRun& run = method.run;
  Plan plan;
  plan.start = {.law = run.start,
                .level = run.start == Start::exact ? Level{} : Level{.alpha = 1.0, .sigma = run.start_std},
                .mean = run.start_mean};
  plan.first_step = static_cast<std::uint64_t>(run.first_step);
  if (run.preconditioner.size() > 0) plan.matrices = {run.preconditioner};
  const std::optional<Moreau> moreau = moreau_of(method, target);
  Stages first(run, moreau);
  if constexpr (std::is_same_v<Method, OrnsteinUhlenbeck>) {
    first.add(EvaluateField{.field = 0, .times = 0, .from = state, .to = ou_shift});
  } else {
    first.evaluate_state();
  }
  if constexpr (IsKinetic<Method>) {
    first.add(Combine{.to = velocity, .noise = 1.0, .stream = NoiseStream::velocity});
    if (adapts_in_chains(method)) first.copy(first_velocity, velocity);
  }
  plan.prologue.stages = first.take();
  Stages stages(run, moreau);
  add_step(stages, method);
  if (run.output == ChainOutput::moments) stages.add(moments_of(run, dim));
  Program step{.stages = stages.take(), .repeats = run.warmup + run.steps};
  for (Stage& stage : step.stages) {
    if (auto* accept = std::get_if<Accept>(&stage))
      accept->counted_from = plan.first_step + static_cast<std::uint64_t>(run.warmup);
  }
  plan.steps = {std::move(step)};
  if constexpr (CanAdapt<Method>) {
    if (adapts_in_chains(method)) adapt_steps(plan, method);
  }
  for (int s = 0; s <= run.warmup + run.steps; ++s)
    plan.times.push_back((run.first_step + s) * time_of(method));
  if (run.output == ChainOutput::trace) {
    for (int s = run.thin; s <= run.steps; s += run.thin) plan.kept.push_back(run.warmup + s);
  }
  return plan;
}

/// With the eigenvalues l and eigenvectors U of the target's covariance and h = speed step:
/// F = U diag(e^{-h / (2 l)}) U^T, shift = mu - F mu, factor = U diag(sqrt(-l (e^{-h / l} - 1))) U^T.
void add_transition(Plan& plan, const Mixture& target, const OrnsteinUhlenbeck& ou) {
  const auto h = static_cast<long double>(ou.speed * *ou.step);
  const Eigen::Index d = target.dim();
  const Points& eigenvalues = target.eigenvalues();
  Eigen::VectorXd decay(d), growth(d), deviation(d);
  for (Eigen::Index i = 0; i < d; ++i) {
    const auto l = static_cast<long double>(eigenvalues(0, eigenvalues.cols() == 1 ? 0 : i));
    // A coordinate without variance moves to its mean.
    const long double rate = l > 0.0L ? h / l : std::numeric_limits<long double>::infinity();
    decay(i) = static_cast<double>(extended::exp(-0.5L * rate));
    growth(i) = static_cast<double>(-extended::expm1(-0.5L * rate));
    deviation(i) = static_cast<double>(std::sqrt(-l * extended::expm1(-rate)));
  }
  Eigen::VectorXd mean = target.means().row(0).transpose();
  if (target.bases().empty()) {
    plan.matrices = {decay, deviation};
    mean.array() *= growth.array();
  } else {
    const Eigen::MatrixXd& U = target.bases().front();
    plan.matrices = {linear_algebra::reconstruct(U, decay), linear_algebra::reconstruct(U, deviation)};
    mean = linear_algebra::product(linear_algebra::reconstruct(U, growth), mean);
  }
  plan.fields = {VectorField(std::vector<double>(mean.begin(), mean.end()))};
  plan.field_times = {{0.0}};
}

}  // namespace

Plan mcmc_plan(std::span<const Mixture> targets, const McmcSampler& sampler) {
  require(!targets.empty(), "mcmc_plan: no target given");
  const auto* ou = std::get_if<OrnsteinUhlenbeck>(&sampler);
  if (ou == nullptr) {
    for (const Mixture& target : targets) mcmc::check_target(target);
  }
  const Eigen::Index dim = targets.front().dim();
  Plan plan = std::visit([&](const auto& method) { return build(method, dim); }, sampler);
  mcmc::check_preconditioner(sampler, dim);
  mcmc::check_start_mean(plan.start.mean, dim);
  if (ou != nullptr) add_transition(plan, mcmc::normal_target(targets, *ou), *ou);
  // The coordinates of the noise are those of x for every structure.
  for (const MixtureTable& table : mixture_tables(targets))
    plan.problems.push_back(in_data_coordinates(table));
  return plan;
}

Plan mcmc_plan(const Target& target, const McmcSampler& sampler) {
  require(!std::holds_alternative<OrnsteinUhlenbeck>(sampler),
          "ou: expected a normal law, a mixture of one "
          "component, as the target; given ",
          name_of(target.description()));
  Plan plan = std::visit([&](const auto& method) { return build(method, target.dim(), &target); }, sampler);
  mcmc::check_preconditioner(sampler, target.dim());
  mcmc::check_start_mean(plan.start.mean, target.dim());
  require(plan.start.law == Start::gaussian || target.has_draws(),
          "mcmc_plan: ", name_of(target.description()),
          " has no exact draws; its chains need the start gaussian");
  plan.problems = {evaluated_mixture(target)};
  plan.target = std::holds_alternative<Myula>(sampler) ? target.with_likelihood_gradient() : target;
  add_function_notes(plan.notes, target);
  return plan;
}

Plan mcmc_plan(const Mixture& target, const McmcSampler& sampler) {
  return mcmc_plan(std::span(&target, 1), sampler);
}

}  // namespace gmdiff
