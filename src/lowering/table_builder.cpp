#include "lowering/table_builder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.hpp"
#include "base/extended.hpp"

namespace gmdiff::particle {

namespace {

/// l and c = alpha^2 l + sigma^2 of a law.
class Variances {
 public:
  explicit Variances(const MixtureTable& mixture) : eigenvalues_(mixture.eigenvalues) {}
  double l(Index k, Index i) const {
    return eigenvalues_(eigenvalues_.rows() == 1 ? 0 : k, eigenvalues_.cols() == 1 ? 0 : i);
  }
  double c(const Level& level, Index k, Index i) const {
    return level.alpha * level.alpha * l(k, i) + level.sigma * level.sigma;
  }

 private:
  const Points& eigenvalues_;
};

/// An array of the shape of the eigenvalues, entry (k, i) from `entry`.
template <class Real, class Entry>
Spectrum<Real> spectrum(const MixtureTable& mixture, Arena<Real>& arena, Entry entry) {
  const Index rows = mixture.eigenvalues.rows();
  const Index columns = mixture.eigenvalues.cols();
  Real* values = arena.allocate(static_cast<std::size_t>(rows * columns));
  for (Index k = 0; k < rows; ++k) {
    for (Index i = 0; i < columns; ++i) values[k * columns + i] = static_cast<Real>(entry(k, i));
  }
  // A single row or column holds for every index.
  return {.values = values,
          .stride_k = rows == 1 && mixture.num_components() > 1 ? 0 : columns,
          .stride_i = columns == 1 ? 0 : 1};
}

/// log prod_i c_i: one logarithm, of a mantissa kept in range.
long double log_determinant(const Variances& variances, const Level& level, Index k, Index dim,
                            bool isotropic) {
  if (isotropic)
    return static_cast<long double>(dim) * extended::log(static_cast<long double>(variances.c(level, k, 0)));
  long double mantissa = 1.0L;
  long long exponent = 0;
  for (Index i = 0; i < dim; ++i) {
    int shift = 0;
    mantissa = std::frexp(mantissa * static_cast<long double>(variances.c(level, k, i)), &shift);
    exponent += shift;
  }
  return extended::log(mantissa) + static_cast<long double>(exponent) * std::numbers::ln2_v<long double>;
}

/// log w_k - 1/2 log det C_k of all components and the largest of them.
struct Constants {
  std::vector<long double> values;
  long double largest = -std::numeric_limits<long double>::infinity();

