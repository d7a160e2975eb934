#include "device/cuda/executor.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/check.hpp"
#include "device/cuda/chains.hpp"
#include "device/cuda/distances.hpp"
#include "device/cuda/path_gradients.hpp"
#include "device/cuda/paths.hpp"
#include "device/cuda/programs.hpp"
#include "device/cuda/room.hpp"
#include "device/cuda/tables.hpp"
#include "device/work.hpp"

namespace gmdiff::cuda {

namespace {

using kernels::Geometry;
using kernels::no_step;
using kernels::PointsJob;
using kernels::Report;
using kernels::StepsJob;

constexpr std::size_t preferred_tables = std::size_t{64} << 20;  // bytes of the tables of a window of steps
constexpr std::int64_t granule = 1024;  // particles; a multiple of the thread blocks of every layout

/// Bytes of a run in the GPU's memory.
template <class Real>
struct RunMemory {
  std::size_t tables;    ///< of a window of steps, at least those of one step
  std::size_t fixed;     ///< law, tables of two windows, scratch of the thread blocks
  std::size_t particle;  ///< of one particle: result, given start, states between windows
  std::size_t least() const { return fixed + granule * particle; }

  RunMemory(const Plan& plan, std::size_t num_kept, std::size_t memory_limit, const kernels::Limits& limits) {
    if (has_programs(plan)) {
      const ProgramMemory programs = program_memory<Real>(plan, num_kept, limits);
      fixed = programs.fixed;
      particle = programs.particle;
      add_tables(memory_limit, programs.largest_step);
      return;
    }
    const MixtureTable& mixture = plan.problems.front();
    const auto d = static_cast<std::size_t>(mixture.dim());
    fixed = particle::LawTables<Real>::bytes(mixture, particle::family_of(mixture)) +
            static_cast<std::size_t>(mixture.num_components()) * sizeof(std::uint64_t) +
            room(mixture, limits);
    particle = d * (num_kept * sizeof(Real) + sizeof(double) + 4 * sizeof(Real));
    add_tables(memory_limit, largest_step_bytes<Real>(plan));
  }

 private:
  void add_tables(std::size_t memory_limit, std::size_t largest_step) {
    // Takes a share of the memory beyond the minimum, so that a limit that suffices for the tables of one
    // step still suffices.
    const std::size_t left = memory_limit - std::min(memory_limit, least());
    tables =
        std::max(memory_limit == 0 ? preferred_tables : std::min(preferred_tables, left / 8), largest_step);
    fixed += 2 * tables;
  }

  static std::size_t room(const MixtureTable& mixture, const kernels::Limits& limits) {
    StepsJob<Real> job{};
    job.law = particle::LawTables<Real>(mixture, particle::family_of(mixture)).table();
    job.count = std::numeric_limits<std::int64_t>::max() / 2;
    job.has_transition = true;
    job.has_two_evaluations = true;
    return kernels::geometry(job, limits).room_bytes;
  }
};

/// A result that stays in a GPU's memory.
class KeptResult final : public DeviceMemory {
 public:
  KeptResult(std::shared_ptr<Gpu> gpu, std::size_t bytes) : gpu_(std::move(gpu)), memory_(*gpu_, bytes) {}

  void* data() const override { return memory_.data(); }
  void* stream() const override { return gpu_->stream(); }
  int index() const override { return gpu_->index(); }
  void download(void* to, std::size_t bytes) const override { gpu_->download(to, memory_.data(), bytes); }

 private:
  std::shared_ptr<Gpu> gpu_;
  Buffer<std::byte> memory_;
};

/// One task in one precision.
template <class Real>
class TaskRun {
 public:
  TaskRun(const Task& task, Gpu& gpu)
      : task_(task),
        gpu_(gpu),
        law_(gpu, task.problem, particle::family_of(task.problem)),
        start_table_(particle::start_table(law_.host(), task.plan.start, start_arena_)),
        start_tables_(gpu, start_arena_),
        report_(gpu, 1) {
    if (!task.keeps_out)
      out_ = Buffer<Real>(gpu, values(static_cast<std::size_t>(task.count) * task.kept.size()));
    start_tables_.move(start_table_.move);
    if (task.start != nullptr) {
      start_states_ = Buffer<double>(gpu, values(static_cast<std::size_t>(task.count)));
      start_states_.upload(task.start);
    }
  }

