#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <gmdiff/plan/plan.hpp>

#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "plan/mcmc_checks.hpp"
#include "plan/proximal_chain.hpp"
#include "plan/tables.hpp"

// Markov chains as programs (mathematics.md §12.1).

namespace gmdiff {
namespace {

/// Vectors of a chain that evaluates its target. `gradient` is L^T g, `noise` holds z of a Langevin proposal
/// or the velocity before a trajectory, and `preconditioned` a product with L. Of proximal chains, `gradient`
/// is the drift b and `preconditioned` the result of the proximal map.
enum ChainVector { state, gradient, proposal, proposed_gradient, noise, velocity, preconditioned };

/// Number of L, if there is one, among the plan's matrices.
constexpr int preconditioner = 0;

/// Proximal map of a prior, and the parameter theta of its Moreau envelope.
struct Moreau {
  ProximalMap map;
  double strength, theta;
};

std::optional<Moreau> moreau_of(const auto& /*method*/, const Target* /*target*/) { return {}; }
std::optional<Moreau> moreau_of(const Myula& myula, const Target* target) {
  const SparsePrior& prior = target->regularised()->prior;
  const bool is_identity = prior.analysis == AnalysisOperator::identity;
  return Moreau{.map = is_identity ? ProximalMap::soft_threshold : ProximalMap::total_variation,
                .strength = prior.weight * *myula.theta,
                .theta = *myula.theta};
}

/// The stages of a chain, one after the other.
class Stages {
 public:
  explicit Stages(const ChainRun& run, const std::optional<Moreau>& moreau = {})
      : has_preconditioner_(run.preconditioner.size() > 0), moreau_(moreau) {}

  std::vector<Stage> take() { return std::move(stages_); }

  void add(Stage stage) { stages_.push_back(std::move(stage)); }
  void copy(int to, int from) { add(Combine{.to = to, .terms = {{from, 1.0}}}); }
  /// l, and L^T g
  void evaluate_state() { evaluate({.from = state, .to = gradient}); }
  void evaluate_proposal() { evaluate({.from = proposal, .to = proposed_gradient, .is_proposal = true}); }
  /// v <- v + t L^T g
  void kick(double t, int gradient) {
    add(Combine{.to = velocity, .terms = {{velocity, 1.0}, {gradient, t}}, .threshold = threshold_});
  }
  /// to <- from + t L v
  void drift(int to, int from, double t, int v) {
    if (has_preconditioner_) {
      add(Product{.matrix = preconditioner, .from = v, .to = preconditioned});
      v = preconditioned;
    }
    add(Combine{.to = to, .terms = {{from, 1.0}, {v, t}}, .threshold = threshold_});
  }
  /// The kicks and drifts that follow concern chains whose trajectory number is not below the threshold.
  void set_threshold(std::uint64_t threshold) { threshold_ = threshold; }
  /// v <- C v + sqrt(1 - C^2) z with C = exp(-friction t)
  void refresh(double friction, double t, int draws = 1, int draw = 0) {
    const long double decay = -static_cast<long double>(friction) * static_cast<long double>(t);
    add(Combine{.to = velocity,
                .terms = {{velocity, static_cast<double>(extended::exp(decay))}},
                .noise = static_cast<double>(std::sqrt(-extended::expm1(2.0L * decay))),
                .draws = draws,
                .draw = draw});
  }

 private:
  void evaluate(EvaluateTarget stage) {
    if (moreau_) return evaluate_drift(stage);
    if (!has_preconditioner_) return add(stage);
    add(EvaluateTarget{.from = stage.from, .to = preconditioned, .is_proposal = stage.is_proposal});
    add(Product{.matrix = preconditioner, .from = preconditioned, .to = stage.to, .transposed = true});
  }

  /// b = grad log N(y; Phi(x), R) - (x - prox(x)) / theta
  void evaluate_drift(const EvaluateTarget& stage) {
    add(stage);
    add(Proximal{
        .map = moreau_->map, .strength = moreau_->strength, .from = stage.from, .to = preconditioned});
    const double rate = 1.0 / moreau_->theta;
    add(Combine{.to = stage.to, .terms = {{stage.to, 1.0}, {stage.from, -rate}, {preconditioned, rate}}});
  }

