#include "plan/dynamics_stages.hpp"

#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/linear_transition.hpp"

namespace gmdiff::schemes {
namespace {

/// Steps of the finer run, whose Brownian motion the paths have, in one step.
int path_refinement(const Dynamics& dynamics) {
  return dynamics.path_steps == 0 ? 1 : dynamics.path_steps / dynamics.steps;
}

long double step_length(const Dynamics& dynamics) {
  return (static_cast<long double>(dynamics.t_end) - static_cast<long double>(dynamics.t_start)) /
         static_cast<long double>(dynamics.steps);
}

/// Vectors of a path: the state, drifts and amplitudes at two times, normals and intermediate values.
enum PathVector { state, drift, later_drift, amplitude, later_amplitude, normal, second_normal, middle, sum };

/// Writes the stages of one step, or of the prologue.
class Stages {
 public:
  Stages(Plan& plan, const Dynamics& dynamics)
      : plan_(plan), dynamics_(dynamics), refinement_(path_refinement(dynamics)) {}

  std::vector<Stage> take() { return std::move(stages_); }

  /// Number of the field in the plan.
  int add_field(const VectorField& field) {
    plan_.fields.push_back(field);
    return static_cast<int>(plan_.fields.size()) - 1;
  }
  /// to <- f(t_{s + offset}, from) in step s
  void evaluate(int field, long double offset, int from, int to) {
    stages_.push_back(EvaluateField{.field = field, .times = times(offset), .from = from, .to = to});
  }
  void combine(int to, std::vector<Term> terms) {
    stages_.push_back(Combine{.to = to, .terms = std::move(terms)});
  }
  /// to <- sum of the terms + noise z, where z is the normal of the increment of W in this step. It is made
  /// of the normals z_k of the r = `refinement` steps of the finer run: z = (z_0 + ... + z_{r-1}) / sqrt(r).
  void add_increment(int to, std::vector<Term> terms, double noise, int draws = 1) {
    if (noise == 0.0) return combine(to, std::move(terms));
    const double part =
        static_cast<double>(static_cast<long double>(noise) / std::sqrt(extended_refinement()));
    for (int k = 0; k < refinement_; ++k) {
      add_normal(to, std::move(terms), part, draws, k, 0);
      terms = {{to, 1.0}};
    }
  }
  /// to <- z
  void draw(int to, int draws = 1) { add_increment(to, {}, 1.0, draws); }
  /// to <- zeta, where the integral of W - W(t) over a step of length h is h^(3/2) (z + zeta / sqrt(3)) / 2.
  /// With the normals z_k and zeta_k of the finer run,
  ///   zeta = r^(-3/2) sum_k [sqrt(3) (r - 1 - 2 k) z_k + zeta_k].
  void draw_area(int to) {
    const long double r = extended_refinement();
    const long double part = 1.0L / (r * std::sqrt(r));
    std::vector<Term> terms;
    for (int k = 0; k < refinement_; ++k) {
      const long double of_z = std::sqrt(3.0L) * static_cast<long double>(refinement_ - 1 - 2 * k) * part;
      if (of_z != 0.0L) {
        add_normal(to, std::move(terms), static_cast<double>(of_z), 2, k, 0);
        terms = {{to, 1.0}};
      }
      add_normal(to, std::move(terms), static_cast<double>(part), 2, k, 1);
      terms = {{to, 1.0}};
    }
  }
  /// to <- z_k of the finer run
  void draw_fine(int to, int k) { add_normal(to, {}, 1.0, 1, k, 0); }
  int refinement() const { return refinement_; }
  /// to <- M from with a matrix of the plan
  void multiply_by_matrix(int to, int matrix, int from) {
    stages_.push_back(Product{.matrix = matrix, .from = from, .to = to});
  }
  void multiply(int to, int a, int b) { stages_.push_back(Multiply{.to = to, .a = a, .b = b}); }

 private:
  long double extended_refinement() const { return static_cast<long double>(refinement_); }

  /// to <- sum of the terms + noise times normal `draw` of `draws` of step k of the finer run
  void add_normal(int to, std::vector<Term> terms, double noise, int draws, int k, int draw) {
    stages_.push_back(Combine{.to = to,
                              .terms = std::move(terms),
                              .noise = noise,
                              .draws = draws * refinement_,
                              .draw = draws * k + draw});
  }

