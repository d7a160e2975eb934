#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "model/linear_transition.hpp"
#include "model/mixture/singular_component.hpp"
#include "model/named_dynamics.hpp"
#include "plan/equation.hpp"

// Dynamics by name (mathematics.md §16.4).

namespace gmdiff::schemes {
namespace {

/// (c/2) grad l and sqrt(c)
class LangevinEquation final : public Equation {
 public:
  explicit LangevinEquation(double speed) : speed_(static_cast<long double>(speed)) {}

  bool repeats() const override { return true; }
  ExtendedTerms drift(Stages& stages, long double /*offset*/, int from, int to) override {
    stages.add(EvaluateTarget{.from = from, .to = to});
    return {{to, 0.5L * speed_}};
  }
  std::optional<long double> amplitude(const Stages& /*stages*/, long double /*offset*/) const override {
    return std::sqrt(speed_);
  }

 private:
  long double speed_;
};

/// Drift of_x x + of_law v with v = D(x; level), or the score of the prior at the data; noise `amplitude`.
struct Rates {
  long double of_x, of_law, amplitude;
};

/// g^2 / (2 sigma^2) = p - f, which is infinite at alpha = 0 and at sigma = 0
long double score_rate(const ProcessValues& v) { return -v.q / v.alpha; }

/// mu = -f x + ((1 + zeta^2)/2) g^2 score with score = (alpha D - x) / sigma^2
Rates rates_of(const ReverseDynamics& reverse, const ProcessValues& v) {
  const auto zeta = static_cast<long double>(reverse.zeta);
  const long double both = 1.0L + zeta * zeta;
  if (v.sigma == 0.0L)
    return {.of_x = -v.f, .of_law = 0.5L * both * v.g2, .amplitude = zeta * std::sqrt(v.g2)};
  if (zeta == 0.0L) return {.of_x = -v.p, .of_law = -v.q, .amplitude = 0.0L};
  const long double rate = score_rate(v);
  return {.of_x = -(v.p + zeta * zeta * rate),
          .of_law = -both * v.q,
          .amplitude = zeta * v.sigma * std::sqrt(2.0L * rate)};
}

/// mu = p x + q D = f x - (g^2/2) score
Rates rates_of(const ProbabilityFlowDynamics& /*flow*/, const ProcessValues& v) {
  if (v.sigma == 0.0L) return {.of_x = v.f, .of_law = -0.5L * v.g2, .amplitude = 0.0L};
  return {.of_x = v.p, .of_law = v.q, .amplitude = 0.0L};
}

/// mu = -f x
Rates rates_of(const NaiveBackwardDynamics& /*naive*/, const ProcessValues& v) {
  return {.of_x = -v.f, .of_law = 0.0L, .amplitude = std::sqrt(v.g2)};
}

template <class Own>
class ProcessEquation final : public Equation {
 public:
  ProcessEquation(Own own, NamedDynamics named)
      : own_(std::move(own)), named_(std::move(named)), process_(own_.process) {}

  bool repeats() const override { return false; }
  ExtendedTerms drift(Stages& stages, long double offset, int from, int to) override {
    const ProcessValues v = values(stages, offset);
    const Rates rates = checked_rates(v, stages.time(offset));
    if (rates.of_law == 0.0L) return {{from, rates.of_x}};
    if (v.sigma == 0.0L) {
      check_density(stages.time(offset));
      stages.add(EvaluateTarget{.from = from, .to = to});
    } else {
      const Level level{.alpha = static_cast<double>(v.alpha), .sigma = static_cast<double>(v.sigma)};
      stages.add(Evaluate{.level = level, .from = from, .to = to});
    }
    return {{from, rates.of_x}, {to, rates.of_law}};
  }
  std::optional<long double> amplitude(const Stages& stages, long double offset) const override {
    return checked_rates(values(stages, offset), stages.time(offset)).amplitude;
  }