  Constants(const MixtureTable& mixture, const Variances& variances, const Level& level) {
    const bool tied = mixture.eigenvalues.rows() == 1;
    const bool isotropic = mixture.eigenvalues.cols() == 1;
    long double half_log_det = 0.0L;
    for (Index k = 0; k < mixture.num_components(); ++k) {
      // A logarithm takes a microsecond: equal determinants share one.
      const bool as_before =
          k > 0 && (tied || (isotropic && variances.c(level, k, 0) == variances.c(level, k - 1, 0)));
      if (!as_before) half_log_det = 0.5L * log_determinant(variances, level, k, mixture.dim(), isotropic);
      const double log_weight = mixture.log_weights(k);
      // A component of weight 0 stays at -inf for any covariance.
      values.push_back(std::isinf(log_weight) ? log_weight
                                              : static_cast<long double>(log_weight) - half_log_det);
      largest = std::max(largest, values.back());
    }
  }
};

/// Basis of component k, or null where coordinates are already those.
const Eigen::MatrixXd* component_basis(const MixtureTable& mixture, Index k) {
  return mixture.structure == CovarianceType::full ? &mixture.bases[static_cast<std::size_t>(k)] : nullptr;
}

const Points& working_means(const MixtureTable& mixture) {
  return mixture.rotated_means.size() > 0 ? mixture.rotated_means : mixture.means;
}

/// U diag(entry) U^T: entry (i, j) of component k.
template <class Entry>
double symmetric(const Eigen::MatrixXd& U, Index i, Index j, Entry entry) {
  double sum = 0.0;
  for (Index m = 0; m < U.cols(); ++m) sum += U(i, m) * entry(m) * U(j, m);
  return sum;
}

/// Writes U diag(entry) U^T as its upper triangle, or the diagonal where U is the identity.
template <class Real, class Entry>
void write_triangle(const Eigen::MatrixXd* U, Index dim, Entry entry, Real* to) {
  for (Index i = 0; i < dim; ++i) {
    if (U == nullptr) {
      *to++ = static_cast<Real>(entry(i));
    } else {
      for (Index j = i; j < dim; ++j) *to++ = static_cast<Real>(symmetric(*U, i, j, entry));
    }
  }
}

template <class Real>
const Real* small_records(const MixtureTable& mixture, const Level& level, const Constants& constants,
                          Arena<Real>& arena) {
  const Variances variances(mixture);
  const Points& means = working_means(mixture);
  const auto d = static_cast<int>(mixture.dim());
  const SmallRecord layout{d, mixture.structure == CovarianceType::full};
  Real* records = arena.allocate(static_cast<std::size_t>(mixture.num_components() * layout.size()));
  for (Index k = 0; k < mixture.num_components(); ++k) {
    Real* r = records + k * layout.size();
    const Eigen::MatrixXd* U = component_basis(mixture, k);
    const auto c = [&](Index i) { return variances.c(level, k, i); };
    r[layout.constant()] =
        static_cast<Real>(constants.values[static_cast<std::size_t>(k)] - constants.largest);
    for (int i = 0; i < d; ++i) {
      r[layout.mean() + i] = static_cast<Real>(level.alpha * means(k, i));
      // H = sigma^2 C^{-1} mu
      double H = level.sigma * level.sigma / c(i) * means(k, i);
      if (U != nullptr) {
        H = 0.0;
        for (int j = 0; j < d; ++j)
          H += symmetric(*U, i, j, [&](Index m) { return level.sigma * level.sigma / c(m); }) * means(k, j);
      }
      r[layout.offset() + i] = static_cast<Real>(H);
      const double scale = 1.0 / std::sqrt(2.0 * c(i));
      if (U == nullptr) {
        r[layout.whitening() + i] = static_cast<Real>(scale);
      } else {
        for (int j = 0; j < d; ++j) r[layout.whitening() + i * d + j] = static_cast<Real>(scale * (*U)(j, i));
      }
    }
    write_triangle(
        U, d, [&](Index i) { return level.alpha * variances.l(k, i) / c(i); }, r + layout.gain());
  }
  return records;
}

/// The records of moves with the given gain (null: a draw) and deviation of (k, i).
template <class Real, class Gain, class Deviation>
const Real* small_moves(const MixtureTable& mixture, double shift, bool has_gain, Gain gain,
                        Deviation deviation, Arena<Real>& arena) {
  const Points& means = working_means(mixture);
  const auto d = static_cast<int>(mixture.dim());
  const SmallMove layout{d, mixture.structure == CovarianceType::full, has_gain};
  Real* records = arena.allocate(static_cast<std::size_t>(mixture.num_components() * layout.size()));
  for (Index k = 0; k < mixture.num_components(); ++k) {
    Real* r = records + k * layout.size();
    const Eigen::MatrixXd* U = component_basis(mixture, k);
    for (int i = 0; i < d; ++i) {
      r[layout.mean() + i] = static_cast<Real>(shift * means(k, i));
      if (U == nullptr) {
        r[layout.noise() + i] = static_cast<Real>(deviation(k, i));
      } else {
        for (int j = 0; j < d; ++j)
          r[layout.noise() + i * d + j] = static_cast<Real>((*U)(i, j) * deviation(k, j));
      }
    }
    if (has_gain)
      write_triangle(
          U, d, [&](Index i) { return gain(k, i); }, r + layout.gain());
  }
  return records;
}

template <class Real, class Gain, class Deviation>
MoveTable<Real> move_table(const LawTables<Real>& law, double shift, bool has_gain, Gain gain,
                           Deviation deviation, Arena<Real>& arena) {
  MoveTable<Real> table{};
  table.shift = static_cast<Real>(shift);
  if (is_small(law.table().family)) {
    table.records = small_moves(law.mixture(), shift, has_gain, gain, deviation, arena);
    return table;
  }
  if (has_gain) table.gain = spectrum(law.mixture(), arena, gain);
  table.deviation = spectrum(law.mixture(), arena, deviation);
  return table;
}

template <class Real>
MoveTable<Real> draw_table(const LawTables<Real>& law, const Level& level, Arena<Real>& arena) {
  const Variances variances(law.mixture());
  const auto deviation = [&](Index k, Index i) { return std::sqrt(variances.c(level, k, i)); };
  return move_table(
      law, level.alpha, false, [](Index, Index) { return 0.0; }, deviation, arena);
}

}  // namespace

Family wide_family_of(const MixtureTable& table) {
  switch (table.structure) {
    case CovarianceType::full:
      return Family::full;
    case CovarianceType::spherical:
      return Family::spherical;
    case CovarianceType::tied:
      return Family::tied;
    case CovarianceType::diag:
    case CovarianceType::common_basis:
      return Family::diag;
  }
  fail("unknown covariance type of a mixture table");
}

Family family_of(const MixtureTable& table) {
  if (table.dim() > largest_small_dim) return wide_family_of(table);
  return table.structure == CovarianceType::full ? Family::small_full : Family::small_diag;
}

template <class Real>
Real* Arena<Real>::allocate(std::size_t n) {
  return pieces_.emplace_back(n).data();
}

template <class Real>
LawTables<Real>::LawTables(const MixtureTable& mixture, Family family) : mixture_(mixture), table_{} {
  table_.family = family;
  table_.dim = mixture.dim();
  table_.num_components = mixture.num_components();
  const Points& means = working_means(mixture);
  for (Index k = 0; k < means.rows(); ++k) {
    for (Index i = 0; i < means.cols(); ++i) means_.push_back(static_cast<Real>(means(k, i)));
  }
  table_.means = means_.data();
  if (table_.family != Family::small_full) {
    bases_.reserve(mixture.bases.size() * static_cast<std::size_t>(table_.dim * table_.dim));
    for (const Eigen::MatrixXd& U : mixture.bases) {
      for (Index j = 0; j < U.cols(); ++j) {
        for (Index i = 0; i < U.rows(); ++i) bases_.push_back(static_cast<Real>(U(i, j)));
      }
    }
    table_.bases = bases_.empty() ? nullptr : bases_.data();
  }
  table_.thresholds = mixture.thresholds.data();
  table_.last_component = table_.num_components - 1;
  if (table_.num_components == 0) return;  // a custom denoiser instead of a mixture
  while (std::isinf(mixture.log_weights(table_.last_component))) --table_.last_component;
}

template <class Real>
std::size_t LawTables<Real>::bytes(const MixtureTable& mixture, Family family) {
  const auto d = static_cast<std::size_t>(mixture.dim());
  const bool keeps_bases = family != Family::small_full;
  return sizeof(Real) *
         (static_cast<std::size_t>(mixture.means.size()) + (keeps_bases ? mixture.bases.size() * d * d : 0));
}

template <class Real>
MoveTable<Real> transition_table(const LawTables<Real>& law, const MixtureTransition& step,
                                 Arena<Real>& arena) {
  const Variances variances(law.mixture());
  const auto ratio = [&](Index k, Index i) { return variances.c(step.s, k, i) / variances.c(step.t, k, i); };
  const auto gain = [&](Index k, Index i) { return step.alpha_ts * ratio(k, i); };
  const auto deviation = [&](Index k, Index i) { return step.sigma_ts * std::sqrt(ratio(k, i)); };
  return move_table(law, step.s.alpha, true, gain, deviation, arena);
}

template <class Real>
LevelTable<Real> level_table(const LawTables<Real>& law, Level level, Arena<Real>& arena) {
  LevelTable<Real> table{};
  table.alpha = static_cast<Real>(level.alpha);
  table.at_data = level.sigma == 0.0;
  const MixtureTable& mixture = law.mixture();
  const Variances variances(mixture);
  const Constants constants(mixture, variances, level);
  table.log_offset = static_cast<double>(constants.largest - 0.5L * static_cast<long double>(mixture.dim()) *
                                                                 extended::log_two_pi);
  const Family family = law.table().family;
  if (is_small(family)) {
    table.records = small_records(mixture, level, constants, arena);
    return table;
  }
  Real* values = arena.allocate(constants.values.size());
  for (std::size_t k = 0; k < constants.values.size(); ++k)
    values[k] = static_cast<Real>(constants.values[k] - constants.largest);
  table.constants = values;
  const auto c = [&](Index k, Index i) { return variances.c(level, k, i); };
  const double sigma2 = level.sigma * level.sigma;
  table.precision = spectrum(mixture, arena, [&](Index k, Index i) {
    return family == Family::tied ? 1.0 / std::sqrt(2.0 * c(k, i)) : 0.5 / c(k, i);
  });
  if (family == Family::diag) {
    const Points& means = working_means(mixture);
    table.shrink = spectrum(mixture, arena, [&](Index k, Index i) { return sigma2 / c(k, i) * means(k, i); });
  } else if (family != Family::full) {
    table.shrink = spectrum(mixture, arena, [&](Index k, Index i) { return sigma2 / c(k, i); });
  }
  table.gain =
      spectrum(mixture, arena, [&](Index k, Index i) { return level.alpha * variances.l(k, i) / c(k, i); });
  return table;
}

template <class Real>
LevelTable<Real> evaluation_level(const LawTables<Real>& law, const Level& level, Arena<Real>& arena) {
  if (level.sigma > 0.0) return level_table(law, level, arena);
  LevelTable<Real> table{};
  table.at_data = true;
  table.alpha = static_cast<Real>(level.alpha);
  return table;
}

template <class Real>
StepTable<Real> step_table(const LawTables<Real>& law, const Step& step, Arena<Real>& arena) {
  StepTable<Real> table{};
  table.slot = -1;
  if (const auto* transition = std::get_if<MixtureTransition>(&step)) {
    table.is_transition = true;
    table.levels[0] = level_table(law, transition->t, arena);
    table.move = transition_table(law, *transition, arena);
    return table;
  }
  const auto& affine = std::get<AffineStep>(step);
  const auto real = [](double value) { return static_cast<Real>(value); };
  table.c_x = real(affine.c_x);
  table.c_n = real(affine.c_n);
  table.evaluations = affine.evaluations;
  table.p_x = real(affine.p_x);
  table.p_1 = real(affine.p_1);
  table.a = real(affine.a);
  table.b[0] = real(affine.b_1);
  table.b[1] = real(affine.b_2);
  table.b_p = real(affine.b_p);
  table.e = real(affine.e);
  if (affine.evaluations >= 1) table.levels[0] = evaluation_level(law, affine.level1, arena);
  if (affine.evaluations >= 2) table.levels[1] = evaluation_level(law, affine.level2, arena);
  return table;
}

template <class Real>
std::size_t step_bytes(const MixtureTable& mixture, const Step& step) {
  const auto K = static_cast<std::size_t>(mixture.num_components());
  const auto d = static_cast<int>(mixture.dim());
  const bool full = mixture.structure == CovarianceType::full;
  const auto* affine = std::get_if<AffineStep>(&step);
  const auto levels = static_cast<std::size_t>(affine == nullptr ? 1 : affine->evaluations);
  std::size_t numbers = 0;
  if (is_small(family_of(mixture))) {
    numbers = levels * K * static_cast<std::size_t>(SmallRecord{d, full}.size());
    if (affine == nullptr) numbers += K * static_cast<std::size_t>(SmallMove{d, full, true}.size());
  } else {
    const auto spectrum = static_cast<std::size_t>(mixture.eigenvalues.size());
    numbers = levels * (K + 3 * spectrum) + (affine == nullptr ? 2 * spectrum : 0);
  }
  return sizeof(StepTable<Real>) + sizeof(Real) * numbers;
}

template <class Real>
StartTableOf<Real> start_table(const LawTables<Real>& law, const StartTable& start, Arena<Real>& arena) {
  StartTableOf<Real> table{};
  table.gaussian = start.law == Start::gaussian;
  table.sigma = static_cast<Real>(start.level.sigma);
  if (!table.gaussian) table.move = draw_table(law, start.level, arena);
  if (start.mean.size() > 0) {
    Real* mean = arena.allocate(static_cast<std::size_t>(start.mean.size()));
    for (Index i = 0; i < start.mean.size(); ++i) mean[i] = static_cast<Real>(start.mean(i));
    table.mean = mean;
  }
  return table;
}

template class Arena<float>;
template class Arena<double>;
template class LawTables<float>;
template class LawTables<double>;
template LevelTable<float> level_table(const LawTables<float>&, Level, Arena<float>&);
template LevelTable<double> level_table(const LawTables<double>&, Level, Arena<double>&);
template MoveTable<float> transition_table(const LawTables<float>&, const MixtureTransition&, Arena<float>&);
template MoveTable<double> transition_table(const LawTables<double>&, const MixtureTransition&,
                                            Arena<double>&);
template LevelTable<float> evaluation_level(const LawTables<float>&, const Level&, Arena<float>&);
template LevelTable<double> evaluation_level(const LawTables<double>&, const Level&, Arena<double>&);
template StepTable<float> step_table(const LawTables<float>&, const Step&, Arena<float>&);
template StepTable<double> step_table(const LawTables<double>&, const Step&, Arena<double>&);
template StartTableOf<float> start_table(const LawTables<float>&, const StartTable&, Arena<float>&);
template StartTableOf<double> start_table(const LawTables<double>&, const StartTable&, Arena<double>&);
template std::size_t step_bytes<float>(const MixtureTable&, const Step&);
template std::size_t step_bytes<double>(const MixtureTable&, const Step&);

}  // namespace gmdiff::particle