  NonFinite operator()() {
    const std::vector<Step>& steps = task_.plan.steps;
    const std::size_t bytes =
        RunMemory<Real>(task_.plan, task_.kept.size(), task_.memory_limit, gpu_.limits()).tables;
    NonFinite result;
    std::size_t first = 0;
    do {
      const std::size_t end = window_end<Real>(task_.problem, steps, first, bytes);
      result.advance(window(first, end));
      first = end;
    } while (first < steps.size() && !task_.stop.stop_requested());
    if (!task_.keeps_out) out_.download(std::get<Real*>(task_.out));
    return result;
  }

 private:
  /// Number of values in the given number of vectors.
  std::size_t values(std::size_t vectors) const {
    return vectors * static_cast<std::size_t>(task_.problem.dim());
  }

  NonFinite window(std::size_t first, std::size_t end) {
    particle::Arena<Real> arena;
    std::vector<particle::StepTable<Real>> steps;
    for (std::size_t s = first; s < end; ++s) {
      steps.push_back(particle::step_table(law_.host(), task_.plan.steps[s], arena));
      steps.back().slot = slot_of(task_.kept, static_cast<int>(s) + 1);
    }
    const Tables<Real> tables(gpu_, arena);
    for (particle::StepTable<Real>& step : steps) tables.move(step);
    Buffer<particle::StepTable<Real>> on_gpu;
    if (!steps.empty()) {
      on_gpu = Buffer<particle::StepTable<Real>>(gpu_, steps.size());
      on_gpu.upload(steps.data());
    }

    StepsJob<Real> job = make_job(first);
    job.steps = on_gpu.data();
    job.num_steps = static_cast<int>(end - first);
    for (const particle::StepTable<Real>& step : steps) {
      job.has_transition = job.has_transition || step.is_transition;
      job.has_two_evaluations = job.has_two_evaluations || step.evaluations == 2;
    }
    give_states(job, first > 0, end < task_.plan.steps.size());
    const Geometry geometry = give_room(gpu_, job, room_);
    return launch(job, geometry);
  }

  StepsJob<Real> make_job(std::size_t first_step) const {
    StepsJob<Real> job{};
    static_cast<particle::Window<Real>&>(job) = window_of<Real>(task_);
    job.law = law_.table();
    job.first_step = static_cast<int>(first_step);
    job.is_fast = task_.math == MathMode::fast;
    job.from_start = first_step == 0;
    job.start = start_table_;
    job.start_states = start_states_.data();
    job.out = task_.keeps_out ? std::get<Real*>(task_.out) : out_.data();
    job.report = report_.data();
    return job;
  }

  /// The states between windows are in two buffers, which alternate, so that a window can run again.
  void give_states(StepsJob<Real>& job, bool has_before, bool has_after) {
    const std::size_t size = values(static_cast<std::size_t>(task_.count));
    if (has_before) {
      std::swap(states_[0], states_[1]);
      std::swap(previous_[0], previous_[1]);
      job.states_in = states_[0].data();
      job.previous_in = previous_[0].data();
    }
    if (has_after && states_[1].size() == 0) states_[1] = Buffer<Real>(gpu_, size);
    if (has_after) job.states_out = states_[1].data();
    if (!reads_previous_denoiser(task_.plan)) return;
    if (previous_[1].size() == 0) previous_[1] = Buffer<Real>(gpu_, size);
    job.previous_out = previous_[1].data();
  }

