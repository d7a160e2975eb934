#include "device/cpu/programs.hpp"

#include <algorithm>
#include <mutex>
#include <span>
#include <vector>

#include "device/cpu/scratch.hpp"
#include "device/moments.hpp"
#include "device/plan_programs.hpp"
#include "device/user_denoiser.hpp"
#include "device/work.hpp"
#include "lowering/program_builder.hpp"
#include "plan/program.hpp"

namespace gmdiff::cpu {
namespace {

using particle::StageKind;
using particle::StageTable;

template <class Real>
particle::LawTable<Real> shape_of(const MixtureTable& mixture) {
  particle::LawTable<Real> shape{};
  shape.family = particle::wide_family_of(mixture);
  shape.dim = mixture.dim();
  shape.num_components = mixture.num_components();
  return shape;
}

std::int64_t observed_rows(const Plan& plan) {
  return plan.guidance.empty() ? 0 : static_cast<std::int64_t>(plan.guidance.front().num_rows());
}

using Numbers = particle::ChainNumbers<double>;

std::int64_t num_chain_numbers(const Plan& plan) { return has_chain_numbers(plan) ? Numbers::size : 0; }

/// One task in one precision.
template <class Real>
class ProgramRun {
 public:
  ProgramRun(const Task& task, const Unit<Real>& unit, ThreadPool& pool, std::size_t table_bytes)
      : task_(task),
        programs_(task.plan),
        unit_(unit),
        pool_(pool),
        table_bytes_(table_bytes),
        law_(task.problem, particle::wide_family_of(task.problem)),
        builder_(law_, task.guidance, task.plan),
        scratch_(pool.threads(),
                 std::max(unit.scratch_bytes(law_.table()),
                          unit.program_scratch_bytes(law_.table(), builder_.observation().rows))),
        tiles_((task.count + unit.lanes - 1) / unit.lanes),
        num_vectors_(num_vectors(task.plan)),
        vectors_(1, sizeof(Real) * static_cast<std::size_t>(num_vectors_ * vector_size())),
        numbers_(static_cast<std::size_t>(tiles_ * unit.lanes * num_chain_numbers(task.plan))),
        num_moments_(num_moments(task.plan)),
        moments_(static_cast<std::size_t>(tiles_ * unit.lanes * num_moments_)) {}

  NonFinite operator()() {
    const particle::StartTableOf<Real> start = start_table(law_, task_.plan.start, start_arena_);
    job_ = make_job(start);
    const auto first_state = [this](std::int64_t tile, void* scratch) {
      return unit_.start(job_.ends, tile, scratch);
    };
    NonFinite result = for_each_tile(first_state);
    std::fill(vector(1), vector(num_vectors_), Real(0));
    particle::Arena<Real> prologue_arena;
    run_stages(builder_.prologue(programs_.prologue(), prologue_arena), result);
    take_velocities();
    if (evaluates_target(task_.plan))
      result.bad_start =
          find_bad_start(task_.count, [this](std::int64_t n) { return number(n, Numbers::of_state); });
    if (result.bad_start) return result;
    if (adapts_steps(task_.plan)) result.endless_search = search();
    if (result.endless_search) return result;
    for (std::size_t first = 0; first < programs_.size() && !task_.stop.stop_requested();) {
      const std::vector<Segment> window =
          programs_.window<Real>(first, task_.kept, task_.extent, table_bytes_);
      run_stages(build_tables(window), result);
      first = end_of(window);
    }
    give_acceptance();
    give_moments();
    give_velocities();
    return result;
  }

 private:
  std::int64_t vector_size() const { return tiles_ * unit_.lanes * law_.table().dim; }
  Real* vector(int number) const { return static_cast<Real*>(vectors_.of(0)) + number * vector_size(); }

