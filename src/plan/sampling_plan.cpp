#include <cmath>
#include <limits>
#include <numbers>
#include <variant>

#include "base/check.hpp"
#include "plan/annealed.hpp"
#include "plan/coefficients.hpp"
#include "plan/custom_denoiser.hpp"
#include "plan/multistep.hpp"
#include "plan/program.hpp"
#include "plan/remarks.hpp"
#include "plan/tables.hpp"

// From a sampler's description to its steps: which row of coefficients.hpp each step takes, churn before it,
// and the two ends of the grid.

namespace gmdiff {

namespace {

using coefficients::LevelValues;

// --- properties of samplers ----------------------------------------------------------------------

template <class S>
concept Churned = requires(S sampler) {
  sampler.churn;
};

/// Samplers of an equation in t: they need the derivatives of alpha and sigma, and are inaccurate in a last
/// step to sigma = 0.
bool steps_in_time(const auto&) { return false; }
bool steps_in_time(const EulerMaruyama&) { return true; }
bool steps_in_time(const Euler&) { return true; }
bool steps_in_time(const Heun& heun) { return heun.variable == Heun::Variable::t; }

/// Samplers whose row is undefined at alpha_t = 0; there a DDIM step replaces it.
bool undefined_at_pure_noise(const auto&) { return false; }
bool undefined_at_pure_noise(const EulerMaruyama& sampler) { return sampler.zeta > 0.0; }
bool undefined_at_pure_noise(const Heun& heun) { return heun.variable == Heun::Variable::n; }
bool undefined_at_pure_noise(const Dpmpp2s&) { return true; }

bool denoises_at_the_end(const auto&) { return false; }
bool denoises_at_the_end(const EulerMaruyama& sampler) { return sampler.finish == Finish::denoise; }
bool denoises_at_the_end(const Euler& sampler) { return sampler.finish == Finish::denoise; }
bool denoises_at_the_end(const Heun& heun) { return steps_in_time(heun) && heun.finish == Finish::denoise; }

void check_own(const auto&) {}
void check_own(const Ddim& ddim) {
  require(ddim.eta >= 0.0 && ddim.eta <= 1.0, "ddim: eta must be in [0, 1], got ", ddim.eta);
}
void check_own(const ExactAncestral& sampler) {
  require(sampler.eta >= 0.0 && sampler.eta <= 1.0, "exact-ancestral: eta must be in [0, 1], got ",
          sampler.eta);
}
void check_own(const EulerMaruyama& sampler) {
  require(sampler.zeta >= 0.0 && std::isfinite(sampler.zeta),
          "euler-maruyama: zeta must be finite and >= 0, got ", sampler.zeta);
}
void check_own(const Dpmpp2s& sampler) {
  require(sampler.r > 0.0 && sampler.r <= 1.0, "dpmpp-2s: r must be in (0, 1], got ", sampler.r);
}

template <class S>
void check(const S& sampler, const ForwardProcess& process) {
  check_own(sampler);
  if constexpr (Churned<S>) {
    require(sampler.churn >= 0.0 && std::isfinite(sampler.churn), S::name,
            ": churn must be finite and >= 0, got ", sampler.churn);
    require(sampler.churn_min >= 0.0, S::name, ": churn_min must be >= 0, got ", sampler.churn_min);
    require(sampler.churn_max >= sampler.churn_min, S::name,
            ": churn_max must be at least churn_min = ", sampler.churn_min, ", got ", sampler.churn_max);
    require(sampler.churn_noise >= 0.0 && std::isfinite(sampler.churn_noise), S::name,
            ": churn_noise must be finite and >= 0, got ", sampler.churn_noise);
  }
  require(!steps_in_time(sampler) || process.has_derivatives(), S::name,
          " needs the derivatives of alpha and sigma, which this custom process does not give");
}

// --- rows --------------------------------------------------------------------------------------------------

/// Visits the grid once, from noisy to clean; multistep samplers keep a value of the step before.
class StepBuilder {
 public:
  StepBuilder(const ForwardProcess& process, int num_steps) : process_(process), num_steps_(num_steps) {}

  template <class S>
  Step step(const S& sampler, LevelValues t, const LevelValues& s) {
    ++next_step_;
    if constexpr (Churned<S>) {
      const long double gamma = churn_amount(sampler, t);
      if (gamma > 0.0L) {
        const coefficients::Churn churn =
            coefficients::churn(process_, t, gamma, sampler.churn_noise, steps_in_time(sampler));
        AffineStep affine = std::get<AffineStep>(regular_step(sampler, churn.level, s));
        affine.c_x = churn.c_x;
        affine.c_n = churn.c_n;
        return affine;
      }
    }
    return regular_step(sampler, t, s);
  }

