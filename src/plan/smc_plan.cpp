#include <gmdiff/plan/smc_plan.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <type_traits>
#include <variant>

#include <gmdiff/model/posterior.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "plan/coefficients.hpp"
#include "plan/custom_denoiser.hpp"
#include "plan/guidance.hpp"
#include "plan/potentials.hpp"
#include "plan/program.hpp"
#include "plan/remarks.hpp"
#include "plan/tables.hpp"

// From the description of an SMC sampler to its plan (mathematics.md §7).

namespace gmdiff {
namespace {

using coefficients::LevelValues;

template <class Smc>
void check(const Smc& sampler) {
  constexpr int most = 1 << 30;
  require(sampler.particles >= 1 && sampler.particles <= most, Smc::name,
          ": particles must be from 1 to 2^30, got ", sampler.particles);
  require(sampler.eta > 0.0 && sampler.eta <= 1.0, Smc::name,
          ": eta must be in (0, 1] (without noise particles cannot be tilted), got ", sampler.eta);
  require(sampler.ess_threshold >= 0.0 && sampler.ess_threshold <= 1.0, Smc::name,
          ": ess_threshold must be in [0, 1], got ", sampler.ess_threshold);
}
void check_own(const Mcgdiff& sampler, const RotatedObservation& /*observation*/) {
  require(sampler.kappa >= 0.0 && std::isfinite(sampler.kappa),
          "mcgdiff: kappa must be finite and >= 0, got ", sampler.kappa);
}
void check_own(const Bootstrap& /*sampler*/, const RotatedObservation& observation) {
  require(
      (observation.n.array() > 0.0).all(),
      "bootstrap: needs noise on every observed direction: without it every particle would have weight 0");
}

const double* kappa_of(const Mcgdiff& sampler) {
  return sampler.variant == Mcgdiff::Variant::A ? &sampler.kappa : nullptr;
}
const double* kappa_of(const Bootstrap&) { return nullptr; }

/// The prior in rotated coordinates with spherical, diag or full structure. SMC works in the observation's
/// basis, so a shared eigenbasis does not help.
Mixture rotated_prior(const Mixture& prior, const Eigen::MatrixXd& V) {
  const Mixture rotated = prior.push_forward(V.transpose(), Eigen::VectorXd::Zero(prior.dim()));
  const CovarianceType type = rotated.covariance_type();
  if (type != CovarianceType::tied && type != CovarianceType::common_basis) return rotated;
  const auto K = static_cast<std::size_t>(rotated.num_components());
  const Points& l = rotated.eigenvalues();
  const Points eigenvalues = l.rows() == 1 ? Points(l.replicate(rotated.num_components(), 1)) : l;
  return Mixture::from_log_weights(
      rotated.log_weights(), rotated.means(),
      Covariance::full_eigen(std::vector(K, rotated.bases().front()), eigenvalues));
}

long double log_normal_constant(long double variance) {
  return -0.5L * extended::log(2.0L * std::numbers::pi_v<long double> * variance);
}

/// Logarithm of the normaliser of g with `added` variance in each factor.
long double log_constant(const Potential& g, long double added) {
  long double sum = 0.0L;
  for (Eigen::Index i = 0; i < g.variance.size(); ++i) {
    if (!std::isinf(g.variance(i))) sum += log_normal_constant(g.variance(i) + added);
  }
  return sum;
}

// --- the first particles -----------------------------------------------------------------------------------

/// Sets the start N(0, sigma_T^2 I), tilted by g_T if the plan has one. @returns the log of its normaliser
long double set_gaussian_start(SmcPlan& plan, const Level& level, bool is_tilted) {
  const double V = level.sigma * level.sigma;
  plan.start.mean = Eigen::VectorXd::Zero(plan.dim());
  plan.start.variance = Eigen::VectorXd::Constant(plan.dim(), V);
  long double log_z = 0.0L;
  for (Eigen::Index i = 0; is_tilted && i < plan.num_observed(); ++i) {
    const double v = plan.at_start.variance(i), centre = plan.at_start.centre(i);
    const double K = V / (V + v);
    plan.start.mean(i) = K * centre;
    plan.start.variance(i) = K * v;
    const long double S = static_cast<long double>(V) + v;
    log_z += log_normal_constant(S) - 0.5L * static_cast<long double>(centre) * centre / S;
  }
  return log_z;
}

/// Sets the exact start p_T, tilted by g_T if the plan has one; the tilted start is a mixture, too (§2.7).
/// @returns the log of its normaliser
long double set_exact_start(SmcPlan& plan, const Mixture& prior, const Level& level, bool is_tilted) {
  Mixture law = prior.diffuse(level);
  long double log_z = 0.0L;
  if (is_tilted) {
    const Eigen::MatrixXd selection = Eigen::MatrixXd::Identity(plan.num_observed(), plan.dim());
    const Posterior tilted =
        posterior(law, LinearObservation(selection, plan.at_start.centre,
                                         Eigen::MatrixXd(plan.at_start.variance.asDiagonal())));
    log_z = tilted.log_evidence;
    law = tilted.mixture;
  }
  plan.start.mixture = mixture_tables(std::span(&law, 1)).front();
  return log_z;
}

// --- steps -------------------------------------------------------------------------------------------------

bool any_active(const Potential& g) {
  return (g.variance.array() < std::numeric_limits<double>::infinity()).any();
}

class Builder {
 public:
  Builder(SmcPlan& plan, const ForwardProcess& process, const Potentials& potentials)
      : plan_(plan), process_(process), potentials_(potentials) {}