  NonFinite launch(StepsJob<Real> job, const Geometry& geometry) {
    Report report{.non_finite = 0, .first_step = no_step};
    report_.upload(&report);
    gpu_.launch(job, geometry);
    report_.download(&report);
    if (report.non_finite > 0) {
      // The window runs again and checks every step.
      job.look_for_first = true;
      gpu_.launch(job, geometry);
      const std::uint64_t particles = report.non_finite;
      report_.download(&report);
      report.non_finite = particles;
    }
    return {.particles = static_cast<std::int64_t>(report.non_finite),
            .first_step = report.first_step == no_step ? -1 : report.first_step};
  }

  const Task& task_;
  Gpu& gpu_;
  Law<Real> law_;
  particle::Arena<Real> start_arena_;
  particle::StartTableOf<Real> start_table_;
  Tables<Real> start_tables_;
  Buffer<Report> report_;
  Buffer<Real> out_;
  Buffer<double> start_states_;
  Buffer<Real> states_[2], previous_[2];
  Buffer<Real> room_;
};

/// Evaluates points in pieces that fit into memory.
template <class Real>
class PointsRun {
 public:
  PointsRun(const PointTask& task, Gpu& gpu)
      : task_(task),
        gpu_(gpu),
        law_(gpu, task.problem, particle::wide_family_of(task.problem)),
        level_(particle::level_table(law_.host(), task.level, arena_)),
        tables_(gpu, arena_) {
    tables_.move(level_);
  }

  void operator()() {
    const std::int64_t piece = piece_size();
    for (std::int64_t first = 0; first < task_.count && !task_.stop.stop_requested(); first += piece) {
      run(first, std::min(piece, task_.count - first));
    }
  }

 private:
  std::int64_t piece_size() const {
    const auto d = static_cast<std::size_t>(task_.problem.dim());
    const auto K = static_cast<std::size_t>(task_.problem.num_components());
    const std::size_t bytes = sizeof(double) * (1 + K + 3 * d);
    const std::size_t fit = gpu_.free_memory() / 2 / bytes;
    return static_cast<std::int64_t>(std::clamp<std::size_t>(fit, 1, std::size_t{1} << 24));
  }

  void run(std::int64_t first, std::int64_t count) {
    const Index d = task_.problem.dim();
    PointsJob<Real> job{};
    job.law = law_.table();
    job.level = level_;
    job.count = count;
    Buffer<double> points(gpu_, static_cast<std::size_t>(count * d));
    points.upload(task_.points + first * d);
    job.points = points.data();
    const auto room_for = [&](const double* asked_for, Index columns) {
      return asked_for == nullptr ? Buffer<double>()
                                  : Buffer<double>(gpu_, static_cast<std::size_t>(count * columns));
    };
    const Index K = task_.problem.num_components();
    const Buffer<double> log_density = room_for(task_.log_density, 1);
    const Buffer<double> log_responsibilities = room_for(task_.log_responsibilities, K);
    const Buffer<double> score = room_for(task_.score, d);
    const Buffer<double> denoiser = room_for(task_.denoiser, d);
    job.log_density = log_density.data();
    job.log_responsibilities = log_responsibilities.data();
    job.score = score.data();
    job.denoiser = denoiser.data();
    const Geometry geometry = give_room(gpu_, job, room_);
    gpu_.launch(job, geometry);
    const auto take = [&](const Buffer<double>& from, double* to, Index columns) {
      if (to != nullptr) from.download(to + first * columns);
    };
    take(log_density, task_.log_density, 1);
    take(log_responsibilities, task_.log_responsibilities, K);
    take(score, task_.score, d);
    take(denoiser, task_.denoiser, d);
  }

  using Index = particle::Index;
  const PointTask& task_;
  Gpu& gpu_;
  Law<Real> law_;
  particle::Arena<Real> arena_;
  particle::LevelTable<Real> level_;
  Tables<Real> tables_;
  Buffer<Real> room_;
};

class CudaExecutor final : public Executor {
 public:
  CudaExecutor(std::shared_ptr<Gpu> gpu, std::string name) : gpu_(std::move(gpu)), name_(std::move(name)) {}

