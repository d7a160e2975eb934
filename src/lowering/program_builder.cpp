#include "lowering/program_builder.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "lowering/enumerations.hpp"
#include "lowering/guidance_table.hpp"
#include "lowering/tape_table.hpp"
#include "lowering/target_table.hpp"
#include "plan/program.hpp"

namespace gmdiff::particle {
namespace {

bool needs_projection(const Guide& stage) {
  if (stage.products > 0) return false;
  return stage.weight == ResidualWeight::moments || stage.weight == ResidualWeight::diffuse;
}

MatrixShape shape_of(const Eigen::MatrixXd& matrix) {
  if (matrix.cols() == 1) return MatrixShape::diagonal;
  return matrix.isLowerTriangular(0.0) ? MatrixShape::lower : MatrixShape::dense;
}

/// A in the coordinates of each basis of the law.
std::vector<Eigen::MatrixXd> rows_on_axes(const MixtureTable& mixture, const Eigen::MatrixXd& A) {
  if (mixture.bases.empty()) return {A};
  std::vector<Eigen::MatrixXd> axes;
  for (const Eigen::MatrixXd& U : mixture.bases) axes.push_back(linear_algebra::product(A, U));
  return axes;
}

}  // namespace

template <class Real>
ProgramBuilder<Real>::ProgramBuilder(const LawTables<Real>& law, const GuidanceTable* guidance,
                                     const Plan& plan)
    : law_(law), guidance_(guidance), plan_(plan) {
  if (guidance != nullptr) {
    if (guidance->map) {
      observation_ = map_table(*guidance, law_.mixture().dim(), first_work_vector(plan), arena_);
    } else {
      add_observation();
    }
  }
  for (const Eigen::MatrixXd& matrix : plan.matrices) add_matrix(matrix);
  if (plan.target) target_ = target_table(*plan.target, first_work_vector(plan), arena_);
  add_fields(plan);
}

template <class Real>
void ProgramBuilder<Real>::add_fields(const Plan& plan) {
  for (const VectorField& field : plan.fields) {
    if (field.custom() != nullptr) {
      fields_.emplace_back();  // numbers of other fields stay those of the plan
      continue;
    }
    fields_.push_back({.tape = tape_table(field.tape(), field.dim(), arena_),
                       .times = nullptr,
                       .first_work = first_work_vector(plan)});
  }
  for (const std::vector<double>& row : plan.field_times) {
    Real* times = arena_.allocate(row.size());
    std::transform(row.begin(), row.end(), times, [](double time) { return static_cast<Real>(time); });
    field_times_.push_back(times);
  }
}

template <class Real>
void ProgramBuilder<Real>::add_observation() {
  axes_ = rows_on_axes(law_.mixture(), guidance_->A);
  // Full covariances have no basis in common: their states are in the coordinates of the data.
  const Eigen::MatrixXd& A = axes_.size() == 1 && !is_full(law_.mixture()) ? axes_.front() : guidance_->A;
  Real* rows = arena_.allocate(static_cast<std::size_t>(A.size()));
  Real* y = arena_.allocate(static_cast<std::size_t>(A.rows()));
  for (Index a = 0; a < A.rows(); ++a) {
    y[a] = static_cast<Real>(guidance_->y(a));
    for (Index i = 0; i < A.cols(); ++i) rows[a * A.cols() + i] = static_cast<Real>(A(a, i));
  }
  observation_ = {.rows = A.rows(),
                  .A = rows,
                  .y = y,
                  .noise_variance = static_cast<Real>(guidance_->noise_variance),
                  .unexplained = static_cast<Real>(guidance_->unexplained),
                  .has_map = false,
                  .tape = {},
                  .first_work = 0};
}

template <class Real>
void ProgramBuilder<Real>::add_matrix(const Eigen::MatrixXd& matrix) {
  Real* numbers = arena_.allocate(static_cast<std::size_t>(matrix.size()));
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < matrix.cols(); ++j)
      numbers[i * matrix.cols() + j] = static_cast<Real>(matrix(i, j));
  }
  matrices_.push_back({.shape = shape_of(matrix), .numbers = numbers});
}