  ProgramJob<Real> make_job(const particle::StartTableOf<Real>& start) {
    ProgramJob<Real> job{};
    static_cast<particle::Window<Real>&>(job) = window_of<Real>(task_);
    job.num_vectors = num_vectors_;
    job.observation = builder_.observation();
    job.target = builder_.target();
    job.ends = {window_of<Real>(task_), &law_.table(), &start, vector(0), nullptr};
    job.vectors = vector(0);
    job.numbers = numbers_.empty() ? nullptr : numbers_.data();
    job.moments = moments_.data();
    job.num_moments = num_moments_;
    job.tiles = tiles_;
    return job;
  }

  /// The chains find the steps that they start with. @returns the first one that found none
  std::optional<std::int64_t> search() {
    const Program& program = task_.plan.search;
    particle::Arena<Real> arena;
    const int rounds = programs_.search_rounds(task_.extent);
    const auto stages = builder_.step(program, 0, program.repeats / rounds, -1, arena);
    NonFinite of_start;
    std::optional<std::int64_t> endless = 0;
    for (int n = 0; n < rounds && endless && !task_.stop.stop_requested(); ++n) {
      run_stages(stages, of_start);
      endless = find_endless_search(task_.count, [this](std::int64_t chain) {
        return number(chain, Numbers::of_search) == Numbers::search_ended;
      });
    }
    if (task_.stop.stop_requested()) return {};
    return endless;
  }

  void run_stages(const std::vector<StageTable<Real>>& stages, NonFinite& result) {
    for (std::size_t begin = 0; begin < stages.size() && !task_.stop.stop_requested();) {
      if (particle::is_call(stages[begin].kind)) {
        call(stages[begin++]);
        continue;
      }
      const std::size_t stop = piece_end(stages, begin, task_.extent);
      job_.stages = stages.data() + begin;
      job_.num_stages = static_cast<int>(stop - begin);
      const NonFinite found = for_each_tile(
          [this](std::int64_t tile, void* scratch) { return unit_.run_program(job_, tile, scratch); });
      // States that are not finite are counted at the end of a step.
      const auto is_end = [](const StageTable<Real>& stage) { return stage.kind == StageKind::end; };
      const std::span piece(job_.stages, stop - begin);
      if (std::any_of(piece.begin(), piece.end(), is_end)) result.advance(found);
      begin = stop;
    }
  }

  std::vector<StageTable<Real>> build_tables(const std::vector<Segment>& window) {
    std::vector<std::vector<StageTable<Real>>> of_steps(window.size());
    arenas_.resize(std::max(arenas_.size(), window.size()));
    pool_.run(std::ssize(of_steps), [&](int /*thread*/, std::int64_t s) {
      const auto i = static_cast<std::size_t>(s);
      arenas_[i].clear();
      const Segment& next = window[i];
      of_steps[i] = builder_.step(programs_.step(next), next.first, next.steps, next.slot, arenas_[i]);
    });
    std::vector<StageTable<Real>> stages;
    for (const auto& of_step : of_steps) stages.insert(stages.end(), of_step.begin(), of_step.end());
    return stages;
  }

  template <class Body>
  NonFinite for_each_tile(Body body) {
    const std::int64_t per_piece = units_per_piece(task_.plan, unit_.lanes);
    NonFinite sum;
    std::mutex mutex;
    const auto piece = [&](int thread, std::int64_t number) {
      NonFinite found;
      const std::int64_t end = std::min((number + 1) * per_piece, tiles_);
      for (std::int64_t tile = number * per_piece; tile < end; ++tile) {
        const TileResult result = body(tile, scratch_.of(thread));
        found.add({.particles = result.non_finite, .first_step = result.first_step});
      }
      if (found.particles == 0) return;
      const std::lock_guard lock(mutex);
      sum.add(found);
    };
    pool_.run((tiles_ + per_piece - 1) / per_piece, piece, task_.stop);
    return sum;
  }

