#include "device/cpu/cpu.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include <gmdiff/device/samples.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/thread_pool.hpp"
#include "device/cpu/chains.hpp"
#include "device/cpu/dispatch.hpp"
#include "device/cpu/host_sums.hpp"
#include "device/cpu/programs.hpp"
#include "device/cpu/scratch.hpp"
#include "device/work.hpp"
#include "lowering/table_builder.hpp"

namespace gmdiff::cpu {

namespace {

constexpr std::size_t preferred_states = std::size_t{8} << 20;   // bytes of particle states in a task
constexpr std::size_t preferred_tables = std::size_t{16} << 20;  // bytes of the tables of a window of steps
constexpr double operations_per_task = 2e10;

/// Bytes of a run, by their use.
template <class Real>
struct Memory {
  std::size_t fixed;         ///< law and scratch of all threads
  std::size_t largest_step;  ///< tables of the step with the largest tables
  std::size_t tile;          ///< states of one tile
  std::size_t least() const { return fixed + largest_step + tile; }

  Memory(const Plan& plan, const Unit<Real>& unit, int threads) {
    if (has_programs(plan)) {
      const ProgramMemory<Real> programs(plan, unit, threads);
      fixed = programs.fixed;
      largest_step = programs.largest_step;
      tile = programs.tile;
      return;
    }
    const MixtureTable& mixture = plan.problems.front();
    particle::LawTable<Real> shape{};
    shape.family = particle::family_of(mixture);
    shape.dim = mixture.dim();
    shape.num_components = mixture.num_components();
    fixed = particle::LawTables<Real>::bytes(mixture, shape.family) +
            static_cast<std::size_t>(threads) * unit.scratch_bytes(shape);
    largest_step = largest_step_bytes<Real>(plan);
    const std::size_t vectors = reads_previous_denoiser(plan) ? 2 : 1;
    tile = vectors * static_cast<std::size_t>(mixture.dim()) * static_cast<std::size_t>(unit.lanes) *
           sizeof(Real);
  }

  /// Bytes for the tables of a window; at least one step fits.
  std::size_t tables(std::size_t limit) const {
    if (limit == 0) return std::max(preferred_tables, largest_step);
    return std::max(largest_step, std::min(preferred_tables, (limit - fixed - tile) / 2));
  }
  std::size_t states(std::size_t limit) const {
    if (limit == 0) return std::max(preferred_states, tile);
    return std::max(tile, std::min(preferred_states, limit - fixed - tables(limit)));
  }
};

/// One task in one precision.
template <class Real>
class TaskRun {
 public:
  TaskRun(const Task& task, const Unit<Real>& unit, ThreadPool& pool)
      : task_(task),
        unit_(unit),
        pool_(pool),
        table_bytes_(Memory<Real>(task.plan, unit, pool.threads()).tables(task.memory_limit)),
        law_(task.problem, particle::family_of(task.problem)),
        scratch_(pool.threads(), unit.scratch_bytes(law_.table())),
        tiles_((task.count + unit.lanes - 1) / unit.lanes) {
    const auto values = static_cast<std::size_t>(tiles_ * unit.lanes * law_.table().dim);
    states_.resize(values);
    if (reads_previous_denoiser(task.plan)) previous_.resize(values);
  }

  NonFinite operator()() {
    start_ = particle::start_table(law_, task_.plan.start, start_arena_);
    Job<Real> job = make_job();
    NonFinite result = for_each_tile(job, unit_.start);
    const std::vector<Step>& steps = task_.plan.steps;
    for (std::size_t first = 0; first < steps.size() && !task_.stop.stop_requested();) {
      const std::size_t end = window_end<Real>(task_.problem, steps, first, table_bytes_);
      build_tables(first, end);
      job.steps = tables_.data();
      job.first_step = static_cast<int>(first);
      job.num_steps = static_cast<int>(end - first);
      result.advance(for_each_tile(job, unit_.advance));
      first = end;
    }
    return result;
  }

 private:
  Job<Real> make_job() {
    return {window_of<Real>(task_), &law_.table(), &start_, states_.data(),
            previous_.empty() ? nullptr : previous_.data()};
  }

  void build_tables(std::size_t first, std::size_t end) {
    tables_.resize(end - first);
    arenas_.resize(end - first);
    pool_.run(std::ssize(tables_), [&](int /*thread*/, std::int64_t s) {
      const auto i = static_cast<std::size_t>(s);
      arenas_[i].clear();
      tables_[i] = particle::step_table(law_, task_.plan.steps[first + i], arenas_[i]);
      tables_[i].slot = slot_of(task_.kept, static_cast<int>(first + i) + 1);
    });
  }

  NonFinite for_each_tile(const Job<Real>& job, TileResult (*body)(const Job<Real>&, std::int64_t, void*)) {
    const std::int64_t per_piece = units_per_piece(task_.plan, unit_.lanes);
    NonFinite sum;
    std::mutex mutex;
    const auto piece = [&](int thread, std::int64_t number) {
      NonFinite found;
      for (std::int64_t tile = number * per_piece; tile < std::min((number + 1) * per_piece, tiles_);
           ++tile) {
        const TileResult result = body(job, tile, scratch_.of(thread));
        found.add({.particles = result.non_finite, .first_step = result.first_step});
      }
      if (found.particles == 0) return;
      const std::lock_guard lock(mutex);
      sum.add(found);
    };
    pool_.run((tiles_ + per_piece - 1) / per_piece, piece, task_.stop);
    return sum;
  }