 private:
  /// gamma of §5: at most sqrt(2) - 1 between churn_min and churn_max; 0 for pure noise, whose n is infinite.
  template <Churned S>
  long double churn_amount(const S& sampler, const LevelValues& t) const {
    if (t.alpha == 0.0L || !(t.n() >= sampler.churn_min && t.n() <= sampler.churn_max)) return 0.0L;
    return std::min(static_cast<long double>(sampler.churn) / num_steps_,
                    std::numbers::sqrt2_v<long double> - 1.0L);
  }

  template <class S>
  Step regular_step(const S& sampler, const LevelValues& t, const LevelValues& s) {
    if (t.alpha == 0.0L && undefined_at_pure_noise(sampler)) return coefficients::ddim(t, s, 0.0L);
    if (s.sigma == 0.0L && denoises_at_the_end(sampler)) return coefficients::denoise(t, s);
    return row(sampler, t, s);
  }

  Step row(const ExactTransition&, const LevelValues& t, const LevelValues& s) {
    return coefficients::transition(t, s);
  }
  /// The last step adds no noise (Ho et al. 2020, Algorithm 2), although the table's row for `large` has
  /// some.
  Step row(const Ancestral& sampler, const LevelValues& t, const LevelValues& s) {
    return s.sigma == 0.0L ? coefficients::denoise(t, s) : coefficients::ancestral(t, s, sampler.variance);
  }
  Step row(const Ddim& sampler, const LevelValues& t, const LevelValues& s) {
    return coefficients::ddim(t, s, sampler.eta);
  }
  Step row(const EulerMaruyama& sampler, const LevelValues& t, const LevelValues& s) {
    return coefficients::euler_maruyama(t, s, sampler.zeta);
  }
  Step row(const Euler&, const LevelValues& t, const LevelValues& s) { return coefficients::euler(t, s); }
  Step row(const Heun& sampler, const LevelValues& t, const LevelValues& s) {
    return sampler.variable == Heun::Variable::t ? coefficients::heun_t(t, s) : coefficients::heun_n(t, s);
  }
  Step row(const Dpmpp2s& sampler, const LevelValues& t, const LevelValues& s) {
    return coefficients::dpmpp_2s(process_, t, s, sampler.r);
  }
  Step row(const Dpmpp2m&, const LevelValues& t, const LevelValues& s) {
    return coefficients::dpmpp_2m(t, s, advance(t, s));
  }
  Step row(const SdeDpmpp2m&, const LevelValues& t, const LevelValues& s) {
    return coefficients::sde_dpmpp_2m(t, s, advance(t, s));
  }

  Step row(const Dpmpp3m&, const LevelValues& t, const LevelValues& s) { return dpmpp_3m_.step(t, s); }
  Step row(const Unipc3&, const LevelValues& t, const LevelValues& s) {
    return unipc_3_.step(t, s, next_step_ == num_steps_);
  }
  /// At sigma_s = 0 the draw of x_0 is the exact transition.
  Step row(const ExactAncestral& sampler, const LevelValues& t, const LevelValues& s) {
    if (s.sigma == 0.0L) return coefficients::transition(t, s);
    return coefficients::exact_ancestral(t, s, sampler.eta);
  }
  Step row(const ExactDecoupled&, const LevelValues& t, const LevelValues& s) {
    if (s.sigma == 0.0L) return coefficients::transition(t, s);
    return coefficients::exact_decoupled(t, s);
  }
  Step row(const NaiveBackward&, const LevelValues& t, const LevelValues& s) {
    return coefficients::naive_backward(t, s);
  }

  /// Returns the difference of lambda over the step before and stores that of this step.
  long double advance(const LevelValues& t, const LevelValues& s) {
    const long double before = h_previous_;
    h_previous_ = s.lambda() - t.lambda();
    return before;
  }