  /// Row of the times t_{s + offset}.
  int times(long double offset) {
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      if (offsets_[i] == offset) return first_ + static_cast<int>(i);
    }
    if (offsets_.empty()) first_ = static_cast<int>(plan_.field_times.size());
    offsets_.push_back(offset);
    std::vector<double> row;
    row.reserve(static_cast<std::size_t>(dynamics_.steps));
    for (int s = 0; s < dynamics_.steps; ++s)
      row.push_back(dynamics_time(dynamics_, static_cast<long double>(s) + offset));
    plan_.field_times.push_back(std::move(row));
    return static_cast<int>(plan_.field_times.size()) - 1;
  }

  Plan& plan_;
  const Dynamics& dynamics_;
  int refinement_;
  std::vector<Stage> stages_;
  std::vector<long double> offsets_;
  int first_ = 0;
};

/// One step of each scheme. mu and S are drift and noise, and z and zeta are normals.
class SchemeStep {
 public:
  SchemeStep(Plan& plan, const Dynamics& dynamics, const DynamicsFields& fields)
      : fields_(fields),
        stages_(plan, dynamics),
        h_(step_length(dynamics)),
        mu_(stages_.add_field(fields.drift)) {
    if (fields.field() != nullptr) S_ = stages_.add_field(*fields.field());
  }

  std::vector<Stage> take() { return stages_.take(); }

  /// x + h mu + sqrt(h) S z
  void euler_maruyama() {
    stages_.evaluate(mu_, 0.0L, state, drift);
    if (const double* sigma = fields_.number())
      return stages_.add_increment(state, {{state, 1.0}, {drift, of_h(1.0L)}}, root(1.0L, *sigma));
    stages_.evaluate(S_, 0.0L, state, amplitude);
    stages_.draw(normal);
    stages_.multiply(normal, amplitude, normal);
    stages_.combine(state, {{state, 1.0}, {drift, of_h(1.0L)}, {normal, root(1.0L)}});
  }

  /// x + (h/2) [mu(t, x) + mu(t+h, x + h mu(t, x) + w)] + w
  void heun() {
    add_mean_noise();
    stages_.evaluate(mu_, 0.0L, state, drift);
    stages_.combine(middle, {{state, 1.0}, {drift, of_h(1.0L)}, {normal, 1.0}});
    stages_.evaluate(mu_, 1.0L, middle, later_drift);
    stages_.combine(state, {{state, 1.0}, {drift, of_h(0.5L)}, {later_drift, of_h(0.5L)}, {normal, 1.0}});
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
    stages_.evaluate(mu_, 0.0L, state, drift);
    stages_.combine(middle, {{state, 1.0}, {drift, of_h(0.75L)}, {second_normal, 1.5}});
    stages_.evaluate(mu_, 0.75L, middle, later_drift);
    stages_.combine(state, {{state, 1.0},
                            {drift, of_h(1.0L / 3.0L)},
                            {later_drift, of_h(2.0L / 3.0L)},
                            {normal, 1.0},
                            {sum, 1.0}});
  }

  /// The step of Euler and Maruyama + (h/2) S_j dS_j/dx_j (z^2 - 1)
  void milstein() {
    if (fields_.is_additive()) return euler_maruyama();
    const int slope = stages_.add_field(fields_.field()->diagonal_derivative());
    stages_.evaluate(mu_, 0.0L, state, drift);
    stages_.evaluate(S_, 0.0L, state, amplitude);
    stages_.evaluate(slope, 0.0L, state, later_amplitude);
    stages_.draw(normal);
    stages_.multiply(later_amplitude, amplitude, later_amplitude);
    stages_.multiply(amplitude, amplitude, normal);
    stages_.multiply(normal, normal, normal);
    stages_.multiply(normal, later_amplitude, normal);
    stages_.combine(state, {{state, 1.0},
                            {drift, of_h(1.0L)},
                            {amplitude, root(1.0L)},
                            {normal, of_h(0.5L)},
                            {later_amplitude, of_h(-0.5L)}});
  }

  /// The classical method of Runge and Kutta.
  void rk4() {
    stages_.evaluate(mu_, 0.0L, state, drift);
    stages_.combine(sum, {{state, 1.0}, {drift, of_h(1.0L / 6.0L)}});
    const auto next = [this](long double offset, long double weight) {
      stages_.combine(middle, {{state, 1.0}, {drift, of_h(offset)}});
      stages_.evaluate(mu_, offset, middle, drift);
      stages_.combine(sum, {{sum, 1.0}, {drift, of_h(weight)}});
    };
    next(0.5L, 1.0L / 3.0L);
    next(0.5L, 1.0L / 3.0L);
    next(1.0L, 1.0L / 6.0L);
    stages_.combine(state, {{sum, 1.0}});
  }

