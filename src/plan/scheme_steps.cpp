#include "plan/scheme_steps.hpp"

#include <cmath>

#include "base/check.hpp"

namespace gmdiff::schemes {
namespace {

const ExtendedTerms of_state{{state, 1.0L}};

/// One step of each scheme. mu and S are drift and noise, and z and zeta are normals.
class SchemeStep {
 public:
  SchemeStep(Stages& stages, Equation& equation, long double h)
      : stages_(stages), equation_(equation), h_(h) {}

  /// x + h mu + sqrt(h) S z
  void euler_maruyama() {
    const ExtendedTerms mu = equation_.drift(stages_, 0.0L, state, drift);
    if (const auto S = number(0.0L))
      return stages_.add_increment(state, rounded({of_state, scaled(h_, mu)}), root(1.0L, *S));
    equation_.prepare_noise(stages_, 0.0L, amplitude);
    stages_.draw(normal);
    equation_.multiply_by_noise(stages_, amplitude, normal, normal);
    stages_.combine(state, rounded({of_state, scaled(h_, mu), {{normal, std::sqrt(h_)}}}));
  }

  /// x + (h/2) [mu(t, x) + mu(t+h, x + h mu(t, x) + w)] + w
  void heun() {
    add_mean_noise();
    const ExtendedTerms mu = equation_.drift(stages_, 0.0L, state, drift);
    stages_.combine(middle, rounded({of_state, scaled(h_, mu), {{normal, 1.0L}}}));
    const ExtendedTerms later = equation_.drift(stages_, 1.0L, middle, later_drift);
    stages_.combine(state,
                    rounded({of_state, scaled(0.5L * h_, mu), scaled(0.5L * h_, later), {{normal, 1.0L}}}));
  }

  /// With k = (sqrt(h) z + sqrt(h/3) zeta) / 2 and y = x + (3/4) h mu(t, x) + (3/2) S(t+h) k:
  /// x + h [mu(t, x) + 2 mu(t + 3h/4, y)] / 3 + S(t+h) (sqrt(h) z - k) + S(t) k
  void sra1() {
    stages_.draw(normal, 2);
    stages_.draw_area(second_normal);
    stages_.combine(sum, {{normal, root(0.25L)}, {second_normal, root(1.0L / 12.0L)}});
    stages_.combine(normal, {{normal, root(1.0L)}, {sum, -1.0}});
    multiply_by_noise(later_amplitude, 1.0L, normal, normal);
    multiply_by_noise(later_amplitude, 1.0L, sum, second_normal);
    multiply_by_noise(amplitude, 0.0L, sum, sum);
    const ExtendedTerms mu = equation_.drift(stages_, 0.0L, state, drift);
    stages_.combine(middle, rounded({of_state, scaled(0.75L * h_, mu), {{second_normal, 1.5L}}}));
    const ExtendedTerms later = equation_.drift(stages_, 0.75L, middle, later_drift);
    stages_.combine(state, rounded({of_state,
                                    scaled(1.0L / 3.0L * h_, mu),
                                    scaled(2.0L / 3.0L * h_, later),
                                    {{normal, 1.0L}, {sum, 1.0L}}}));
  }

  /// The step of Euler and Maruyama + (h/2) S_j dS_j/dx_j (z^2 - 1)
  void milstein() {
    const VectorField* const S = equation_.multiplicative_noise();
    if (S == nullptr) return euler_maruyama();
    const int slope = stages_.add_field(S->diagonal_derivative());
    const ExtendedTerms mu = equation_.drift(stages_, 0.0L, state, drift);
    equation_.prepare_noise(stages_, 0.0L, amplitude);
    stages_.evaluate(slope, 0.0L, state, later_amplitude);
    stages_.draw(normal);
    stages_.multiply(later_amplitude, amplitude, later_amplitude);
    stages_.multiply(amplitude, amplitude, normal);
    stages_.multiply(normal, normal, normal);
    stages_.multiply(normal, later_amplitude, normal);
    stages_.combine(
        state, rounded({of_state,
                        scaled(h_, mu),
                        {{amplitude, std::sqrt(h_)}, {normal, 0.5L * h_}, {later_amplitude, -0.5L * h_}}}));
  }

  /// The classical method of Runge and Kutta.
  void rk4() {
    ExtendedTerms mu = equation_.drift(stages_, 0.0L, state, drift);
    stages_.combine(sum, rounded({of_state, scaled(1.0L / 6.0L * h_, mu)}));
    const auto next = [&](long double offset, long double weight) {
      stages_.combine(middle, rounded({of_state, scaled(offset * h_, mu)}));
      mu = equation_.drift(stages_, offset, middle, drift);
      stages_.combine(sum, rounded({{{sum, 1.0L}}, scaled(weight * h_, mu)}));
    };
    next(0.5L, 1.0L / 3.0L);
    next(0.5L, 1.0L / 3.0L);
    next(1.0L, 1.0L / 6.0L);
    stages_.combine(state, {{sum, 1.0}});
  }

 private:
  std::optional<long double> number(long double offset) const { return equation_.amplitude(stages_, offset); }
  /// sigma sqrt(factor h)
  double root(long double factor, long double sigma = 1.0L) const {
    return static_cast<double>(sigma * std::sqrt(factor * h_));
  }

  /// to <- S(t_{s + offset}) v, where `room` may hold S
  void multiply_by_noise(int room, long double offset, int v, int to) {
    if (const auto S = number(offset)) return stages_.combine(to, rounded({{{v, *S}}}));
    equation_.prepare_noise(stages_, offset, room);
    equation_.multiply_by_noise(stages_, room, v, to);
  }

  /// normal <- w = sqrt(h) sqrt((S(t)^2 + S(t+h)^2) / 2) z
  void add_mean_noise() {
    const auto S = number(0.0L), later = number(1.0L);
    if (!S) return equation_.draw_mean_noise(stages_, h_);
    const long double mean = *S == *later ? *S : std::sqrt(0.5L * (*S * *S + *later * *later));
    stages_.add_increment(normal, {}, root(1.0L, mean));
  }

  Stages& stages_;
  Equation& equation_;
  long double h_;
};

}  // namespace

void add_scheme_step(Scheme scheme, Stages& stages, Equation& equation, long double h) {
  SchemeStep step(stages, equation, h);
  switch (scheme) {
    case Scheme::euler_maruyama:
    case Scheme::euler:
      return step.euler_maruyama();
    case Scheme::heun:
      return step.heun();
    case Scheme::sra1:
      return step.sra1();
    case Scheme::milstein:
      return step.milstein();
    case Scheme::rk4:
      return step.rk4();
    case Scheme::exact:
      fail("dynamics: the scheme exact has no step of this form");
  }
}

}  // namespace gmdiff::schemes
