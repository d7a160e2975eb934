#include "plan/print.hpp"

#include <ostream>

#include "base/check.hpp"

namespace gmdiff {
namespace {

std::ostream& operator<<(std::ostream& out, const Level& level) {
  return out << '(' << level.alpha << ", " << level.sigma << ')';
}

std::ostream& operator<<(std::ostream& out, const AffineStep& step) {
  out << "affine";
  if (step.c_n != 0.0 || step.c_x != 1.0) out << "  churn " << step.c_x << ' ' << step.c_n;
  if (step.evaluations >= 1) out << "  D1 at " << step.level1;
  if (step.evaluations == 2) out << "  u " << step.p_x << ' ' << step.p_1 << "  D2 at " << step.level2;
  return out << "  a " << step.a << "  b " << step.b_1 << ' ' << step.b_2 << ' ' << step.b_p << "  e "
             << step.e;
}

std::ostream& operator<<(std::ostream& out, const MixtureTransition& step) {
  return out << "mixture transition  " << step.t << " -> " << step.s << "  alpha_ts " << step.alpha_ts
             << "  sigma_ts " << step.sigma_ts;
}

std::ostream& operator<<(std::ostream& out, const Evaluate& stage) {
  out << 'v' << stage.to << (stage.cotangent > 0 ? " <- J^T" : " <- D");
  if (stage.denoiser > 0) out << " of denoiser " << stage.denoiser;
  out << "(v" << stage.from << ") at " << stage.level;
  if (stage.cotangent > 0) out << " times v" << stage.cotangent;
  return out;
}

const char* to_string(NoiseStream stream) {
  switch (stream) {
    case NoiseStream::step:
      return "step";
    case NoiseStream::churn:
      return "churn";
    case NoiseStream::velocity:
      return "velocity";
    case NoiseStream::search:
      return "search";
  }
  fail("plan: unknown stream of noise");
}

/// Writes a factor f as a function of the chain's step.
void print_factor(std::ostream& out, double f, StepFactor of_step) {
  switch (of_step) {
    case StepFactor::none:
      out << f;
      return;
    case StepFactor::linear:
      out << f << " eps";
      return;
    case StepFactor::square:
      out << f << " eps^2";
      return;
    case StepFactor::decay:
      out << "exp(-" << f << " eps)";
      return;
    case StepFactor::spread:
      out << "sqrt(1 - exp(-2 * " << f << " eps))";
      return;
  }
}

std::ostream& operator<<(std::ostream& out, const Combine& stage) {
  out << 'v' << stage.to << " <-";
  const char* plus = " ";
  for (const Term& term : stage.terms) {
    out << plus;
    print_factor(out, term.factor, term.of_step);
    out << " v" << term.vector;
    plus = " + ";
  }
  if (stage.noise != 0.0) {
    out << plus;
    print_factor(out, stage.noise, stage.noise_of_step);
    out << ' ' << to_string(stage.stream) << " noise";
    if (stage.draws > 1) out << ' ' << stage.draw;
  }
  if (stage.threshold != 0) out << "  in chains whose trajectory number is at least " << stage.threshold;
  return out;
}

std::ostream& operator<<(std::ostream& out, const Transition& stage) {
  return out << 'v' << stage.to << " <- transition of v" << stage.from << "  " << stage.t << " -> " << stage.s
             << "  alpha_ts " << stage.alpha_ts << "  sigma_ts " << stage.sigma_ts;
}

const char* to_string(ResidualWeight weight) {
  switch (weight) {
    case ResidualWeight::moments:
      return "moments";
    case ResidualWeight::row_sums:
      return "row sums";
    case ResidualWeight::diffuse:
      return "diffuse";
    case ResidualWeight::isotropic:
      return "isotropic";
    case ResidualWeight::unit:
      return "one row of A";
    case ResidualWeight::ones:
      return "sum of the rows of A";
    case ResidualWeight::norm:
      return "norm";
  }
  fail("plan: unknown weight of a residual");
}

std::ostream& operator<<(std::ostream& out, const Guide& stage) {
  out << 'v' << stage.to << " <- guidance by D = v" << stage.denoised << " of v" << stage.from << " at "
      << stage.level << ", " << to_string(stage.weight);
  if (stage.weight == ResidualWeight::isotropic) out << ", variance " << stage.variance;
  if (stage.weight == ResidualWeight::norm) out << ", epsilon " << stage.epsilon;
  if (stage.weight == ResidualWeight::unit) out << ' ' << stage.row;
  if (stage.products > 0) out << ", products from v" << stage.products;
  if (stage.directions > 0) out << ", " << stage.directions << " directions";
  return out << (stage.has_covariance ? "" : ", without covariance");
}

std::ostream& operator<<(std::ostream& out, const EvaluateTarget& stage) {
  return out << 'v' << stage.to << " <- gradient of the " << (stage.is_proposal ? "proposal's" : "state's")
             << " log-density at v" << stage.from;
}

std::ostream& operator<<(std::ostream& out, const Product& stage) {
  return out << 'v' << stage.to << " <- matrix " << stage.matrix
             << (stage.transposed ? ", transposed, v" : " v") << stage.from;
}

/// When a chain moves, and what is counted besides.
const char* text_of(Accept::Moves moves) {
  switch (moves) {
    case Accept::Moves::if_accepted:
      return " if accepted, ratio";
    case Accept::Moves::always:
      return ", ratio";
    case Accept::Moves::never:
      return " never, ratio";
  }
  fail("plan: unknown rule of a move");
}

std::ostream& operator<<(std::ostream& out, const Accept& stage) {
  out << 'v' << stage.to << ", v" << stage.gradient << " <- v" << stage.proposal << ", v"
      << stage.proposed_gradient << text_of(stage.moves);
  if (stage.ratio == Accept::Ratio::langevin)
    return out << " of a Langevin step with noise v" << stage.before << " and factor " << stage.factor
               << (stage.of_step ? " eps" : "");
  return out << " of velocities v" << stage.before << " and v" << stage.after;
}

std::ostream& operator<<(std::ostream& out, const Adapt& stage) {
  switch (stage.rule) {
    case Adapt::Rule::begin:
      return out << "eps <- 1";
    case Adapt::Rule::search:
      return out << "eps <- 2 eps or eps / 2, until the acceptance has crossed 1/2";
    case Adapt::Rule::average:
      return out << "eps <- dual averaging towards acceptance " << stage.target << ", steps " << stage.first
                 << " to " << stage.last;
  }
  fail("plan: unknown rule of a step");
}

std::ostream& operator<<(std::ostream& out, const EvaluateField& stage) {
  return out << 'v' << stage.to << " <- field " << stage.field << " at v" << stage.from << ", times "
             << stage.times;
}

std::ostream& operator<<(std::ostream& out, const Multiply& stage) {
  return out << 'v' << stage.to << " <- v" << stage.a << " v" << stage.b;
}

std::ostream& operator<<(std::ostream& out, const Accumulate& stage) {
  return out << "mean and " << (stage.has_covariance ? "covariance" : "variances") << " of v0 from step "
             << stage.counted_from << ", batches of " << stage.batch << " from step " << stage.batched_from;
}

const char* to_string(ProximalMap map) {
  switch (map) {
    case ProximalMap::soft_threshold:
      return "soft threshold";
    case ProximalMap::total_variation:
      return "proximal map of the total variation";
  }
  fail("plan: unknown proximal map");
}

std::ostream& operator<<(std::ostream& out, const Proximal& stage) {
  return out << 'v' << stage.to << " <- " << to_string(stage.map) << " of v" << stage.from << ", strength "
             << stage.strength;
}

std::ostream& operator<<(std::ostream& out, const Program& program) {
  const char* separator = "";
  for (const Stage& stage : program.stages) {
    out << separator;
    std::visit([&](const auto& alternative) { out << alternative; }, stage);
    separator = "\n        ";
  }
  return out;
}

}  // namespace

void print(std::ostream& out, const Level& level) { out << level; }
void print(std::ostream& out, const Program& program) { out << program; }
void print(std::ostream& out, const Step& step) {
  std::visit([&](const auto& alternative) { out << alternative; }, step);
}

}  // namespace gmdiff