/// The tables of the stages of one step.
template <class Real>
class ProgramBuilder<Real>::StepTables {
 public:
  StepTables(const ProgramBuilder& builder, std::uint64_t number, Arena<Real>& arena)
      : builder_(builder), number_(number), arena_(arena) {}

  StageTable<Real> operator()(const Evaluate& stage) {
    StageTable<Real> table = empty(stage.denoiser == 0 ? StageKind::evaluate : StageKind::call);
    table.from = stage.from;
    table.to = stage.to;
    if (stage.denoiser == 0) {
      table.level = level(stage.level);
    } else {
      table.function = stage.denoiser - 1;
      table.cotangent = stage.cotangent;
      table.alpha = stage.level.alpha;
      table.sigma = stage.level.sigma;
    }
    return table;
  }

  StageTable<Real> operator()(const EvaluateTarget& stage) {
    const TargetKind kind = builder_.target_.kind;
    StageTable<Real> table = empty(kind == TargetKind::custom ? StageKind::call_target : StageKind::target);
    table.from = stage.from;
    table.to = stage.to;
    table.is_proposal = stage.is_proposal;
    if (kind == TargetKind::mixture || kind == TargetKind::observed)
      table.level = level_table(builder_.law_, Level{}, arena_);
    return table;
  }

  StageTable<Real> operator()(const Product& stage) {
    StageTable<Real> table = empty(StageKind::product);
    table.matrix = builder_.matrices_[static_cast<std::size_t>(stage.matrix)];
    table.from = stage.from;
    table.to = stage.to;
    table.transposed = stage.transposed;
    return table;
  }

  StageTable<Real> operator()(const Accept& stage) {
    StageTable<Real> table = empty(StageKind::accept);
    table.to = stage.to;
    table.accept = {.has_energy = stage.ratio == Accept::Ratio::energy,
                    .always = stage.moves == Accept::Moves::always,
                    .proposal = stage.proposal,
                    .gradient = stage.gradient,
                    .proposed_gradient = stage.proposed_gradient,
                    .before = stage.before,
                    .after = stage.after,
                    .factor = stage.factor,
                    .counted_from = stage.counted_from,
                    .of_step = stage.of_step,
                    .is_trial = stage.moves == Accept::Moves::never,
                    .adapts = stage.adapts};
    return table;
  }

  StageTable<Real> operator()(const Adapt& stage) {
    StageTable<Real> table = empty(StageKind::adapt);
    table.adapt = {
        .rule = lowered(stage.rule), .target = stage.target, .first = stage.first, .last = stage.last};
    return table;
  }

  StageTable<Real> operator()(const EvaluateField& stage) {
    const bool is_function = builder_.plan_.fields[static_cast<std::size_t>(stage.field)].custom() != nullptr;
    StageTable<Real> table = empty(is_function ? StageKind::call_field : StageKind::field);
    table.step = number_;  // times count from the first step of the plan
    table.from = stage.from;
    table.to = stage.to;
    if (is_function) {
      table.function = stage.field;
      table.time = builder_.plan_.field_times[static_cast<std::size_t>(stage.times)][number_];
      return table;
    }
    table.field = builder_.fields_[static_cast<std::size_t>(stage.field)];
    table.field.times = builder_.field_times_[static_cast<std::size_t>(stage.times)];
    return table;
  }

  StageTable<Real> operator()(const Multiply& stage) {
    StageTable<Real> table = empty(StageKind::multiply);
    table.to = stage.to;
    table.num_terms = 2;
    table.vectors[0] = stage.a;
    table.vectors[1] = stage.b;
    return table;
  }

  StageTable<Real> operator()(const Accumulate& stage) {
    StageTable<Real> table = empty(StageKind::accumulate);
    table.accumulate = {.counted_from = stage.counted_from,
                        .batched_from = stage.batched_from,
                        .batch = stage.batch,
                        .has_covariance = stage.has_covariance};
    return table;
  }

  StageTable<Real> operator()(const Proximal& stage) {
    StageTable<Real> table = empty(StageKind::proximal);
    table.from = stage.from;
    table.to = stage.to;
    table.proximal = {.kind = lowered(stage.map), .strength = stage.strength};
    return table;
  }