 private:
  ProcessValues values(const Stages& stages, long double offset) const {
    return process_.values(process_time(named_, process_, stages.time(offset)));
  }
  Rates checked_rates(const ProcessValues& v, long double u) const {
    const Rates rates = rates_of(own_, v);
    require(std::isfinite(rates.of_x) && std::isfinite(rates.of_law) && std::isfinite(rates.amplitude),
            "dynamics: ", Own::name, ": drift or noise is not finite at the time ", static_cast<double>(u),
            ", where the process has alpha = ", static_cast<double>(v.alpha),
            " and sigma = ", static_cast<double>(v.sigma), "; use another t_start or t_end");
    return rates;
  }
  /// Checks that the prior has a score at a time without noise. Only built-in processes come here, and their
  /// alpha is 1 there: for others g is 0 at sigma = 0, or not known.
  void check_density(long double u) const {
    const auto singular = singular_component(own_.prior);
    require(!singular, "dynamics: ", Own::name, " evaluates the score of the prior at the time ",
            static_cast<double>(u), ", where the process has no noise, and component ", singular.value_or(0),
            " has a singular covariance; use another t_start or t_end");
  }

  Own own_;
  NamedDynamics named_;
  ForwardProcess process_;
};

/// Numbers of the plan's matrices.
enum LinearMatrix { of_drift, of_noise };

/// A x + b, and the noise L z with L L^T = S
class LinearEquation final : public Equation {
 public:
  LinearEquation(Plan& plan, Stages& first, const LinearDynamics& linear) {
    const Eigen::Index d = linear.A.rows();
    plan.matrices = {linear.A};
    if (linear.b.size() > 0) {
      const VectorField b(std::vector<double>(linear.b.begin(), linear.b.end()));
      first.evaluate(first.add_field(b), 0.0L, state, constant);
      has_constant_ = true;
    }
    if (linear.S.size() == 0) {
      number_ = 0.0L;
    } else if (linear.S == linear.S(0, 0) * Eigen::MatrixXd::Identity(d, d)) {
      number_ = std::sqrt(static_cast<long double>(linear.S(0, 0)));
    } else {
      plan.matrices.push_back(semidefinite_factor(linear.S));
    }
  }

  bool repeats() const override { return true; }
  ExtendedTerms drift(Stages& stages, long double /*offset*/, int from, int to) override {
    stages.multiply_by_matrix(to, of_drift, from);
    ExtendedTerms terms{{to, 1.0L}};
    if (has_constant_) terms.push_back({constant, 1.0L});
    return terms;
  }
  std::optional<long double> amplitude(const Stages& /*stages*/, long double /*offset*/) const override {
    return number_;
  }
  void multiply_by_noise(Stages& stages, int room, int v, int to) override {
    stages.multiply_by_matrix(room, of_noise, v);
    stages.combine(to, {{room, 1.0}});
  }
  void draw_mean_noise(Stages& stages, long double h) override {
    stages.draw(second_normal);
    stages.multiply_by_matrix(normal, of_noise, second_normal);
    stages.combine(normal, {{normal, static_cast<double>(std::sqrt(h))}});
  }

 private:
  bool has_constant_ = false;
  std::optional<long double> number_;
};

/// Makes the equation of each kind.
class EquationMaker {
 public:
  EquationMaker(Plan& plan, Stages& first, const NamedDynamics& named)
      : plan_(plan), first_(first), named_(named) {}

  std::unique_ptr<Equation> operator()(const LangevinDynamics& langevin) const {
    // A start without density is an error of its own.
    first_.add(EvaluateTarget{.from = state, .to = schemes::drift});
    return std::make_unique<LangevinEquation>(langevin.speed);
  }
  std::unique_ptr<Equation> operator()(const LinearDynamics& linear) const {
    return std::make_unique<LinearEquation>(plan_, first_, linear);
  }
  template <class Own>
  std::unique_ptr<Equation> operator()(const Own& of_process) const {
    return std::make_unique<ProcessEquation<Own>>(of_process, named_);
  }

 private:
  Plan& plan_;
  Stages& first_;
  const NamedDynamics& named_;
};

}  // namespace

std::unique_ptr<Equation> named_equation(Plan& plan, Stages& first, const NamedDynamics& dynamics) {
  return std::visit(EquationMaker(plan, first, dynamics), dynamics);
}

}  // namespace gmdiff::schemes
