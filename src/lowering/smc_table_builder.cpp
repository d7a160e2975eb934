#include "lowering/smc_table_builder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/extended.hpp"
#include "base/floating_point.hpp"
#include "lowering/any_smc_tables.hpp"
#include "lowering/guidance_table.hpp"
#include "lowering/tape_table.hpp"
#include "plan/conditioned_transition.hpp"
#include "plan/program.hpp"

namespace gmdiff::particle {
namespace {

bool weighs_before(const SmcPlan& plan) { return plan.weighting == SmcWeighting::before_moving; }

/// A potential without factors, of the same size as g.
Potential none_of(const Potential& g) {
  return {g.centre, Eigen::VectorXd::Constant(g.centre.size(), std::numeric_limits<double>::infinity())};
}

}  // namespace

template <class Real>
SmcTables<Real>::SmcTables(const SmcPlan& plan)
    : plan_(plan), law_(plan.mixture, wide_family_of(plan.mixture)) {
  set_start();
  for (const SmcStep& description : plan.steps) steps_.push_back(step(description));
  if (plan.map) set_map(*plan.map);
}

template <class Real>
const Real* SmcTables<Real>::numbers(const Eigen::VectorXd& values) {
  Real* to = arena_.allocate(static_cast<std::size_t>(values.size()));
  for (Eigen::Index i = 0; i < values.size(); ++i) to[i] = static_cast<Real>(values(i));
  return to;
}

template <class Real>
FactorTable<Real> SmcTables<Real>::factors(const Potential& g, double added) {
  return {numbers(g.centre), numbers((0.5 / (g.variance.array() + added)).matrix())};
}

template <class Real>
SmcStepTable<Real> SmcTables<Real>::step(const SmcStep& description) {
  SmcStepTable<Real> table{};
  table.is_weighted = description.is_weighted;
  table.divided = factors(description.divided, 0.0);
  const bool before = weighs_before(plan_);
  if (!before) table.factors = factors(description.at_s, 0.0);
  // The bootstrap filter moves particles independently of the observation.
  const Potential tilt = before ? description.at_s : none_of(description.at_s);
  if (const auto* affine = std::get_if<AffineStep>(&description.move)) {
    if (before) table.factors = factors(description.at_s, affine->e * affine->e);
    set_affine(*affine, tilt, table);
  } else {
    set_transition(std::get<MixtureTransition>(description.move), tilt, table);
  }
  return table;
}

template <class Real>
void SmcTables<Real>::set_affine(const AffineStep& affine, const Potential& at_s, SmcStepTable<Real>& table) {
  table.a = static_cast<Real>(affine.a);
  table.b = static_cast<Real>(affine.b_1);
  table.nu = static_cast<Real>(affine.e);
  if (!plan_.denoiser) table.level = level_table(law_, affine.level1, arena_);
  const double nu2 = affine.e * affine.e;
  // K = nu^2 / (nu^2 + v): mean K centre + (1 - K) m, variance K v. Without a factor v = inf, K = 0 and the
  // variance is nu^2.
  const Eigen::Index r = at_s.centre.size();
  Eigen::VectorXd keep(r), offset(r), deviation(r);
  for (Eigen::Index i = 0; i < r; ++i) {
    const double v = at_s.variance(i);
    const bool is_free = std::isinf(v);
    const double K = is_free ? 0.0 : nu2 / (nu2 + v);
    keep(i) = is_free ? 1.0 : v / (nu2 + v);
    offset(i) = K * at_s.centre(i);
    deviation(i) = is_free ? affine.e : std::sqrt(K * v);
  }
  table.keep = numbers(keep);
  table.offset = numbers(offset);
  table.deviation = numbers(deviation);
}

template <class Real>
void SmcTables<Real>::set_transition(const MixtureTransition& transition, const Potential& at_s,
                                     SmcStepTable<Real>& table) {
  table.is_transition = true;
  table.level = level_table(law_, transition.t, arena_);
  const Index K = plan_.mixture.num_components(), d = plan_.dim(), r = plan_.num_observed();
  const bool dense = plan_.mixture.structure == CovarianceType::full;
  const Index columns = dense ? d : 1;
  const auto room = [&](Index n) { return arena_.allocate(static_cast<std::size_t>(n)); };
  Real* constants = room(K);
  Real* whitening = room(K * r * columns);
  Real* offset = room(K * r);
  Real* mean = room(K * d);
  Real* gain = room(K * d * columns);
  Real* noise = room(K * d * columns);
  table.conditioned = {dense, constants, whitening, offset, mean, gain, noise};
  const auto write = [](const auto& matrix, Real* to) {
    for (Index i = 0; i < matrix.rows(); ++i) {
      for (Index j = 0; j < matrix.cols(); ++j) to[i * matrix.cols() + j] = static_cast<Real>(matrix(i, j));
    }
  };
  std::vector<long double> logs(static_cast<std::size_t>(K), -std::numeric_limits<long double>::infinity());
  for (Index k = 0; k < K; ++k) {
    // this component is never chosen; its logit is -inf
    if (std::isinf(plan_.mixture.log_weights(k))) continue;
    const ConditionedTransition conditioned = conditioned_transition(plan_.mixture, transition, at_s, k);
    logs[static_cast<std::size_t>(k)] = conditioned.log_constant;
    write(conditioned.whitening, whitening + k * r * columns);
    write(conditioned.offset, offset + k * r);
    write(conditioned.mean, mean + k * d);
    write(conditioned.gain, gain + k * d * columns);
    write(conditioned.noise, noise + k * d * columns);
  }
  const long double largest = *std::max_element(logs.begin(), logs.end());
  for (Index k = 0; k < K; ++k) {
    const long double log = logs[static_cast<std::size_t>(k)];
    constants[k] = std::isinf(log) ? Real(0) : static_cast<Real>(log - largest);
  }
  if (table.is_weighted && weighs_before(plan_)) table.log_constant = static_cast<double>(largest);
}

template <class Real>
void SmcTables<Real>::set_start() {
  start_.factors = factors(plan_.at_start, 0.0);
  if (!plan_.start.mixture) {
    start_.mean = numbers(plan_.start.mean);
    start_.deviation = numbers(plan_.start.variance.cwiseSqrt());
    return;
  }
  const MixtureTable& mixture = *plan_.start.mixture;
  start_law_.emplace_back(mixture, wide_family_of(mixture));
  const StartTable at_data{.law = Start::exact, .level = {1.0, 0.0}};
  start_.law = start_law_.front().table();
  start_.move = start_table(start_law_.front(), at_data, arena_).move;
}

template <class Real>
void SmcTables<Real>::set_map(const MapPotentials& map) {
  for (std::size_t l = 0; l < map.levels.size(); ++l) {
    const Level& level = map.levels[l];
    StageTable<Real> table{};
    table.kind = StageKind::guide;
    table.guide.weight = GuideWeight::moments;
    table.guide.scale = static_cast<Real>(MapPotentials::widening);
    if (plan_.denoiser) {
      table.level.alpha = static_cast<Real>(level.alpha);
      table.level.at_data = level.sigma == 0.0;
      table.guide.weight = GuideWeight::isotropic;
      table.guide.scale = static_cast<Real>(MapPotentials::widening * map.variances[l]);
    } else {
      table.level = evaluation_level(law_, level, arena_);
      table.guide.reads_covariance = level.sigma > 0.0;
      if (level.sigma > 0.0) table.guide.variance = posterior_variances(plan_.mixture, level, arena_);
    }
    potentials_.push_back(table);
  }
  const GuidanceTable guidance{.noise_variance = 1.0, .map = map.rows};  // whitened
  map_ = {.observation = map_table(guidance, plan_.dim(), 0, arena_),
          .levels = potentials_.data(),
          .work_vectors = num_work_vectors(map.rows.tape(), static_cast<int>(plan_.dim()))};
}

template <class Real>
ChainTables<Real> SmcTables<Real>::chain(std::uint64_t seed) const {
  return {.law = law_.table(),
          .start = start_,
          .steps = steps_.data(),
          .num_steps = static_cast<int>(steps_.size()),
          .num_observed = plan_.num_observed(),
          .weighs_before = weighs_before(plan_),
          .seed = seed,
          .particles = plan_.particles,
          .log_particles = static_cast<double>(extended::log(static_cast<long double>(plan_.particles)))};
}

template <class Real>
double SmcTables<Real>::log_constant() const {
  double sum = 0.0;
  for (const SmcStepTable<Real>& step : steps_) sum += step.log_constant;
  return sum;
}

template <class Real>
std::size_t SmcTables<Real>::bytes(const SmcPlan& plan) {
  const auto K = static_cast<std::size_t>(plan.mixture.num_components());
  const auto d = static_cast<std::size_t>(plan.dim()), r = static_cast<std::size_t>(plan.num_observed());
  const std::size_t columns = plan.mixture.structure == CovarianceType::full ? d : 1;
  std::size_t numbers = 2 * r + 2 * d;
  std::size_t laws = LawTables<Real>::bytes(plan.mixture, wide_family_of(plan.mixture));
  if (plan.start.mixture) {
    laws += LawTables<Real>::bytes(*plan.start.mixture, wide_family_of(*plan.start.mixture));
    numbers += static_cast<std::size_t>(plan.start.mixture->eigenvalues.size());  // deviations
  }
  for (const SmcStep& step : plan.steps) {
    numbers += K + 3 * static_cast<std::size_t>(plan.mixture.eigenvalues.size()) + 7 * r;
    if (std::holds_alternative<MixtureTransition>(step.move))
      numbers += K * (1 + r * (columns + 1) + d * (1 + 2 * columns));
  }
  std::size_t stages = 0;
  if (plan.map) {
    stages = plan.map->levels.size();
    numbers += tape_numbers<Real>(plan.map->rows.tape()) +
               stages * (K + 5 * static_cast<std::size_t>(plan.mixture.eigenvalues.size()));
  }
  return plan.steps.size() * sizeof(SmcStepTable<Real>) + stages * sizeof(StageTable<Real>) +
         numbers * sizeof(Real) + laws;
}

template class SmcTables<float>;
template class SmcTables<double>;

AnySmcTables smc_tables(const SmcPlan& plan, Precision precision) {
  const FloatingPointEnvironment environment;
  if (precision == Precision::f32) return std::make_shared<const SmcTables<float>>(plan);
  return std::make_shared<const SmcTables<double>>(plan);
}

}  // namespace gmdiff::particle