  StageTable<Real> operator()(const Combine& stage) {
    StageTable<Real> table = empty(StageKind::combine);
    require(std::ssize(stage.terms) <= StageTable<Real>::max_terms, "plan: a combination has at most ",
            StageTable<Real>::max_terms, " terms, got ", stage.terms.size());
    table.to = stage.to;
    for (const Term& term : stage.terms) {
      table.vectors[table.num_terms] = term.vector;
      table.scales[table.num_terms] = lowered(term.of_step);
      table.is_scaled = table.is_scaled || term.of_step != StepFactor::none;
      table.factors[table.num_terms++] = static_cast<Real>(term.factor);
    }
    table.noise = static_cast<Real>(stage.noise);
    table.noise_scale = lowered(stage.noise_of_step);
    table.stream = lowered(stage.stream);
    table.draws = static_cast<std::uint64_t>(stage.draws);
    table.draw = static_cast<std::uint64_t>(stage.draw);
    table.threshold = stage.threshold;
    return table;
  }

  StageTable<Real> operator()(const Transition& stage) {
    StageTable<Real> table = empty(StageKind::transition);
    table.from = stage.from;
    table.to = stage.to;
    table.level = level(stage.t);
    table.move = transition_table(
        builder_.law_, MixtureTransition{stage.t, stage.s, stage.alpha_ts, stage.sigma_ts}, arena_);
    return table;
  }

  StageTable<Real> operator()(const Guide& stage) {
    require(builder_.guidance_ != nullptr, "plan: a guidance stage needs an observation");
    require(stage.level.sigma > 0.0, "plan: a guidance stage needs sigma > 0");
    StageTable<Real> table = empty(StageKind::guide);
    table.from = stage.from;
    table.denoised = stage.denoised;
    table.to = stage.to;
    table.guide.weight = lowered(stage.weight);
    table.guide.scale = static_cast<Real>(scale(stage));
    table.guide.epsilon = static_cast<Real>(stage.epsilon);
    table.guide.directions = stage.directions;
    table.guide.per_direction = static_cast<Real>(1.0 / stage.directions);
    table.guide.has_covariance = stage.has_covariance;
    table.guide.reads_covariance = reads_covariance(stage);
    table.guide.row = stage.row;
    table.guide.products = stage.products;
    if (reads_covariance(stage)) {
      table.level = level(stage.level);
      table.guide.variance = posterior_variances(mixture(), stage.level, arena_);
    }
    if (builder_.observation_.has_map) return table;
    if (needs_projection(stage)) project(stage.level, table.guide);
    if (stage.weight == ResidualWeight::isotropic) table.guide.weights = isotropic_weights(stage.variance);
    return table;
  }

  StageTable<Real> end(int iterations, std::size_t stages, int slot) {
    StageTable<Real> table = empty(StageKind::end);
    table.step = number_;
    table.iterations = iterations;
    table.length = static_cast<int>(stages) + 1;
    table.slot = slot;
    return table;
  }

 private:
  const MixtureTable& mixture() const { return builder_.law_.mixture(); }

  StageTable<Real> empty(StageKind kind) const {
    StageTable<Real> table{};
    table.kind = kind;
    table.step = builder_.plan_.first_step + number_;
    table.slot = -1;
    return table;
  }

  /// An evaluation and its guidance share their level.
  LevelTable<Real> level(const Level& level) {
    const bool is_last = has_last_ && last_level_.alpha == level.alpha && last_level_.sigma == level.sigma;
    if (!is_last) last_table_ = evaluation_level(builder_.law_, level, arena_);
    has_last_ = true;
    last_level_ = level;
    return last_table_;
  }

  double scale(const Guide& stage) const {
    const double of_products = stage.products > 0 ? covariance_factor(stage.level) : 1.0;
    if (stage.weight == ResidualWeight::diffuse) return of_products / stage.level.sigma;
    if (stage.products > 0) return of_products;
    const bool is_isotropic = stage.weight == ResidualWeight::isotropic;
    return builder_.observation_.has_map && is_isotropic ? stage.variance : 1.0;
  }

