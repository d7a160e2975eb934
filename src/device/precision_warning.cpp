#include "device/precision_warning.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "plan/program.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;

constexpr double noticeable = 0.01;         // relative change of a variance
constexpr double negligible_weight = 1e-3;  // weight of a component that is ignored
// Relative change for a sum of 1 of (spacing / deviation) over the levels; measured (numerics.md §9).
constexpr double loss_of_steps = 0.01;

double epsilon(Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                                     : std::numeric_limits<double>::epsilon();
}

/// The level that an affine step leads to, from the coefficients of x_0 and of the noise in x_t
/// (mathematics.md §5). Exact for steps that replace x_0 by D.
Level after(const AffineStep& step, Level before) {
  if (step.evaluations > 0) before = step.level1;
  return {.alpha = std::abs(step.a * before.alpha + step.b_1 + step.b_2 + step.b_p),
          .sigma = std::hypot(step.a * before.sigma, step.e)};
}
Level after(const MixtureTransition& step, Level /*before*/) { return step.s; }

/// Levels of the vectors of a particle, as its stages change them. Vectors of one step share their noise.
class ProgramLevels {
 public:
  explicit ProgramLevels(Level state) : vectors_{state} {}
  Level state() const { return vectors_.front(); }

  void add(const Evaluate& stage) {
    vector(stage.from) = stage.level;
    // The product of a derivative and a guidance vanishes with the guidance.
    vector(stage.to) = stage.cotangent > 0 ? Level{.alpha = 0.0, .sigma = 0.0} : data;
  }
  void add(const Combine& stage) {
    Level sum{.alpha = 0.0, .sigma = 0.0};
    for (const Term& term : stage.terms) {
      const Level of_term = vector(term.vector);
      sum.alpha += term.factor * of_term.alpha;
      sum.sigma += term.factor * of_term.sigma;
    }
    vector(stage.to) = {.alpha = std::abs(sum.alpha), .sigma = std::hypot(sum.sigma, stage.noise)};
  }
  void add(const Transition& stage) { vector(stage.to) = stage.s; }
  /// A gradient vanishes at a mode.
  void add(const EvaluateTarget& stage) { vector(stage.to) = {.alpha = 0.0, .sigma = 0.0}; }
  void add(const Product& stage) { copy(stage.from, stage.to); }
  void add(const Accept& stage) { copy(stage.proposal, stage.to); }
  /// Fields are unknown functions; `precision_warning` does not use the levels of their plans.
  void add(const EvaluateField& stage) { copy(stage.from, stage.to); }
  void add(const Multiply& stage) { copy(stage.a, stage.to); }
  void add(const Accumulate& /*stage*/) {}
  void add(const Adapt& /*stage*/) {}
  void add(const Proximal& stage) { copy(stage.from, stage.to); }
  /// A guidance vanishes where D explains the observation.
  void add(const Guide& stage) { vector(stage.to) = {.alpha = 0.0, .sigma = 0.0}; }

 private:
  static constexpr Level data{.alpha = 1.0, .sigma = 0.0};

  void copy(int from, int to) {
    const Level level = vector(from);  // a value, because `vector` may move the others
    vector(to) = level;
  }

  Level& vector(int number) {
    const auto n = static_cast<std::size_t>(number);
    // Denoisers of steps before stand for x_0.
    if (n >= vectors_.size()) vectors_.resize(n + 1, data);
    return vectors_[n];
  }

  std::vector<Level> vectors_;
};

Level after(const Program& program, Level before) {
  ProgramLevels levels(before);
  for (const Stage& stage : program.stages) {
    std::visit([&](const auto& one) { levels.add(one); }, stage);
  }
  return levels.state();
}

/// The levels that a particle passes, including the first.
class Levels {
 public:
  explicit Levels(Level first) : values_{first} {}
  void add(const Step& step) {
    values_.push_back(std::visit([&](const auto& one) { return after(one, values_.back()); }, step));
  }
  const std::vector<Level>& values() const { return values_; }

 private:
  std::vector<Level> values_;
};

/// An axis of a component's covariance. Rounding the coordinates of a point moves the point along the axis by
/// eps times `size`.
struct Axis {
  Index component;
  double variance;       ///< variance along the axis
  double second_moment;  ///< second moment of the coordinates, weighted by the squares of the axis' entries

  double size(Level level) const {
    return std::sqrt(level.alpha * level.alpha * second_moment + level.sigma * level.sigma);
  }
  double deviation(Level level) const {
    return std::sqrt(level.alpha * level.alpha * variance + level.sigma * level.sigma);
  }
};