  const Task& task_;
  const Unit<Real>& unit_;
  ThreadPool& pool_;
  std::size_t table_bytes_;
  particle::LawTables<Real> law_;
  ScratchMemory scratch_;
  std::int64_t tiles_;
  Samples::Values<Real> states_, previous_;
  particle::Arena<Real> start_arena_;
  particle::StartTableOf<Real> start_{};
  std::vector<particle::StepTable<Real>> tables_;
  std::vector<particle::Arena<Real>> arenas_;
};

template <class Real>
void evaluate_points(const PointTask& task, const Unit<Real>& unit, ThreadPool& pool) {
  const particle::LawTables<Real> law(task.problem, particle::wide_family_of(task.problem));
  particle::Arena<Real> arena;
  const particle::LevelTable<Real> level = particle::level_table(law, task.level, arena);
  const PointJob<Real> job{.law = &law.table(),
                           .level = &level,
                           .points = task.points,
                           .count = task.count,
                           .log_density = task.log_density,
                           .log_responsibilities = task.log_responsibilities,
                           .score = task.score,
                           .denoiser = task.denoiser};
  const ScratchMemory scratch(pool.threads(), unit.scratch_bytes(law.table()));
  const std::int64_t tiles = (task.count + unit.lanes - 1) / unit.lanes;
  pool.run(
      tiles, [&](int thread, std::int64_t tile) { unit.evaluate(job, tile, scratch.of(thread)); }, task.stop);
}

class CpuExecutor final : public Executor {
 public:
  explicit CpuExecutor(int threads)
      : threads_(threads),
        set_(chosen_instruction_set()),
        unit_f32_(unit<float>(set_)),
        unit_f64_(unit<double>(set_)),
        pool_(std::make_shared<ThreadPool>(threads == 0 ? usable_processors() : threads)) {}

  std::string name() const override { return Device::cpu(threads_).name(); }

  std::int64_t batch_size(const Plan& plan, Precision precision, std::size_t /*num_kept*/,
                          std::size_t memory_limit) const override {
    return precision == Precision::f32 ? batch_size(plan, unit_f32_, memory_limit)
                                       : batch_size(plan, unit_f64_, memory_limit);
  }

  NonFinite run(const Task& task) const override {
    if (task.precision == Precision::f32) return run(task, unit_f32_);
    return run(task, unit_f64_);
  }

  particle::AnySmcTables lower(const SmcPlan& plan, Precision precision) const override {
    return particle::smc_tables(plan, precision);
  }

  std::int64_t chains_at_once(const SmcPlan& plan, const Options& options) const override {
    if (options.precision == Precision::f32)
      return cpu::chains_at_once(plan, unit_f32_, pool_->threads(), options.memory_limit);
    return cpu::chains_at_once(plan, unit_f64_, pool_->threads(), options.memory_limit);
  }

  ChainFailure run(const SmcTask& task) const override {
    if (task.precision == Precision::f32) return run_chains(task, unit_f32_, *pool_);
    return run_chains(task, unit_f64_, *pool_);
  }

  std::unique_ptr<DistanceSums> sums() const override { return make_host_sums(pool_); }
  ThreadPool* threads() const override { return pool_.get(); }

  void evaluate(const PointTask& task) const override {
    if (task.precision == Precision::f32) return evaluate_points(task, unit_f32_, *pool_);
    return evaluate_points(task, unit_f64_, *pool_);
  }

 private:
  template <class Real>
  std::int64_t batch_size(const Plan& plan, const Unit<Real>& unit, std::size_t memory_limit) const {
    const Memory<Real> memory(plan, unit, pool_->threads());
    require(memory_limit == 0 || memory_limit >= memory.least(), "cpu: memory_limit is ", memory_limit,
            " bytes, one tile of ", unit.lanes, " particles on ", pool_->threads(), " threads needs ",
            memory.least());
    if (memory_limit == 0) {
      require_memory(memory.fixed + memory.tables(0) + memory.states(0), "a batch in dimension ", plan.dim());
    }
    const std::size_t tiles = memory.states(memory_limit) / memory.tile;
    // A task is also the unit of progress reports, and a stop request waits for its end.
    const double enough =
        std::max(operations_per_task / (operations(plan) * unit.lanes), 8.0 * pool_->threads());
    const auto most = static_cast<std::size_t>(std::min(enough, 1e9));
    return static_cast<std::int64_t>(std::min(tiles, most)) * unit.lanes;
  }

  template <class Real>
  NonFinite run(const Task& task, const Unit<Real>& unit) const {
    if (has_programs(task.plan) || task.extent != Extent::fastest) {
      const std::size_t table_bytes =
          Memory<Real>(task.plan, unit, pool_->threads()).tables(task.memory_limit);
      return run_programs(task, unit, *pool_, table_bytes);
    }
    return TaskRun<Real>(task, unit, *pool_)();
  }

  int threads_;
  InstructionSet set_;
  Unit<float> unit_f32_;
  Unit<double> unit_f64_;
  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace

std::unique_ptr<Executor> make_executor(int threads) { return std::make_unique<CpuExecutor>(threads); }

std::string description() {
  const int threads = usable_processors();
  return concat("vectorised, ", to_string(chosen_instruction_set()), ", ", threads,
                threads == 1 ? " thread" : " threads");
}

}  // namespace gmdiff::cpu
