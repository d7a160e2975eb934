#include "lowering/target_table.hpp"

#include "base/extended.hpp"
#include "lowering/tape_table.hpp"

namespace gmdiff::particle {
namespace {

/// log s + (d / 2) log(2 pi)
double log_volume(double s, Index dim) {
  return static_cast<double>(extended::log(static_cast<long double>(s)) +
                             0.5L * static_cast<long double>(dim) * extended::log_two_pi);
}

/// Makes the table of each description.
template <class Real>
class TargetTables {
 public:
  explicit TargetTables(Arena<Real>& arena) : arena_(arena) {}

  TargetTable<Real> operator()(const SinGaussian& target) const {
    return table(TargetKind::sin_gaussian, {target.amplitude, target.phase, target.frequency});
  }
  TargetTable<Real> operator()(const Banana& target) const {
    const double s2 = target.scale * target.scale;
    return table(TargetKind::banana, {1.0 / s2, target.curvature, s2}, -log_volume(target.scale, target.dim));
  }
  TargetTable<Real> operator()(const Funnel& target) const {
    return table(TargetKind::funnel, {1.0 / (target.scale * target.scale), 0.5 * (target.dim - 1), 0.0},
                 -log_volume(target.scale, target.dim));
  }
  TargetTable<Real> operator()(const ManyWell& target) const {
    TargetTable<Real> result = table(TargetKind::many_well, {target.delta, 0.0, 0.0});
    result.rows = target.wells;
    return result;
  }
  TargetTable<Real> operator()(const Logistic& target) const {
    const Index d = target.data.cols();
    const double log_s = log_volume(target.prior_std, 0);
    TargetTable<Real> result =
        table(TargetKind::logistic, {1.0 / (target.prior_std * target.prior_std), 0.0, 0.0},
              -static_cast<double>(d) * log_s - log_volume(1.0, d));
    result.rows = target.data.rows();
    const Points signed_rows = (2.0 * target.labels.array() - 1.0).matrix().asDiagonal() * target.data;
    result.data = copied(signed_rows.data(), signed_rows.size());
    return result;
  }
  /// Tape and constant are added by the caller, here and in the next ones.
  TargetTable<Real> operator()(const ExpressionTarget& /*target*/) const {
    return table(TargetKind::expression, {0.0, 0.0, 0.0});
  }
  TargetTable<Real> operator()(const Regularised& target) const {
    return observed_table(target.observation, TargetKind::expression);
  }
  TargetTable<Real> operator()(const StudentTMixture& /*target*/) const {
    return table(TargetKind::expression, {0.0, 0.0, 0.0});
  }
  TargetTable<Real> operator()(const Seeds& /*target*/) const {
    return table(TargetKind::expression, {0.0, 0.0, 0.0});
  }
  TargetTable<Real> operator()(const Brownian& /*target*/) const {
    return table(TargetKind::expression, {0.0, 0.0, 0.0});
  }
  TargetTable<Real> operator()(const ObservedMixture& target) const {
    return observed_table(target.observation, TargetKind::observed);
  }
  TargetTable<Real> operator()(const CustomTarget& /*target*/) const {
    return table(TargetKind::custom, {0.0, 0.0, 0.0});
  }

 private:
  static TargetTable<Real> observed_table(const NonlinearObservation& observation, TargetKind kind) {
    return table(observation.custom() == nullptr ? kind : TargetKind::custom, {0.0, 0.0, 0.0});
  }
  static TargetTable<Real> table(TargetKind kind, const double (&parameters)[3], double constant = 0.0) {
    TargetTable<Real> result{};
    result.kind = kind;
    for (int i = 0; i < 3; ++i) result.parameters[i] = static_cast<Real>(parameters[i]);
    result.constant = constant;
    return result;
  }

  const Real* copied(const double* values, Index size) const {
    Real* to = arena_.allocate(static_cast<std::size_t>(size));
    for (Index i = 0; i < size; ++i) to[i] = static_cast<Real>(values[i]);
    return to;
  }

  Arena<Real>& arena_;
};

}  // namespace

template <class Real>
TargetTable<Real> target_table(const Target& target, int first_work, Arena<Real>& arena) {
  TargetTable<Real> table = std::visit(TargetTables<Real>(arena), target.description());
  if (const expressions::Tapes* tapes = target.tapes()) {
    table.tape = tape_table(tapes->value_and_gradient, target.dim(), arena);
    table.first_work = first_work;
    table.constant = target.log_constant();
  }
  return table;
}

template <class Real>
std::size_t target_numbers(const Target& target) {
  if (const auto* logistic = std::get_if<Logistic>(&target.description()))
    return static_cast<std::size_t>(logistic->data.size());
  if (const expressions::Tapes* tapes = target.tapes()) return tape_numbers<Real>(tapes->value_and_gradient);
  return 0;
}

template TargetTable<float> target_table(const Target&, int, Arena<float>&);
template TargetTable<double> target_table(const Target&, int, Arena<double>&);
template std::size_t target_numbers<float>(const Target&);
template std::size_t target_numbers<double>(const Target&);

}  // namespace gmdiff::particle