  /// @returns the sum of the logs of constants that the weights of the steps omit
  template <class Smc>
  long double steps(const Smc& sampler) {
    const std::size_t last = potentials_.levels().size() - 1;
    for (std::size_t l = 0; l < last; ++l) plan_.steps.push_back(step(sampler, l));
    for (const GridLevel& level : potentials_.levels()) plan_.times.push_back(level.t);
    return constant_;
  }

 private:
  LevelValues level(std::size_t l) const {
    return coefficients::level_values(process_, potentials_.levels()[l], false);
  }

  template <class Smc>
  SmcStep step(const Smc& sampler, std::size_t l) {
    SmcStep step{move(sampler, l), true, potentials_.at(l + 1), potentials_.divided(l)};
    step.is_weighted = any_active(step.at_s);
    const auto* affine = std::get_if<AffineStep>(&step.move);
    constant_ -= log_constant(step.divided, 0.0L);
    if (plan_.weighting == SmcWeighting::after_moving) {
      constant_ += log_constant(step.at_s, 0.0L);
    } else if (affine != nullptr) {
      constant_ += log_constant(step.at_s, static_cast<long double>(affine->e) * affine->e);
    }
    return step;
  }

  template <class Smc>
  Move move(const Smc& sampler, std::size_t l) {
    const LevelValues t = level(l), s = level(l + 1);
    if (sampler.kernel == SmcKernel::exact) return coefficients::transition(t, s);
    const bool is_last = l + 2 == potentials_.levels().size();
    if (is_last && plan_.weighting == SmcWeighting::before_moving &&
        potentials_.end() != Potentials::End::wide) {
      const char* observation = potentials_.end() == Potentials::End::exact ? "an exact" : "a nearly exact";
      plan_.notes.push_back(
          concat(Smc::name, ": the last step, to ", observation, " observation, is the exact transition"));
      return coefficients::transition(t, s);
    }
    return coefficients::ddim(t, s, sampler.eta);
  }

