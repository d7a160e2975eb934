#include "model/named_dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/dynamics_fields.hpp"
#include "model/linear_transition.hpp"
#include "model/mixture/singular_component.hpp"

namespace gmdiff {
namespace {

/// Most steps of dynamics whose drift depends on the time, of which a plan holds each.
constexpr int max_timed_steps = 1'000'000;

// ----- properties of each kind

int own_dim(const LangevinDynamics& langevin) {
  return std::visit([](const auto& law) { return static_cast<int>(law.dim()); }, langevin.law);
}
int own_dim(const LinearDynamics& linear) { return static_cast<int>(linear.A.rows()); }
int own_dim(const auto& of_process) { return static_cast<int>(of_process.prior.dim()); }

bool is_ode(const LangevinDynamics& /*langevin*/) { return false; }
bool is_ode(const ReverseDynamics& reverse) { return reverse.zeta == 0.0; }
bool is_ode(const ProbabilityFlowDynamics& /*flow*/) { return true; }
bool is_ode(const NaiveBackwardDynamics& /*naive*/) { return false; }
bool is_ode(const LinearDynamics& linear) { return linear.S.size() == 0 || linear.S.isZero(0.0); }

bool evaluates_own_law(const LangevinDynamics& /*langevin*/) { return true; }
bool evaluates_own_law(const ReverseDynamics& /*reverse*/) { return true; }
bool evaluates_own_law(const ProbabilityFlowDynamics& /*flow*/) { return true; }
bool evaluates_own_law(const NaiveBackwardDynamics& /*naive*/) { return false; }
bool evaluates_own_law(const LinearDynamics& /*linear*/) { return false; }

// ----- checks of each kind

void check_density(const Mixture& law) {
  const auto singular = singular_component(law);
  require(!singular, "dynamics: langevin: component ", singular.value_or(0),
          " of the law has a singular covariance, so the law has no density");
}
void check_density(const Target& /*target*/) {}

void check_draws(const Mixture& /*law*/) {}
void check_draws(const Target& target) {
  require(target.has_draws(), "dynamics: langevin: ", name_of(target.description()),
          " has no exact draws; expected a start at a point or from a normal law");
}

void check_own(const LangevinDynamics& langevin, const Dynamics& dynamics) {
  require(langevin.speed > 0.0 && std::isfinite(langevin.speed),
          "dynamics: langevin: speed must be > 0 and finite, got ", langevin.speed);
  std::visit([](const auto& law) { check_density(law); }, langevin.law);
  if (std::holds_alternative<ExactStart>(dynamics.start))
    std::visit([](const auto& law) { check_draws(law); }, langevin.law);
}

void check_process(const auto& of_process, const Dynamics& dynamics) {
  const ForwardProcess process(of_process.process);
  require(process.has_derivatives(), "dynamics: ", of_process.name,
          " needs the derivatives of alpha and sigma, which this custom process does not give");
  require(dynamics.t_start >= 0.0 && dynamics.t_end <= process.T(), "dynamics: ", of_process.name,
          ": expected times from 0 to T = ", process.T(), " of the process, got ", dynamics.t_start, " to ",
          dynamics.t_end);
  require(dynamics.steps <= max_timed_steps, "dynamics: ", of_process.name, ": steps must be at most ",
          max_timed_steps, ", got ", dynamics.steps);
}

void check_own(const ReverseDynamics& reverse, const Dynamics& dynamics) {
  require(reverse.zeta >= 0.0 && std::isfinite(reverse.zeta),
          "dynamics: reverse: zeta must be >= 0 and finite, got ", reverse.zeta);
  check_process(reverse, dynamics);
}
void check_own(const ProbabilityFlowDynamics& flow, const Dynamics& dynamics) {
  check_process(flow, dynamics);
}
void check_own(const NaiveBackwardDynamics& naive, const Dynamics& dynamics) {
  check_process(naive, dynamics);
}

void check_own(const LinearDynamics& linear, const Dynamics& dynamics) {
  const Eigen::Index d = linear.A.rows();
  require(d >= 1 && linear.A.cols() == d, "dynamics: linear: A has shape (", d, ", ", linear.A.cols(),
          "), expected (d, d) with d >= 1");
  require(linear.b.size() == 0 || linear.b.size() == d, "dynamics: linear: b has ", linear.b.size(),
          " numbers, expected ", d);
  require(linear.S.size() == 0 || (linear.S.rows() == d && linear.S.cols() == d),
          "dynamics: linear: the covariance has shape (", linear.S.rows(), ", ", linear.S.cols(),
          "), expected (", d, ", ", d, ")");
  require(linear.A.allFinite() && linear.b.allFinite() && linear.S.allFinite(),
          "dynamics: linear: expected finite numbers");
  require(!std::holds_alternative<ExactStart>(dynamics.start),
          "dynamics: linear has no law of its own; expected a start at a point, from a normal law or from a "
          "mixture");
  if (linear.S.size() == 0) return;
  require(linear.S == linear.S.transpose(), "dynamics: linear: the covariance must be symmetric");
  const Eigen::MatrixXd L = semidefinite_factor(linear.S);
  const Eigen::MatrixXd explained = linear_algebra::product(L, L.transpose());
  require((explained - linear.S).cwiseAbs().maxCoeff() <= 1e-10 * linear.S.cwiseAbs().maxCoeff(),
          "dynamics: linear: the covariance must be positive semidefinite");
}

/// Checks that nothing is given that a name replaces.
void check_alone(const Dynamics& dynamics, const char* name) {
  const char* given = nullptr;
  if (!dynamics.drift.empty() || dynamics.custom_drift) given = "drift";
  if (dynamics.noise != DynamicsNoise(0.0) || dynamics.custom_noise) given = "noise";
  if (!dynamics.parameters.empty()) given = "parameters";
  require(given == nullptr, "dynamics: ", name, " has its own drift and noise; expected no ",
          given == nullptr ? "" : given, " beside it");
}

void check_scheme(const Dynamics& dynamics, const auto& own) {
  const char* scheme = to_string(dynamics.scheme);
  switch (dynamics.scheme) {
    case Scheme::euler:
    case Scheme::rk4:
      return require(is_ode(own), "dynamics: the scheme ", scheme, " integrates ODEs, and ", own.name,
                     " has noise; use euler-maruyama, heun or sra1");
    case Scheme::exact:
      return require(std::is_same_v<std::decay_t<decltype(own)>, LinearDynamics>,
                     "dynamics: the scheme exact needs a linear drift with constant coefficients, and ",
                     own.name, " has none; use euler-maruyama, heun or sra1");
    case Scheme::euler_maruyama:
    case Scheme::heun:
    case Scheme::sra1:
    case Scheme::milstein:
      return;
  }
}

void check_start(const Dynamics& dynamics, const auto& own) {
  if (std::holds_alternative<ExactStart>(dynamics.start)) return;
  (void)start_of(dynamics, own_dim(own));
  require(
      !evaluates_own_law(own) || !std::holds_alternative<Mixture>(dynamics.start), "dynamics: ", own.name,
      " evaluates a law of its own; expected a start at a point, from a normal law or \"exact\", or given "
      "states instead of a mixture");
}

}  // namespace

const char* name_of(const NamedDynamics& dynamics) {
  return std::visit([](const auto& own) { return own.name; }, dynamics);
}

int dim_of(const NamedDynamics& dynamics) {
  return std::visit([](const auto& own) { return own_dim(own); }, dynamics);
}

const Mixture* prior_of(const NamedDynamics& dynamics) {
  return std::visit(
      [](const auto& own) -> const Mixture* {
        if constexpr (requires { own.prior; }) {
          return &own.prior;
        } else {
          return nullptr;
        }
      },
      dynamics);
}

const ProcessDescription* process_of(const NamedDynamics& dynamics) {
  return std::visit(
      [](const auto& own) -> const ProcessDescription* {
        if constexpr (requires { own.process; }) {
          return &own.process;
        } else {
          return nullptr;
        }
      },
      dynamics);
}

bool evaluates_law(const NamedDynamics& dynamics) {
  return std::visit([](const auto& own) { return evaluates_own_law(own); }, dynamics);
}

long double process_time(const NamedDynamics& dynamics, const ForwardProcess& process, long double u) {
  const auto T = static_cast<long double>(process.T());
  const bool is_forward = std::holds_alternative<ProbabilityFlowDynamics>(dynamics);
  return std::clamp(is_forward ? u : T - u, 0.0L, T);
}

void check_named(const Dynamics& dynamics) {
  const NamedDynamics& named = *dynamics.named;
  check_alone(dynamics, name_of(named));
  check_times(dynamics);
  std::visit(
      [&](const auto& own) {
        check_own(own, dynamics);
        check_scheme(dynamics, own);
        check_start(dynamics, own);
      },
      named);
}

void check_dynamics(const Dynamics& dynamics) {
  if (dynamics.named) return check_named(dynamics);
  (void)start_of(dynamics, fields_of(dynamics).drift.dim());
}

int dim_of(const Dynamics& dynamics) {
  if (dynamics.named) return dim_of(*dynamics.named);
  return dynamics.custom_drift ? dynamics.custom_drift->dim : static_cast<int>(dynamics.drift.size());
}

// ----- ready-made dynamics

namespace {

/// Dynamics over all times of a process, from the law there.
Dynamics over_process(NamedDynamics named, const ProcessDescription& process) {
  return {.named = std::move(named), .t_end = ForwardProcess(process).T(), .start = ExactStart{}};
}

}  // namespace

Dynamics langevin_dynamics(std::variant<Mixture, Target> law, double speed) {
  return {.named = LangevinDynamics{.law = std::move(law), .speed = speed}};
}

Dynamics reverse_dynamics(Mixture prior, const ProcessDescription& process, double zeta) {
  return over_process(ReverseDynamics{.prior = std::move(prior), .process = process, .zeta = zeta}, process);
}

Dynamics probability_flow_dynamics(Mixture prior, const ProcessDescription& process) {
  return over_process(ProbabilityFlowDynamics{.prior = std::move(prior), .process = process}, process);
}

Dynamics naive_backward_dynamics(Mixture prior, const ProcessDescription& process) {
  return over_process(NaiveBackwardDynamics{.prior = std::move(prior), .process = process}, process);
}

Dynamics linear_dynamics(Eigen::MatrixXd A, Eigen::VectorXd b, Eigen::MatrixXd S) {
  return {.named = LinearDynamics{.A = std::move(A), .b = std::move(b), .S = std::move(S)},
          .scheme = Scheme::exact};
}

}  // namespace gmdiff