/// Axes of positive variance of the components whose weight is not negligible. Variances within the rounding
/// error of a component's largest variance count as 0.
std::vector<Axis> axes(const MixtureTable& law) {
  const Index d = law.dim();
  std::vector<Axis> result;
  for (Index k = 0; k < law.num_components(); ++k) {
    if (law.log_weights(k) < std::log(negligible_weight)) continue;
    const auto row = law.eigenvalues.row(law.eigenvalues.rows() == 1 ? 0 : k);
    const Eigen::VectorXd l =
        row.size() == 1 ? Eigen::VectorXd::Constant(d, row(0)) : Eigen::VectorXd(row.transpose());
    const double resolved = static_cast<double>(d) * epsilon(Precision::f64) * std::sqrt(l.maxCoeff());
    Eigen::VectorXd moments = law.means.row(k).transpose().cwiseAbs2();
    if (law.bases.empty()) {
      moments += l;
    } else {
      const Eigen::MatrixXd squares =
          law.bases[law.bases.size() == 1 ? 0 : static_cast<std::size_t>(k)].cwiseAbs2();
      moments = squares.transpose() * (moments + squares * l);
    }
    for (Index i = 0; i < d; ++i) {
      if (std::sqrt(l(i)) > resolved) result.push_back({k, l(i), moments(i)});
    }
  }
  return result;
}

/// Relative change of the variance along the axis that rounding the states at the levels causes.
double loss(const Axis& axis, const std::vector<Level>& levels, double eps) {
  double largest = 0.0;
  double sum = 0.0;
  for (const Level level : levels) {
    const double ratio = eps * axis.size(level) / axis.deviation(level);
    largest = std::max(largest, ratio);
    sum += ratio;
  }
  const double of_one_rounding = largest * largest / 12.0;
  return levels.size() == 1 ? of_one_rounding : std::max(of_one_rounding, loss_of_steps * sum * sum);
}

/// The axis with the largest loss among several laws.
class Worst {
 public:
  explicit Worst(Precision precision) : precision_(precision) {}

  void add(const MixtureTable& law, const std::vector<Level>& levels) {
    const double eps = epsilon(precision_);
    const auto steps = static_cast<double>(levels.size());
    for (const Axis& axis : axes(law)) {
      // A bound that needs no sum over the levels: noise only reduces the ratio.
      const double bound = steps * eps * (1.0 + std::sqrt(axis.second_moment / axis.variance));
      if (std::max(bound * bound / 12.0, loss_of_steps * bound * bound) <= noticeable) continue;
      const double of_axis = loss(axis, levels, eps);
      if (of_axis > loss_) {
        loss_ = of_axis;
        axis_ = axis;
      }
    }
  }

  std::optional<std::string> warning() const {
    if (!(loss_ > noticeable)) return {};
    const bool single = precision_ == Precision::f32;
    const double size = std::sqrt(axis_.second_moment);
    return concat(single ? "float32" : "float64", " resolves ", epsilon(precision_) * size,
                  " at coordinates of size ", size, ", where component ", axis_.component,
                  " of the law has a standard deviation of ", std::sqrt(axis_.variance),
                  ": rounding changes that variance by up to about ", percent(), "; ",
                  single ? "use precision f64, or move the law nearer to 0" : "move the law nearer to 0");
  }

 private:
  std::string percent() const {
    return loss_ >= 1.0 ? "100 % or more" : concat(std::round(100.0 * loss_), " %");
  }

  Precision precision_;
  double loss_ = 0.0;
  Axis axis_{};
};

}  // namespace

std::optional<std::string> precision_warning(const Plan& plan, Precision precision) {
  if (plan.kind == PlanKind::dynamics) return {};  // the law of the paths is not known
  Levels levels(plan.start.level);
  for (const Step& step : plan.steps) levels.add(step);
  Worst worst(precision);
  // A Markov chain forgets the rounding of earlier steps. Chains of exact transitions evaluate a field
  // instead of their target.
  const bool is_chain = evaluates_target(plan) || !plan.fields.empty();
  const std::vector<Level> passed = is_chain ? std::vector<Level>{{}} : levels.values();
  for (const MixtureTable& law : plan.problems) worst.add(law, passed);
  return worst.warning();
}

std::optional<std::string> precision_warning(std::span<const SmcPlan> plans, Precision precision) {
  Worst worst(precision);
  for (const SmcPlan& plan : plans) {
    // The first step determines the level at which it begins; without steps the sigma of the start does not
    // matter.
    Levels levels({.alpha = 0.0, .sigma = 1.0});
    for (const SmcStep& step : plan.steps) levels.add(as_step(step.move));
    worst.add(plan.mixture, levels.values());
  }
  return worst.warning();
}

}  // namespace gmdiff