  /// Place of number `place` of chain n in an array (tiles, size, lanes).
  std::size_t index(std::int64_t size, std::int64_t n, std::int64_t place) const {
    const std::int64_t tile = n / unit_.lanes * size * unit_.lanes;
    return static_cast<std::size_t>(tile + place * unit_.lanes + n % unit_.lanes);
  }
  double number(const std::vector<double>& numbers, std::int64_t size, std::int64_t n,
                std::int64_t place) const {
    return numbers[index(size, n, place)];
  }
  double number(std::int64_t n, int place) const { return number(numbers_, Numbers::size, n, place); }

  void give_acceptance() const {
    if (task_.acceptance == nullptr) return;
    for (std::int64_t n = 0; n < task_.count; ++n) {
      task_.acceptance[n] = number(n, Numbers::of_acceptance);
      task_.non_finite[n] = number(n, Numbers::of_non_finite);
      if (task_.steps != nullptr) task_.steps[n] = number(n, Numbers::of_step);
    }
  }

  void give_moments() const {
    for (std::int64_t n = 0; task_.moments != nullptr && n < task_.count; ++n) {
      for (std::int64_t place = 0; place < num_moments_; ++place)
        task_.moments[n * num_moments_ + place] = number(moments_, num_moments_, n, place);
    }
  }

  /// Replaces the velocities that the prologue has drawn.
  void take_velocities() const {
    if (task_.start_velocities == nullptr) return;
    Real* const v = vector(*velocity_vector(task_.plan));
    for_each_number(0, task_.count, [&](std::int64_t n, std::int64_t i, std::int64_t place) {
      v[place] = static_cast<Real>(task_.start_velocities[n * law_.table().dim + i]);
    });
  }

  void give_velocities() const {
    if (task_.velocities == nullptr) return;
    const Real* const v = vector(*velocity_vector(task_.plan));
    for_each_number(0, task_.count, [&](std::int64_t n, std::int64_t i, std::int64_t place) {
      task_.velocities[n * law_.table().dim + i] = static_cast<double>(v[place]);
    });
  }

  /// Calls the function of a stage.
  void call(const StageTable<Real>& stage) {
    if (stage.kind == StageKind::call_target) return call_target(stage);
    if (stage.kind == StageKind::call_field) return call_field(stage);
    call_denoiser(stage);
  }

  /// Calls a custom denoiser on all particles of the task.
  void call_denoiser(const StageTable<Real>& stage) {
    const auto& denoiser = task_.plan.denoisers[static_cast<std::size_t>(stage.function)];
    const Level level{.alpha = stage.alpha, .sigma = stage.sigma};
    const Points x = rows_of(stage.from);
    const Points values = stage.cotangent > 0
                              ? transposed_jvp_rows(denoiser, x, rows_of(stage.cotangent), level)
                              : evaluate_rows(denoiser, x, level);
    for_each_number(0, task_.count, [&](std::int64_t n, std::int64_t i, std::int64_t place) {
      vector(stage.to)[place] = static_cast<Real>(values(n, i));
    });
  }

  /// A vector of all particles of the task.
  Points rows_of(int number) const {
    Points rows(task_.count, law_.table().dim);
    for_each_number(0, task_.count, [&](std::int64_t n, std::int64_t i, std::int64_t place) {
      rows(n, i) = static_cast<double>(vector(number)[place]);
    });
    return rows;
  }

  void call_target(const StageTable<Real>& stage) {
    const int place_of_l = stage.is_proposal ? Numbers::of_proposal : Numbers::of_state;
    call_on_blocks(stage, [&](std::int64_t first, const Points& x) {
      Eigen::VectorXd l;
      Points gradient;
      task_.plan.target->evaluate(x, l, gradient);
      for (Eigen::Index n = 0; n < l.size(); ++n)
        numbers_[index(Numbers::size, first + n, place_of_l)] = l(n);
      return gradient;
    });
  }