  /// A S_k A^T = sum_i (A U_k)_ai (A U_k)_bi variance_i
  void project(const Level& level, GuideOf<Real>& guide) {
    const Index m = builder_.observation_.rows;
    const Index size = m * (m + 1) / 2;
    const bool tied = mixture().eigenvalues.rows() == 1;
    const Index matrices = tied ? 1 : mixture().num_components();
    Real* to = arena_.allocate(static_cast<std::size_t>(matrices * size));
    guide.projected = to;
    guide.projected_stride = tied ? 0 : size;
    for (Index k = 0; k < matrices; ++k) {
      const Eigen::MatrixXd& B = builder_.axes_[builder_.axes_.size() == 1 ? 0 : static_cast<std::size_t>(k)];
      for (Index a = 0; a < m; ++a) {
        for (Index b = 0; b <= a; ++b) {
          double sum = 0.0;
          for (Index i = 0; i < B.cols(); ++i)
            sum += B(a, i) * B(b, i) * posterior_variance(mixture(), level, k, i);
          *to++ = static_cast<Real>(sum);
        }
      }
    }
  }

  /// 1 / (variance s_a^2 + sigma_y^2)
  const Real* isotropic_weights(double variance) {
    const GuidanceTable& guidance = *builder_.guidance_;
    Real* weights = arena_.allocate(static_cast<std::size_t>(guidance.singular_values.size()));
    for (Index a = 0; a < guidance.singular_values.size(); ++a) {
      const double s = guidance.singular_values(a);
      weights[a] = static_cast<Real>(1.0 / (variance * s * s + guidance.noise_variance));
    }
    return weights;
  }

  const ProgramBuilder& builder_;
  std::uint64_t number_;
  Arena<Real>& arena_;
  // Without std::optional, in which GCC 12 sees uninitialised numbers.
  bool has_last_ = false;
  Level last_level_{};
  LevelTable<Real> last_table_{};
};

template <class Real>
std::vector<StageTable<Real>> ProgramBuilder<Real>::step(const Program& program, std::uint64_t first,
                                                         int iterations, int slot, Arena<Real>& arena) const {
  StepTables tables(*this, first, arena);
  std::vector<StageTable<Real>> stages;
  for (const Stage& stage : program.stages) stages.push_back(std::visit(tables, stage));
  stages.push_back(tables.end(iterations, stages.size(), slot));
  return stages;
}

template <class Real>
std::vector<StageTable<Real>> ProgramBuilder<Real>::prologue(const Program& program,
                                                             Arena<Real>& arena) const {
  std::vector<StageTable<Real>> stages = step(program, 0, 1, -1, arena);
  stages.pop_back();
  return stages;
}

template <class Real>
std::size_t ProgramBuilder<Real>::shared_bytes(const Plan& plan) {
  std::size_t numbers = 0;
  for (const Eigen::MatrixXd& matrix : plan.matrices) numbers += static_cast<std::size_t>(matrix.size());
  if (plan.target) numbers += target_numbers<Real>(*plan.target);
  for (const VectorField& field : plan.fields) {
    if (field.custom() == nullptr) numbers += tape_numbers<Real>(field.tape());
  }
  if (!plan.guidance.empty() && plan.guidance.front().map)
    numbers += tape_numbers<Real>(plan.guidance.front().map->tape());
  for (const std::vector<double>& row : plan.field_times) numbers += row.size();
  return numbers * sizeof(Real);
}

template <class Real>
std::size_t ProgramBuilder<Real>::bytes(const MixtureTable& mixture, const GuidanceTable* guidance,
                                        const Program& program) {
  const auto K = static_cast<std::size_t>(mixture.num_components());
  const auto spectrum = static_cast<std::size_t>(mixture.eigenvalues.size());
  const auto m = static_cast<std::size_t>(guidance == nullptr ? 0 : guidance->num_rows());
  std::size_t numbers = 0;
  for (const Stage& stage : program.stages) {
    if (!std::holds_alternative<Combine>(stage)) numbers += K + 5 * spectrum;
    if (std::holds_alternative<Guide>(stage)) numbers += m + K * m * (m + 1) / 2;
  }
  return (program.stages.size() + 1) * sizeof(StageTable<Real>) + numbers * sizeof(Real);
}

template class ProgramBuilder<float>;
template class ProgramBuilder<double>;

}  // namespace gmdiff::particle