  const ForwardProcess& process_;
  int num_steps_;
  int next_step_ = 0;
  long double h_previous_ = 0.0L;
  coefficients::Dpmpp3mSteps dpmpp_3m_;
  coefficients::Unipc3Steps unipc_3_;
};

// --- notes and warnings of the result ----------------------------------------------------------------------

template <class S>
std::vector<std::string> end_notes(const S& sampler, const TimeGrid& grid) {
  std::vector<std::string> notes;
  const GridLevel& first = grid.level(0);
  const GridLevel& last = grid.level(grid.num_steps());
  if (first.alpha == 0.0L && undefined_at_pure_noise(sampler)) {
    notes.push_back(concat(S::name, ": the first step, from alpha = 0, is a DDIM step (eta = 0)"));
  }
  if (last.sigma == 0.0L && denoises_at_the_end(sampler)) {
    notes.push_back(concat(S::name, ": the last step, to sigma = 0, is x <- D (finish=denoise)"));
  }
  add_end_note(notes, grid);
  return notes;
}

/// The plan with start, steps, times and notes, without the law.
template <class S>
Plan without_law(const ForwardProcess& process, const TimeGrid& grid, const S& sampler) {
  check(sampler, process);
  const auto level = [&](int i) {
    return coefficients::level_values(process, grid.level(i), steps_in_time(sampler));
  };
  Plan plan;
  plan.kind = PlanKind::sample;
  plan.start = {.law = sampler.start, .level = level(0).rounded()};
  StepBuilder builder(process, grid.num_steps());
  for (int i = 0; i < grid.num_steps(); ++i)
    plan.steps.push_back(builder.step(sampler, level(i), level(i + 1)));
  plan.times = grid.times();
  plan.notes = end_notes(sampler, grid);
  return plan;
}

/// Several steps at each level, instead of one from each level to the next.
Plan without_law(const ForwardProcess& /*process*/, const TimeGrid& grid, const Annealed& sampler) {
  return annealed_plan(grid, sampler);
}

Plan without_law(const ForwardProcess& process, const TimeGrid& grid, const Sampler& sampler) {
  return std::visit([&](const auto& description) { return without_law(process, grid, description); },
                    sampler);
}

}  // namespace

Plan sampling_plan(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid,
                   const Sampler& sampler) {
  Plan plan = without_law(process, grid, sampler);
  plan.problems = mixture_tables(mixtures);
  // The level of x_t, which is not that of a sampler of x_t / alpha_t.
  const Level first = coefficients::level_values(process, grid.level(0), false).rounded();
  plan.warnings = run_warnings(mixtures, process, grid, {.law = plan.start.law, .level = first});
  return plan;
}

Plan sampling_plan(const Denoiser& denoiser, Eigen::Index dim, const ForwardProcess& process,
                   const TimeGrid& grid, const Sampler& sampler) {
  check_denoiser(denoiser);
  require(dim >= 1, "sampling_plan: dim must be at least 1, got ", dim);
  Plan plan = as_programs(without_law(process, grid, sampler));
  const std::string& id = id_of(denoiser);
  check_start(denoiser, plan.start.law == Start::gaussian);
  bool is_evaluated = false;
  for (Step& step : plan.steps) {
    for (Stage& stage : std::get<Program>(step).stages) {
      require(!std::holds_alternative<Transition>(stage), "denoiser \"", id,
              "\": the sampler draws from a mixture, and a denoiser has none");
      if (auto* evaluation = std::get_if<Evaluate>(&stage)) {
        evaluation->denoiser = 1;
        is_evaluated = true;
      }
    }
  }
  require(is_evaluated, "denoiser \"", id, "\": the sampler evaluates no denoiser");
  plan.problems = {no_mixture(dim)};
  plan.denoisers = {denoiser};
  plan.notes.push_back(note_of_function("denoiser", id));
  return plan;
}

Plan forward_plan(std::span<const Mixture> mixtures, const ForwardProcess& process, const TimeGrid& grid) {
  Plan plan;
  plan.kind = PlanKind::forward;
  plan.start = {.law = Start::exact, .level = {1.0, 0.0}};
  LevelValues s = coefficients::level_values(process, {.t = 0.0, .alpha = 1.0L, .sigma = 0.0L}, false);
  for (int i = grid.num_steps(); i >= 0; --i) {
    const LevelValues t = coefficients::level_values(process, grid.level(i), false);
    plan.steps.emplace_back(coefficients::forward(s, t));
    plan.times.push_back(grid.level(i).t);
    s = t;
  }
  plan.problems = mixture_tables(mixtures);
  return plan;
}

Plan draw_plan(std::span<const Mixture> mixtures, Level level) {
  require(level.alpha >= 0.0 && level.sigma >= 0.0 && std::isfinite(level.alpha) &&
              std::isfinite(level.sigma) && (level.alpha > 0.0 || level.sigma > 0.0),
          "draw: alpha and sigma must be finite, >= 0 and not both 0, got alpha = ", level.alpha,
          ", sigma = ", level.sigma);
  Plan plan;
  plan.kind = PlanKind::draw;
  plan.start = {.law = Start::exact, .level = level};
  plan.times = {0.0};
  plan.problems = mixture_tables(mixtures);
  return plan;
}

Plan draw_plan(const Target& target) {
  require(target.has_draws(), "draw: ", name_of(target.description()), " has no exact draws");
  Plan plan;
  plan.kind = PlanKind::draw;
  plan.times = {0.0};
  plan.problems = {no_mixture(target.dim())};
  plan.target = target;
  return plan;
}

}  // namespace gmdiff