  void call_field(const StageTable<Real>& stage) {
    const VectorField& field = task_.plan.fields[static_cast<std::size_t>(stage.function)];
    call_on_blocks(stage,
                   [&](std::int64_t /*first*/, const Points& x) { return field.value(x, stage.time); });
  }

  /// to <- evaluate(first, rows of `from` from particle `first` on), on blocks that threads share
  template <class Evaluate>
  void call_on_blocks(const StageTable<Real>& stage, Evaluate evaluate) {
    constexpr std::int64_t rows = 256;
    const auto block = [&](int /*thread*/, std::int64_t number) {
      const std::int64_t first = number * rows, end = std::min(first + rows, task_.count);
      Points x(end - first, law_.table().dim);
      for_each_number(first, end, [&](std::int64_t n, std::int64_t i, std::int64_t place) {
        x(n - first, i) = static_cast<double>(vector(stage.from)[place]);
      });
      const Points values = evaluate(first, x);
      for_each_number(first, end, [&](std::int64_t n, std::int64_t i, std::int64_t place) {
        vector(stage.to)[place] = static_cast<Real>(values(n - first, i));
      });
    };
    pool_.run((task_.count + rows - 1) / rows, block, task_.stop);
  }

  /// Calls body(n, i, place) for coordinate i of the particles from `first` to `end` - 1, which is at
  /// vector(..)[place].
  template <class Body>
  void for_each_number(std::int64_t first, std::int64_t end, Body body) const {
    const std::int64_t d = law_.table().dim;
    for (std::int64_t n = first; n < end; ++n) {
      const std::int64_t begin = n / unit_.lanes * unit_.lanes * d + n % unit_.lanes;
      for (std::int64_t i = 0; i < d; ++i) body(n, i, begin + i * unit_.lanes);
    }
  }

  const Task& task_;
  PlanPrograms programs_;
  const Unit<Real>& unit_;
  ThreadPool& pool_;
  std::size_t table_bytes_;
  particle::LawTables<Real> law_;
  particle::ProgramBuilder<Real> builder_;
  ScratchMemory scratch_;
  std::int64_t tiles_;
  int num_vectors_;
  ScratchMemory vectors_;
  std::vector<double> numbers_;
  std::int64_t num_moments_;
  std::vector<double> moments_;
  particle::Arena<Real> start_arena_;
  std::vector<particle::Arena<Real>> arenas_;
  ProgramJob<Real> job_{};
};

}  // namespace

template <class Real>
ProgramMemory<Real>::ProgramMemory(const Plan& plan, const Unit<Real>& unit, int threads) {
  const MixtureTable& mixture = plan.problems.front();
  const particle::LawTable<Real> shape = shape_of<Real>(mixture);
  const std::size_t scratch =
      std::max(unit.scratch_bytes(shape), unit.program_scratch_bytes(shape, observed_rows(plan)));
  fixed = particle::LawTables<Real>::bytes(mixture, shape.family) +
          particle::ProgramBuilder<Real>::shared_bytes(plan) + static_cast<std::size_t>(threads) * scratch;
  largest_step = PlanPrograms(plan).largest_step_bytes<Real>();
  tile = static_cast<std::size_t>(unit.lanes) *
         (static_cast<std::size_t>(num_vectors(plan) * mixture.dim()) * sizeof(Real) +
          static_cast<std::size_t>(num_chain_numbers(plan) + num_moments(plan)) * sizeof(double));
}

template <class Real>
NonFinite run_programs(const Task& task, const Unit<Real>& unit, ThreadPool& pool, std::size_t table_bytes) {
  return ProgramRun<Real>(task, unit, pool, table_bytes)();
}

template struct ProgramMemory<float>;
template struct ProgramMemory<double>;
template NonFinite run_programs(const Task&, const Unit<float>&, ThreadPool&, std::size_t);
template NonFinite run_programs(const Task&, const Unit<double>&, ThreadPool&, std::size_t);

}  // namespace gmdiff::cpu