  bool has_preconditioner_;
  std::optional<Moreau> moreau_;
  std::uint64_t threshold_ = 0;
  std::vector<Stage> stages_;
};

/// x' = x + L ((h/2) L^T g + sqrt(h) z), with its ratio.
void add_langevin_step(Stages& stages, double h, bool always) {
  stages.add(Combine{.to = noise, .noise = 1.0});
  stages.add(Combine{.to = velocity, .terms = {{gradient, 0.5 * h}, {noise, std::sqrt(h)}}});
  stages.drift(proposal, state, 1.0, velocity);
  stages.evaluate_proposal();
  stages.add(Accept{.ratio = Accept::Ratio::langevin,
                    .to = state,
                    .proposal = proposal,
                    .gradient = gradient,
                    .proposed_gradient = proposed_gradient,
                    .before = noise,
                    .factor = 0.5 * std::sqrt(h),
                    .always = always});
}

/// Metropolis step of a trajectory from (x, v) to (x', v').
void add_energy_step(Stages& stages) {
  stages.add(Accept{.ratio = Accept::Ratio::energy,
                    .to = state,
                    .proposal = proposal,
                    .gradient = gradient,
                    .proposed_gradient = proposed_gradient,
                    .before = noise,
                    .after = velocity});
}

/// `leapfrogs` leapfrogs from (x, v) to (x', v'), where v' replaces v, and their Metropolis step.
void add_trajectory(Stages& stages, double h, int leapfrogs) {
  stages.copy(noise, velocity);
  stages.kick(0.5 * h, gradient);
  stages.drift(proposal, state, h, velocity);
  stages.evaluate_proposal();
  for (int n = 1; n < leapfrogs; ++n) {
    stages.kick(h, proposed_gradient);
    stages.drift(proposal, proposal, h, velocity);
    stages.evaluate_proposal();
  }
  stages.kick(0.5 * h, proposed_gradient);
  add_energy_step(stages);
}

/// The smallest U for which 1 + floor(U longest / 2^64) is n or more: ceil((n - 1) 2^64 / longest).
std::uint64_t least_number(std::uint64_t n, std::uint64_t longest) {
  if (n == 1) return 0;
  // 2^64 = quotient longest + rest
  const std::uint64_t quotient = ~std::uint64_t{0} / longest;
  const std::uint64_t rest = ~std::uint64_t{0} % longest + 1;
  return (n - 1) * quotient + ((n - 1) * rest + longest - 1) / longest;
}

/// 1 + floor(U (2 leapfrogs - 1) / 2^64) leapfrogs from (x, v) to (x', v'), with the trajectory number U of
/// the chain, and their Metropolis step. Chains that have arrived wait for the others.
void add_random_trajectory(Stages& stages, double h, int leapfrogs) {
  stages.copy(noise, velocity);
  stages.copy(proposal, state);
  stages.copy(proposed_gradient, gradient);
  const auto longest = static_cast<std::uint64_t>(2 * leapfrogs - 1);
  for (std::uint64_t n = 1; n <= longest; ++n) {
    stages.set_threshold(least_number(n, longest));
    stages.kick(0.5 * h, proposed_gradient);
    stages.drift(proposal, proposal, h, velocity);
    stages.evaluate_proposal();
    stages.kick(0.5 * h, proposed_gradient);
  }
  add_energy_step(stages);
}

// ----- one step of each method

void add_step(Stages& stages, const Ula& ula) {
  add_langevin_step(stages, ula.speed * *ula.step, /*always=*/true);
}

void add_step(Stages& stages, const Mala& mala) {
  add_langevin_step(stages, mala.speed * *mala.step, /*always=*/false);
}

void add_step(Stages& stages, const Hmc& hmc) {
  stages.add(Combine{.to = velocity, .noise = 1.0});
  if (hmc.jitter) {
    add_random_trajectory(stages, *hmc.step, hmc.leapfrogs);
  } else {
    add_trajectory(stages, *hmc.step, hmc.leapfrogs);
  }
}

void add_step(Stages& stages, const Baoab& baoab) {
  const double half = 0.5 * *baoab.step;
  stages.kick(half, gradient);
  stages.drift(state, state, half, velocity);
  stages.refresh(baoab.friction, *baoab.step);
  stages.drift(state, state, half, velocity);
  stages.evaluate_state();
  stages.kick(half, gradient);
}

void add_step(Stages& stages, const Obabo& obabo) {
  const double half = 0.5 * *obabo.step;
  stages.refresh(obabo.friction, half, 2, 0);
  if (obabo.metropolis) {
    add_trajectory(stages, *obabo.step, 1);
  } else {
    stages.kick(half, gradient);
    stages.drift(state, state, *obabo.step, velocity);
    stages.evaluate_state();
    stages.kick(half, gradient);
  }
  stages.refresh(obabo.friction, half, 2, 1);
}

void add_step(Stages& stages, const Myula& myula) {
  add_langevin_step(stages, *myula.step, /*always=*/!myula.metropolis);
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

/// Time that a step stands for.
double time_of(const auto& method) { return *method.step; }

/// The moments of the states after the warm-up.
Accumulate moments_of(const ChainRun& run, Eigen::Index dim) {
  const auto steps = static_cast<std::uint64_t>(run.steps);
  const std::uint64_t first =
      static_cast<std::uint64_t>(run.first_step) + static_cast<std::uint64_t>(run.warmup);
  const std::uint64_t batch = steps / mcmc::num_batches;
  return {.counted_from = first,
          .batched_from = first + steps - batch * mcmc::num_batches,
          .batch = batch,
          .has_covariance = dim <= mcmc::largest_covariance};
}

// ----- the plan

const auto& with_defaults(const auto& method, const Target* /*target*/) { return method; }
Myula with_defaults(const Myula& myula, const Target* target) { return mcmc::with_defaults(myula, target); }

/// @param target or null for mixtures
template <class Method>
Plan build(const Method& given, Eigen::Index dim, const Target* target = nullptr) {
  const Method& method = with_defaults(given, target);
  mcmc::check_parameters(method);
  require(method.step.has_value(), method.name, ": step is missing");
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
  if constexpr (mcmc::IsKinetic<Method>)
    first.add(Combine{.to = velocity, .noise = 1.0, .stream = NoiseStream::velocity});
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

namespace {

/// The mixture that a plan of this target evaluates: the prior, or none.
MixtureTable mixture_of(const Target& target) {
  const ObservedMixture* const observed = target.observed();
  if (observed == nullptr) return no_mixture(target.dim());
  return in_data_coordinates(mixture_tables(std::span(&observed->prior, 1)).front());
}

}  // namespace

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
  plan.problems = {mixture_of(target)};
  plan.target = std::holds_alternative<Myula>(sampler) ? target.with_likelihood_gradient() : target;
  if (const CustomTarget* custom = target.custom()) {
    plan.notes.push_back(concat("the values are those of the target \"", custom->id,
                                "\", which the plan's hash knows by its name alone"));
  }
  return plan;
}

Plan mcmc_plan(const Mixture& target, const McmcSampler& sampler) {
  return mcmc_plan(std::span(&target, 1), sampler);
}

}  // namespace gmdiff