  std::string name() const override { return name_; }

  std::int64_t batch_size(const Plan& plan, Precision precision, std::size_t num_kept,
                          std::size_t memory_limit) const override {
    return precision == Precision::f32 ? batch_size<float>(plan, num_kept, memory_limit)
                                       : batch_size<double>(plan, num_kept, memory_limit);
  }

  std::unique_ptr<DeviceMemory> keep(std::size_t bytes) const override {
    const std::size_t free = gpu_->free_memory();
    if (bytes > free) throw out_of_memory(name_, bytes, " for the result that keep_on_device asks for", free);
    return std::make_unique<KeptResult>(gpu_, bytes);
  }

  NonFinite run(const Task& task) const override {
    if (has_programs(task.plan) || task.extent != Extent::fastest) {
      return task.precision == Precision::f32 ? run_programs<float>(task) : run_programs<double>(task);
    }
    return task.precision == Precision::f32 ? TaskRun<float>(task, *gpu_)() : TaskRun<double>(task, *gpu_)();
  }

  particle::AnySmcTables lower(const SmcPlan& plan, Precision precision) const override {
    return particle::smc_tables(plan, precision);
  }

  std::int64_t chains_at_once(const SmcPlan& plan, const Options& options) const override {
    return cuda::chains_at_once(*gpu_, name_, plan, options);
  }

  ChainFailure run(const SmcTask& task) const override { return cuda::run_chains(*gpu_, task); }

  std::unique_ptr<DistanceSums> sums() const override { return make_distance_sums(gpu_, name_); }
  std::unique_ptr<PathRunner> paths(const PathSource& source) const override {
    return paths_on(*gpu_, name_, source);
  }
  std::unique_ptr<PathGradients> path_gradients(ThreadPool& pool, Precision precision) const override {
    return path_gradients_on(*gpu_, name_, pool, precision);
  }
  void rest() const noexcept override { gpu_->rest(); }

  void evaluate(const PointTask& task) const override {
    if (task.precision == Precision::f32) return PointsRun<float>(task, *gpu_)();
    PointsRun<double>(task, *gpu_)();
  }

 private:
  template <class Real>
  NonFinite run_programs(const Task& task) const {
    const RunMemory<Real> memory(task.plan, task.kept.size(), task.memory_limit, gpu_->limits());
    return cuda::run_programs<Real>(task, *gpu_, memory.tables);
  }

  template <class Real>
  std::int64_t batch_size(const Plan& plan, std::size_t num_kept, std::size_t memory_limit) const {
    const RunMemory<Real> memory(plan, num_kept, memory_limit, gpu_->limits());
    // the rest is left for allocations of others in the meantime
    const std::size_t free = gpu_->free_memory() / 10 * 9;
    require(memory_limit == 0 || memory_limit >= memory.least(), name_, ": memory_limit is ", memory_limit,
            " bytes, ", granule, " particles need ", memory.least());
    if (free < memory.least()) {
      throw out_of_memory(name_, memory.least(), concat(" for ", granule, " particles"), free);
    }
    const std::size_t room = (memory_limit == 0 ? free : std::min(free, memory_limit)) - memory.fixed;
    const auto fit = static_cast<std::int64_t>(room / memory.particle) / granule * granule;
    // A task is also the unit of progress reports, and a stop request waits for its end.
    const auto enough =
        static_cast<std::int64_t>(std::min(operations_per_task / operations(plan), 1e12)) / granule * granule;
    const std::int64_t fills_the_gpu = granule * 1024;
    return std::clamp(enough, std::min(fills_the_gpu, fit), fit);
  }

  std::shared_ptr<Gpu> gpu_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Executor> make_executor(std::shared_ptr<Gpu> gpu, std::string name) {
  return std::make_unique<CudaExecutor>(std::move(gpu), std::move(name));
}

}  // namespace gmdiff::cuda