 private:
  double of_h(long double factor) const { return static_cast<double>(factor * h_); }
  /// sigma sqrt(factor h)
  double root(long double factor, double sigma = 1.0) const {
    return static_cast<double>(static_cast<long double>(sigma) * std::sqrt(factor * h_));
  }

  /// to <- S(t_{s + offset}) v, where `room` may hold S
  void multiply_by_noise(int room, long double offset, int v, int to) {
    if (const double* sigma = fields_.number()) return stages_.combine(to, {{v, *sigma}});
    stages_.evaluate(S_, offset, state, room);
    stages_.multiply(to, room, v);
  }

  /// normal <- w = sqrt(h) sqrt((S(t)^2 + S(t+h)^2) / 2) z
  void add_mean_noise() {
    if (const double* sigma = fields_.number()) return stages_.add_increment(normal, {}, root(1.0L, *sigma));
    const int square_root = stages_.add_field(elementwise("sqrt", fields_.drift.dim()));
    stages_.evaluate(S_, 0.0L, state, amplitude);
    stages_.evaluate(S_, 1.0L, state, later_amplitude);
    stages_.multiply(amplitude, amplitude, amplitude);
    stages_.multiply(later_amplitude, later_amplitude, later_amplitude);
    stages_.combine(amplitude, {{amplitude, of_h(0.5L)}, {later_amplitude, of_h(0.5L)}});
    stages_.evaluate(square_root, 0.0L, amplitude, amplitude);
    stages_.draw(normal);
    stages_.multiply(normal, amplitude, normal);
  }

  const DynamicsFields& fields_;
  Stages stages_;
  long double h_;
  int mu_, S_ = -1;
};

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

/// dX = (A X + b) dt + sigma dW: F x + shift + L z
void add_coupled_step(Plan& plan, Stages& first, Stages& stages, long double h, const DynamicsFields& fields,
                      const Eigen::MatrixXd& A, const Numbers& sigma) {
  const Points at_zero = fields.drift.value(Points::Zero(1, A.rows()));
  const Eigen::VectorXd deviations = Eigen::Map<const Eigen::VectorXd>(sigma.data(), A.rows());
  const Eigen::MatrixXd S = deviations.cwiseAbs2().asDiagonal();
  const LinearTransition transition = extended_linear_transition(A, at_zero.row(0).transpose(), S, h);
  plan.matrices = {transition.F, transition.factor};
  fill(first, shift, Numbers(transition.shift.begin(), transition.shift.end()));
  for (int k = 0; k < stages.refinement(); ++k) {
    stages.multiply_by_matrix(moved, 0, state);
    stages.draw_fine(normals, k);
    stages.multiply_by_matrix(added, 1, normals);
    stages.combine(state, {{moved, 1.0}, {shift, 1.0}, {added, 1.0}});
  }
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

std::vector<Stage> exact_step(Plan& plan, const Dynamics& dynamics, const DynamicsFields& fields) {
  Stages first(plan, dynamics), stages(plan, dynamics);
  // Linear transitions follow each other with the steps of the finer run, which keeps its paths.
  const long double fine = step_length(dynamics) / static_cast<long double>(path_refinement(dynamics));
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
  plan.prologue.stages = first.take();
  return stages.take();
}

std::vector<Stage> step_stages(Plan& plan, const Dynamics& dynamics, const DynamicsFields& fields) {
  if (dynamics.scheme == Scheme::exact) return exact_step(plan, dynamics, fields);
  SchemeStep step(plan, dynamics, fields);
  switch (dynamics.scheme) {
    case Scheme::euler_maruyama:
    case Scheme::euler:
    case Scheme::exact:
      step.euler_maruyama();
      break;
    case Scheme::heun:
      step.heun();
      break;
    case Scheme::sra1:
      step.sra1();
      break;
    case Scheme::milstein:
      step.milstein();
      break;
    case Scheme::rk4:
      step.rk4();
      break;
  }
  return step.take();
}

}  // namespace

double dynamics_time(const Dynamics& dynamics, long double s) {
  const auto from = static_cast<long double>(dynamics.t_start);
  const long double length = static_cast<long double>(dynamics.t_end) - from;
  return static_cast<double>(from + length * s / static_cast<long double>(dynamics.steps));
}

void add_steps(Plan& plan, const Dynamics& dynamics, const DynamicsFields& fields) {
  plan.steps = {Program{.stages = step_stages(plan, dynamics, fields), .repeats = dynamics.steps}};
}

}  // namespace gmdiff::schemes