  SmcPlan& plan_;
  const ForwardProcess& process_;
  const Potentials& potentials_;
  long double constant_ = 0.0L;
};

/// The parts of a plan that do not depend on the kind of observation.
/// @param law the prior in the plan's coordinates
template <class Smc>
SmcPlan without_steps(const Smc& sampler, const MixtureTable& law, const Eigen::MatrixXd& V) {
  SmcPlan plan;
  plan.mixture = law;
  plan.weighting = std::is_same_v<Smc, Bootstrap> ? SmcWeighting::after_moving : SmcWeighting::before_moving;
  plan.particles = sampler.particles;
  plan.resampling = sampler.resampling;
  plan.ess_threshold = sampler.ess_threshold;
  plan.output = sampler.output;
  plan.V = V;
  return plan;
}

/// The plan of a linear observation. @param prior in the plan's coordinates; null for a custom denoiser
template <class Smc>
SmcPlan build(const Smc& sampler, const RotatedObservation& observation, const Potentials& potentials,
              const Mixture* prior, const ForwardProcess& process, const TimeGrid& grid) {
  constexpr bool is_bootstrap = std::is_same_v<Smc, Bootstrap>;
  const MixtureTable law =
      prior == nullptr ? no_mixture(observation.V.rows()) : mixture_tables(std::span(prior, 1)).front();
  SmcPlan plan = without_steps(sampler, law, observation.V);
  plan.at_start = potentials.at(0);
  const Level first = coefficients::level_values(process, potentials.levels().front(), false).rounded();
  long double log_z = sampler.start == Start::gaussian ? set_gaussian_start(plan, first, !is_bootstrap)
                                                       : set_exact_start(plan, *prior, first, !is_bootstrap);
  if (is_bootstrap) log_z += log_constant(plan.at_start, 0.0L);
  log_z += Builder(plan, process, potentials).steps(sampler);
  plan.log_constant = static_cast<double>(log_z + potentials.log_constant() + observation.log_constant);
  add_end_note(plan.notes, grid);
  return plan;
}

template <class Smc>
SmcPlan build(const Mixture& prior, const LinearObservation& given, const ForwardProcess& process,
              const TimeGrid& grid, const Smc& sampler) {
  check(sampler);
  const RotatedObservation observation = rotate(given, prior.dim());
  check_own(sampler, observation);
  const Mixture rotated = rotated_prior(prior, observation.V);
  const Potentials potentials(observation, process, grid, kappa_of(sampler));
  SmcPlan plan = build(sampler, observation, potentials, &rotated, process, grid);
  const Level first = coefficients::level_values(process, potentials.levels().front(), false).rounded();
  plan.warnings = run_warnings(std::span(&prior, 1), process, grid, {.law = sampler.start, .level = first});
  return plan;
}

/// @throws std::invalid_argument for what needs the mixture.
template <class Smc>
void check_without_mixture(const Smc& sampler, const Denoiser& denoiser) {
  check_denoiser(denoiser);
  const std::string& id = id_of(denoiser);
  require(std::holds_alternative<HostDenoiser>(denoiser), Smc::name, ": calls the denoiser \"", id,
          "\" on the host; give a denoiser on the host");
  check_start(denoiser, sampler.start == Start::gaussian);
  require(sampler.kernel == SmcKernel::ddim, "denoiser \"", id,
          "\": the exact kernel is the transition of a mixture; the sampler needs kernel = ddim");
}
template <class Smc>
void check_last_step(const Denoiser& denoiser, const Potentials& potentials) {
  require(std::is_same_v<Smc, Bootstrap> || potentials.end() == Potentials::End::wide, "denoiser \"",
          id_of(denoiser), "\": the last step of ", Smc::name,
          ", to an exact or nearly exact observation, is the exact transition of a mixture; expected a grid "
          "with finer steps at its end or with t_end > 0, or more noise");
}

void set_denoiser(SmcPlan& plan, const Denoiser& denoiser) {
  plan.denoiser = denoiser;
  plan.notes.push_back(note_of_function("denoiser", id_of(denoiser)));
}

/// With a custom denoiser (mathematics.md §7.9).
template <class Smc>
SmcPlan build(const Denoiser& denoiser, const LinearObservation& given, const ForwardProcess& process,
              const TimeGrid& grid, const Smc& sampler) {
  check_without_mixture(sampler, denoiser);
  check(sampler);
  const RotatedObservation observation = rotate(given, given.A().cols());
  check_own(sampler, observation);
  const Potentials potentials(observation, process, grid, kappa_of(sampler));
  check_last_step<Smc>(denoiser, potentials);
  SmcPlan plan = build(sampler, observation, potentials, /*prior=*/nullptr, process, grid);
  set_denoiser(plan, denoiser);
  return plan;
}

/// The plan of an observation with a map, in the coordinates of the data, but for the start. The weights have
/// no constants but those of the likelihood: all others cancel from level to level.
SmcPlan with_map(const NonlinearObservation& observation, const MixtureTable& law,
                 const ForwardProcess& process, const TimeGrid& grid, const Bootstrap& sampler) {
  check(sampler);
  const GuidanceTable table = guidance::table(observation, law.dim(), /*whitened=*/true);
  const std::vector<GridLevel>& levels = grid.levels();
  require(
      levels.back().sigma == 0.0L,
      "bootstrap: with a map expected a grid that ends at the data, where the potential is the likelihood; "
      "its last level has sigma = ",
      static_cast<double>(levels.back().sigma));
  SmcPlan plan = without_steps(sampler, law, Eigen::MatrixXd::Identity(law.dim(), law.dim()));
  plan.map = MapPotentials{.rows = *table.map, .levels = {}, .variances = {}};
  std::vector<LevelValues> values;
  values.reserve(levels.size());
  for (const GridLevel& level : levels) {
    values.push_back(coefficients::level_values(process, level, false));
    plan.map->levels.push_back(values.back().rounded());
    plan.times.push_back(level.t);
  }
  for (std::size_t l = 0; l + 1 < values.size(); ++l) {
    const Move move = sampler.kernel == SmcKernel::exact
                          ? Move(coefficients::transition(values[l], values[l + 1]))
                          : Move(coefficients::ddim(values[l], values[l + 1], sampler.eta));
    plan.steps.push_back({.move = move, .is_weighted = true, .at_s = {}, .divided = {}});
  }
  plan.log_constant = observation.log_constant();
  return plan;
}

SmcPlan build(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
              const TimeGrid& grid, const Bootstrap& sampler) {
  const Mixture law = rotated_prior(prior, Eigen::MatrixXd::Identity(prior.dim(), prior.dim()));
  SmcPlan plan = with_map(observation, mixture_tables(std::span(&law, 1)).front(), process, grid, sampler);
  const Level first = plan.map->levels.front();
  if (sampler.start == Start::gaussian) {
    set_gaussian_start(plan, first, /*is_tilted=*/false);
  } else {
    set_exact_start(plan, law, first, /*is_tilted=*/false);
  }
  plan.warnings = run_warnings(std::span(&prior, 1), process, grid, {.law = sampler.start, .level = first});
  return plan;
}

/// With a custom denoiser (mathematics.md §10.5).
SmcPlan build(const Denoiser& denoiser, const NonlinearObservation& observation,
              const ForwardProcess& process, const TimeGrid& grid, const Bootstrap& sampler) {
  check_without_mixture(sampler, denoiser);
  SmcPlan plan = with_map(observation, no_mixture(observation.dim()), process, grid, sampler);
  for (const Level& level : plan.map->levels)
    plan.map->variances.push_back(guidance::isotropic_variance(level, /*tau2=*/1.0));
  set_gaussian_start(plan, plan.map->levels.front(), /*is_tilted=*/false);
  set_denoiser(plan, denoiser);
  return plan;
}

}  // namespace

SmcPlan smc_plan(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
                 const TimeGrid& grid, const SmcSampler& sampler) {
  check_takes_map(sampler);
  return build(prior, observation, process, grid, std::get<Bootstrap>(sampler));
}

SmcPlan smc_plan(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
                 const TimeGrid& grid, const SmcSampler& sampler) {
  return std::visit(
      [&](const auto& description) { return build(prior, observation, process, grid, description); },
      sampler);
}

SmcPlan smc_plan(const Denoiser& denoiser, const LinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler) {
  return std::visit(
      [&](const auto& description) { return build(denoiser, observation, process, grid, description); },
      sampler);
}

SmcPlan smc_plan(const Denoiser& denoiser, const NonlinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler) {
  check_takes_map(sampler);
  return build(denoiser, observation, process, grid, std::get<Bootstrap>(sampler));
}

}  // namespace gmdiff
