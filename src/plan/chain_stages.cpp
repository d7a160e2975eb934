#include "plan/chain_stages.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "base/extended.hpp"

namespace gmdiff::mcmc {
namespace {

Term term(int vector, Amount amount) {
  return {.vector = vector, .factor = amount.number, .of_step = amount.of_step};
}

/// The smallest U for which 1 + floor(U longest / 2^64) is n or more: ceil((n - 1) 2^64 / longest).
std::uint64_t least_number(std::uint64_t n, std::uint64_t longest) {
  if (n == 1) return 0;
  // 2^64 = quotient longest + rest
  const std::uint64_t quotient = ~std::uint64_t{0} / longest;
  const std::uint64_t rest = ~std::uint64_t{0} % longest + 1;
  return (n - 1) * quotient + ((n - 1) * rest + longest - 1) / longest;
}

}  // namespace

Amount StepLength::root(double fraction) const {
  return given ? Amount{fraction * std::sqrt(*given)} : Amount{fraction, StepFactor::linear};
}

void Stages::kick(Amount t, int gradient) {
  add(Combine{.to = velocity, .terms = {{velocity, 1.0}, term(gradient, t)}, .threshold = threshold_});
}

void Stages::drift(int to, int from, Amount t, int v) {
  if (has_preconditioner_) {
    add(Product{.matrix = preconditioner, .from = v, .to = preconditioned});
    v = preconditioned;
  }
  add(Combine{.to = to, .terms = {{from, 1.0}, term(v, t)}, .threshold = threshold_});
}

void Stages::refresh(double friction, const StepLength& h, double fraction, int draws, int draw) {
  Combine sum{.to = velocity, .draws = draws, .draw = draw};
  if (h.given) {
    const long double decay =
        -static_cast<long double>(friction) * static_cast<long double>(fraction * *h.given);
    sum.terms = {{velocity, static_cast<double>(extended::exp(decay))}};
    sum.noise = static_cast<double>(std::sqrt(-extended::expm1(2.0L * decay)));
  } else {
    const double rate = friction * fraction;
    sum.terms = {{velocity, rate, StepFactor::decay}};
    sum.noise = rate;
    sum.noise_of_step = StepFactor::spread;
  }
  add(std::move(sum));
}

void Stages::evaluate(EvaluateTarget stage) {
  if (moreau_) return evaluate_drift(stage);
  if (!has_preconditioner_) return add(stage);
  add(EvaluateTarget{.from = stage.from, .to = preconditioned, .is_proposal = stage.is_proposal});
  add(Product{.matrix = preconditioner, .from = preconditioned, .to = stage.to, .transposed = true});
}

/// b = grad log N(y; Phi(x), R) - (x - prox(x)) / theta
void Stages::evaluate_drift(const EvaluateTarget& stage) {
  add(stage);
  add(Proximal{.map = moreau_->map, .strength = moreau_->strength, .from = stage.from, .to = preconditioned});
  const double rate = 1.0 / moreau_->theta;
  add(Combine{.to = stage.to, .terms = {{stage.to, 1.0}, {stage.from, -rate}, {preconditioned, rate}}});
}

void Stages::accept(Accept stage, Moves moves) {
  stage.to = state;
  stage.proposal = proposal;
  stage.gradient = gradient;
  stage.proposed_gradient = proposed_gradient;
  stage.before = noise;
  stage.moves = moves;
  if (moves == Moves::never) stage.counted_from = std::numeric_limits<std::uint64_t>::max();
  add(stage);
}

void Stages::langevin_step(const StepLength& h, Moves moves, NoiseStream stream) {
  add(Combine{.to = noise, .noise = 1.0, .stream = stream});
  add(Combine{.to = velocity, .terms = {term(gradient, h.square(0.5)), term(noise, h.root(1.0))}});
  drift(proposal, state, {1.0}, velocity);
  evaluate_proposal();
  accept({.ratio = Accept::Ratio::langevin, .factor = h.root(0.5).number, .of_step = !h.given}, moves);
}

/// Metropolis step of a trajectory from (x, v) to (x', v').
void Stages::energy_step(Moves moves) { accept({.ratio = Accept::Ratio::energy, .after = velocity}, moves); }

void Stages::trajectory(const StepLength& h, int leapfrogs, Moves moves) {
  copy(noise, velocity);
  kick(h.time(0.5), gradient);
  drift(proposal, state, h.time(1.0), velocity);
  evaluate_proposal();
  for (int n = 1; n < leapfrogs; ++n) {
    kick(h.time(1.0), proposed_gradient);
    drift(proposal, proposal, h.time(1.0), velocity);
    evaluate_proposal();
  }
  kick(h.time(0.5), proposed_gradient);
  energy_step(moves);
}

void Stages::random_trajectory(const StepLength& h, int leapfrogs) {
  copy(noise, velocity);
  copy(proposal, state);
  copy(proposed_gradient, gradient);
  const auto longest = static_cast<std::uint64_t>(2 * leapfrogs - 1);
  for (std::uint64_t n = 1; n <= longest; ++n) {
    threshold_ = least_number(n, longest);
    kick(h.time(0.5), proposed_gradient);
    drift(proposal, proposal, h.time(1.0), velocity);
    evaluate_proposal();
    kick(h.time(0.5), proposed_gradient);
  }
  threshold_ = 0;
  energy_step(Moves::if_accepted);
}

}  // namespace gmdiff::mcmc
