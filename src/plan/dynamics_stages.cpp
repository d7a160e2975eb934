#include "plan/dynamics_stages.hpp"

#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/linear_transition.hpp"
#include "plan/equation.hpp"
#include "plan/path_stages.hpp"
#include "plan/scheme_steps.hpp"

namespace gmdiff::schemes {
namespace {

// ----- exact transitions

using Numbers = std::vector<double>;

/// Vectors of exact transitions, which the prologue fills.
enum ExactVector { factor = 1, offset = 2, deviation = 3, noise = 4 };

/// (e^{a t} - 1) / a
long double growth(long double a, long double t) { return a == 0.0L ? t : extended::expm1(a * t) / a; }

void fill(Stages& first, int vector, const Numbers& values) {
  first.evaluate(first.add_field(VectorField(values)), 0.0L, state, vector);
}

/// dX = (offset + slope X) dt + sigma dW: x e^{slope h} + offset (e^{slope h} - 1) / slope
/// + sigma sqrt((e^{2 slope h} - 1) / (2 slope)) z
void add_linear_step(Stages& first, Stages& stages, long double h, const AffineField& of_drift,
                     const Numbers& sigma) {
  Numbers F, m, s;
  for (std::size_t j = 0; j < sigma.size(); ++j) {
    const auto a = static_cast<long double>(of_drift.slope[j]);
    F.push_back(static_cast<double>(extended::exp(a * h)));
    m.push_back(static_cast<double>(static_cast<long double>(of_drift.offset[j]) * growth(a, h)));
    s.push_back(static_cast<double>(static_cast<long double>(sigma[j]) * std::sqrt(growth(2.0L * a, h))));
  }
  fill(first, factor, F);
  fill(first, offset, m);
  fill(first, deviation, s);
  for (int k = 0; k < stages.refinement(); ++k) {
    stages.multiply(state, state, factor);
    stages.draw_fine(noise, k);
    stages.multiply(noise, noise, deviation);
    stages.combine(state, {{state, 1.0}, {offset, 1.0}, {noise, 1.0}});
  }
}

/// dX = a X dt + b X dW: x exp((a - b^2 / 2) h + b sqrt(h) z)
void add_geometric_step(Stages& first, Stages& stages, long double h, const Numbers& a, const Numbers& b) {
  Numbers m, s;
  for (std::size_t j = 0; j < a.size(); ++j) {
    const auto amplitude = static_cast<long double>(b[j]);
    m.push_back(static_cast<double>((static_cast<long double>(a[j]) - 0.5L * amplitude * amplitude) * h));
    s.push_back(static_cast<double>(amplitude * std::sqrt(h)));
  }
  fill(first, offset, m);
  fill(first, deviation, s);
  stages.draw(noise);
  stages.multiply(noise, noise, deviation);
  stages.combine(noise, {{noise, 1.0}, {offset, 1.0}});
  stages.evaluate(stages.add_field(elementwise("exp", static_cast<int>(a.size()))), 0.0L, noise, noise);
  stages.multiply(state, state, noise);
}

/// Vectors of coupled exact transitions; the prologue fills `shift`.
enum CoupledVector { moved = 1, shift = 2, normals = 3, added = 4 };

/// dX = (A X + b) dt + dW: F x + shift + L z
void add_transition(Plan& plan, Stages& first, Stages& stages, const LinearTransition& transition) {
  plan.matrices = {transition.F, transition.factor};
  fill(first, shift, Numbers(transition.shift.begin(), transition.shift.end()));
  for (int k = 0; k < stages.refinement(); ++k) {
    stages.multiply_by_matrix(moved, 0, state);
    stages.draw_fine(normals, k);
    stages.multiply_by_matrix(added, 1, normals);
    stages.combine(state, {{moved, 1.0}, {shift, 1.0}, {added, 1.0}});
  }
}

/// Adds the exact step of a linear drift where W has independent coordinates.
void add_coupled_step(Plan& plan, Stages& first, Stages& stages, long double h, const DynamicsFields& fields,
                      const Eigen::MatrixXd& A, const Numbers& sigma) {
  const Points at_zero = fields.drift.value(Points::Zero(1, A.rows()));
  const Eigen::VectorXd deviations = Eigen::Map<const Eigen::VectorXd>(sigma.data(), A.rows());
  const Eigen::MatrixXd S = deviations.cwiseAbs2().asDiagonal();
  add_transition(plan, first, stages, extended_linear_transition(A, at_zero.row(0).transpose(), S, h));
}

bool are_zero(const Numbers& numbers) {
  for (const double number : numbers) {
    if (number != 0.0) return false;
  }
  return true;
}

/// The noise of an exact transition: the numbers sigma, or factors of x.
AffineField exact_noise(const DynamicsFields& fields, bool may_be_geometric) {
  const auto d = static_cast<std::size_t>(fields.drift.dim());
  if (const double* sigma = fields.number()) return {.offset = Numbers(d, *sigma), .slope = Numbers(d, 0.0)};
  const auto found = fields.field()->affine();
  const bool is_supported =
      found && (are_zero(found->slope) || (are_zero(found->offset) && may_be_geometric));
  require(is_supported,
          "dynamics: the scheme exact needs constant noise, or drifts and noise that are multiples of their "
          "own coordinate");
  return *found;
}

/// Length of the steps of exact transitions. Linear transitions follow each other with the steps of the finer
/// run, which keeps its paths.
long double fine_length(const Dynamics& dynamics) {
  return step_length(dynamics) / static_cast<long double>(path_refinement(dynamics));
}

void add_exact_step(Plan& plan, Stages& first, Stages& stages, const Dynamics& dynamics,
                    const DynamicsFields& fields) {
  const long double fine = fine_length(dynamics);
  if (const auto uncoupled = fields.drift.affine()) {
    const AffineField noise = exact_noise(fields, are_zero(uncoupled->offset));
    if (are_zero(noise.slope)) {
      add_linear_step(first, stages, fine, *uncoupled, noise.offset);
    } else {
      add_geometric_step(first, stages, step_length(dynamics), uncoupled->slope, noise.slope);
    }
  } else {
    const auto A = fields.drift.constant_jacobian();
    require(
        A.has_value(),
        "dynamics: the scheme exact needs drifts that are linear in x and do not depend on t, such as 1 - "
        "2*x1 + x2");
    add_coupled_step(plan, first, stages, fine, fields, *A,
                     exact_noise(fields, /*may_be_geometric=*/false).offset);
  }
}

void add_exact_step(Plan& plan, Stages& first, Stages& stages, const Dynamics& dynamics,
                    const LinearDynamics& linear) {
  const Eigen::Index d = linear.A.rows();
  const Eigen::VectorXd b = linear.b.size() == 0 ? Eigen::VectorXd::Zero(d) : linear.b;
  const Eigen::MatrixXd S = linear.S.size() == 0 ? Eigen::MatrixXd::Zero(d, d) : linear.S;
  add_transition(plan, first, stages, extended_linear_transition(linear.A, b, S, fine_length(dynamics)));
}

}  // namespace

long double extended_time(const Dynamics& dynamics, long double s) {
  const auto from = static_cast<long double>(dynamics.t_start);
  const long double length = static_cast<long double>(dynamics.t_end) - from;
  return from + length * s / static_cast<long double>(dynamics.steps);
}

double dynamics_time(const Dynamics& dynamics, long double s) {
  return static_cast<double>(extended_time(dynamics, s));
}

void add_steps(Plan& plan, const Dynamics& dynamics, const DynamicsFields& fields) {
  Stages first(plan, dynamics), stages(plan, dynamics);
  if (dynamics.scheme == Scheme::exact) {
    add_exact_step(plan, first, stages, dynamics, fields);
  } else {
    const auto equation = field_equation(stages, fields);
    add_scheme_step(dynamics.scheme, stages, *equation, step_length(dynamics));
  }
  plan.prologue.stages = first.take();
  plan.steps = {Program{.stages = stages.take(), .repeats = dynamics.steps}};
}

void add_steps(Plan& plan, const Dynamics& dynamics, const NamedDynamics& named) {
  Stages first(plan, dynamics);
  const auto* linear = std::get_if<LinearDynamics>(&named);
  if (dynamics.scheme == Scheme::exact && linear != nullptr) {
    Stages stages(plan, dynamics);
    add_exact_step(plan, first, stages, dynamics, *linear);
    plan.steps = {Program{.stages = stages.take(), .repeats = dynamics.steps}};
  } else {
    const auto equation = named_equation(plan, first, named);
    const int different = equation->repeats() ? 1 : dynamics.steps;
    plan.steps.reserve(static_cast<std::size_t>(different));
    for (int s = 0; s < different; ++s) {
      Stages stages(plan, dynamics, s);
      add_scheme_step(dynamics.scheme, stages, *equation, step_length(dynamics));
      plan.steps.emplace_back(Program{.stages = stages.take(), .repeats = dynamics.steps / different});
    }
  }
  plan.prologue.stages = first.take();
}

}  // namespace gmdiff::schemes
