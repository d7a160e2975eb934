#include "device/cuda/programs.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include "device/cuda/function_rows.hpp"
#include "device/cuda/networks.hpp"
#include "device/cuda/room.hpp"
#include "device/cuda/tables.hpp"
#include "device/cuda/velocities.hpp"
#include "device/moments.hpp"
#include "device/plan_programs.hpp"
#include "device/user_denoiser.hpp"
#include "device/work.hpp"
#include "lowering/program_builder.hpp"
#include "plan/program.hpp"

namespace gmdiff::cuda {
namespace {

using kernels::no_step;
using kernels::ProgramJob;
using kernels::Report;
using Numbers = particle::ChainNumbers<double>;
using particle::StageKind;
using particle::StageTable;

/// One task in one precision.
template <class Real>
class ProgramRun {
 public:
  ProgramRun(const Task& task, Gpu& gpu, std::size_t table_bytes)
      : task_(task),
        programs_(task.plan),
        gpu_(gpu),
        table_bytes_(table_bytes),
        law_(gpu, task.problem, particle::wide_family_of(task.problem)),
        builder_(law_.host(), task.guidance, task.plan),
        shared_tables_(gpu, builder_.arena()),
        num_vectors_(num_vectors(task.plan)),
        vectors_(gpu, values(static_cast<std::size_t>(num_vectors_))),
        report_(gpu, 1),
        rows_(gpu, task.count, task.problem.dim(), task.precision),
        networks_(task.plan.denoisers, task.plan.dim(), gpu) {
    start_ = particle::start_table(law_.host(), task.plan.start, start_arena_);
    if (!task.keeps_out) out_ = Buffer<Real>(gpu, values(task.kept.size()));
    if (has_chain_numbers(task.plan))
      numbers_ = Buffer<double>(gpu, static_cast<std::size_t>(task.count) * Numbers::size);
    if (calls_functions(task.plan)) rows_.allocate();
    if (task.moments != nullptr)
      moments_ = Buffer<double>(gpu, static_cast<std::size_t>(task.count * num_moments(task.plan)));
    if (task.start != nullptr) {
      start_states_ = Buffer<double>(gpu, values(1));
      start_states_.upload(task.start);
    }
  }

  NonFinite operator()() {
    const Tables<Real> start_tables(gpu_, start_arena_);
    start_tables.move(start_);
    NonFinite result = launch({}, /*from_start=*/true);
    particle::Arena<Real> prologue_arena;
    run_stages(builder_.prologue(programs_.prologue(), prologue_arena), prologue_arena, result);
    upload_velocities(gpu_, task_, vectors_.data());
    if (evaluates_target(task_.plan)) result.bad_start = bad_start();
    if (result.bad_start) return result;
    if (adapts_steps(task_.plan)) result.endless_search = search();
    if (result.endless_search) return result;
    for (std::size_t first = 0; first < programs_.size() && !task_.stop.stop_requested();) {
      const std::vector<Segment> window =
          programs_.window<Real>(first, task_.kept, task_.extent, table_bytes_);
      run_window(window, result);
      first = end_of(window);
    }
    give_acceptance();
    give_moments();
    download_velocities(gpu_, task_, vectors_.data());
    if (!task_.keeps_out) out_.download(std::get<Real*>(task_.out));
    return result;
  }

 private:
  /// Number of values in the given number of vectors of all particles.
  std::size_t values(std::size_t vectors) const {
    return vectors * static_cast<std::size_t>(task_.count * task_.problem.dim());
  }

  void run_window(const std::vector<Segment>& window, NonFinite& result) {
    particle::Arena<Real> arena;
    std::vector<StageTable<Real>> stages;
    for (const Segment& next : window) {
      for (const StageTable<Real>& stage :
           builder_.step(programs_.step(next), next.first, next.steps, next.slot, arena))
        stages.push_back(stage);
    }
    run_stages(std::move(stages), arena, result);
  }

  void run_stages(std::vector<StageTable<Real>> stages, const particle::Arena<Real>& arena,
                  NonFinite& result) {
    const Tables<Real> tables(gpu_, arena);
    for (StageTable<Real>& stage : stages) {
      tables.move(stage);
      shared_tables_.move(stage.field);
      shared_tables_.move(stage.matrix);
    }
    for (std::size_t begin = 0; begin < stages.size() && !task_.stop.stop_requested();) {
      if (particle::is_call(stages[begin].kind)) {
        call(stages[begin++]);
        continue;
      }
      const std::size_t stop = piece_end(stages, begin, task_.extent);
      std::vector<StageTable<Real>> piece(stages.begin() + static_cast<std::ptrdiff_t>(begin),
                                          stages.begin() + static_cast<std::ptrdiff_t>(stop));
      // States that are not finite are counted at the end of a step.
      const auto last = std::find_if(piece.rbegin(), piece.rend(), [](const StageTable<Real>& stage) {
        return stage.kind == StageKind::end;
      });
      if (last != piece.rend()) last->is_last = true;
      const NonFinite found = launch(piece, /*from_start=*/false);
      if (last != piece.rend()) result.advance(found);
      begin = stop;
    }
  }

  NonFinite launch(const std::vector<StageTable<Real>>& stages, bool from_start) {
    Buffer<StageTable<Real>> on_gpu;
    if (!stages.empty()) {
      on_gpu = Buffer<StageTable<Real>>(gpu_, stages.size());
      on_gpu.upload(stages.data());
    }
    ProgramJob<Real> job{};
    static_cast<particle::Window<Real>&>(job) = window_of<Real>(task_);
    job.stages = on_gpu.data();
    job.num_stages = static_cast<int>(stages.size());
    job.num_vectors = num_vectors_;
    job.observation = builder_.observation();
    shared_tables_.move(job.observation);
    job.target = builder_.target();
    shared_tables_.move(job.target);
    job.law = law_.table();
    job.start = start_;
    job.from_start = from_start;
    job.start_states = start_states_.data();
    job.vectors = vectors_.data();
    job.numbers = numbers_.data();
    job.moments = moments_.data();
    job.rows = rows_.data();
    job.out = task_.keeps_out ? std::get<Real*>(task_.out) : out_.data();
    job.report = report_.data();
    Report report{.non_finite = 0, .first_step = no_step};
    report_.upload(&report);
    const kernels::Geometry geometry = give_room(gpu_, job, room_);
    gpu_.launch(job, geometry);
    report_.download(&report);
    return {.particles = static_cast<std::int64_t>(report.non_finite),
            .first_step = report.first_step == no_step ? -1 : report.first_step};
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
      run_stages(stages, arena, of_start);
      const std::vector<double> numbers = numbers_of_chains();
      endless = find_endless_search(task_.count, [&](std::int64_t chain) {
        return numbers[static_cast<std::size_t>(Numbers::of_search * task_.count + chain)] ==
               Numbers::search_ended;
      });
    }
    if (task_.stop.stop_requested()) return {};
    return endless;
  }

  std::vector<double> numbers_of_chains() const {
    std::vector<double> numbers(numbers_.size());
    numbers_.download(numbers.data());
    return numbers;
  }

  std::optional<BadStart> bad_start() const {
    const std::vector<double> numbers = numbers_of_chains();
    return find_bad_start(task_.count, [&](std::int64_t n) {
      return numbers[static_cast<std::size_t>(Numbers::of_state * task_.count + n)];
    });
  }

  void give_acceptance() const {
    if (task_.acceptance == nullptr) return;
    const std::vector<double> numbers = numbers_of_chains();
    std::copy_n(numbers.begin() + Numbers::of_acceptance * task_.count, task_.count, task_.acceptance);
    std::copy_n(numbers.begin() + Numbers::of_non_finite * task_.count, task_.count, task_.non_finite);
    if (task_.steps != nullptr)
      std::copy_n(numbers.begin() + Numbers::of_step * task_.count, task_.count, task_.steps);
  }

  void give_moments() const {
    if (task_.moments == nullptr) return;
    std::vector<double> numbers(moments_.size());
    moments_.download(numbers.data());
    const std::int64_t places = num_moments(task_.plan);
    for (std::int64_t n = 0; n < task_.count; ++n) {
      for (std::int64_t place = 0; place < places; ++place)
        task_.moments[n * places + place] = numbers[static_cast<std::size_t>(place * task_.count + n)];
    }
  }

  /// Calls the function of a stage on the rows of all particles.
  void call(const StageTable<Real>& stage) {
    if (evaluate_network(stage)) return;
    move_rows(StageKind::to_rows, stage);
    if (stage.kind == StageKind::call_target) {
      call_target(stage);
    } else if (stage.kind == StageKind::call_field) {
      rows_.evaluate(task_.plan.fields[static_cast<std::size_t>(stage.function)], stage.time);
    } else if (stage.cotangent > 0) {
      call_transposed_jvp(stage);
    } else {
      call_denoiser(stage);
    }
    move_rows(StageKind::from_rows, stage);
    if (stage.kind == StageKind::call && stage.cotangent == 0) denoise(stage);
  }

  /// Computes D from what the function of a stage has predicted (mathematics.md §2.3).
  void denoise(const StageTable<Real>& called) {
    const auto* const on_gpu = std::get_if<DeviceDenoiser>(&denoiser_of(called));
    if (on_gpu == nullptr || on_gpu->prediction == Prediction::denoiser) return;
    require(called.from != called.to, "denoiser \"", on_gpu->id,
            "\": D is computed from x and a prediction, so a stage must not write it over x");
    StageTable<Real> stage = called;
    stage.kind = StageKind::combine;
    stage.num_terms = 2;
    stage.vectors[0] = called.from;
    stage.vectors[1] = called.to;
    stage.factors[0] = static_cast<Real>(1.0 / called.alpha);
    stage.factors[1] =
        static_cast<Real>(factor_of(on_gpu->prediction, {.alpha = called.alpha, .sigma = called.sigma}));
    stage.is_scaled = false;
    stage.threshold = 0;
    stage.noise = Real(0);
    launch({stage}, /*from_start=*/false);
  }
  /// Evaluates a network on the GPU, where the vectors are. @returns whether the function is a network
  bool evaluate_network(const StageTable<Real>& stage) {
    if (stage.kind != StageKind::call) return false;
    NetworkOnGpu* const network = networks_.find(stage.function, stage.cotangent > 0);
    if (network == nullptr) return false;
    const kernels::NetworkRows v = stage.cotangent > 0 ? vector(stage.cotangent) : kernels::NetworkRows{};
    network->evaluate({.alpha = stage.alpha, .sigma = stage.sigma}, vector(stage.from), v, vector(stage.to),
                      task_.count);
    return true;
  }
  /// A vector of all particles.
  kernels::NetworkRows vector(int number) const {
    Real* const numbers = vectors_.data() + values(static_cast<std::size_t>(number));
    if constexpr (std::is_same_v<Real, float>) {
      return {.f32 = numbers, .f64 = nullptr};
    } else {
      return {.f32 = nullptr, .f64 = numbers};
    }
  }

  void call_denoiser(const StageTable<Real>& stage) {
    const Level level{.alpha = stage.alpha, .sigma = stage.sigma};
    std::visit([&](const auto& denoiser) { rows_.evaluate(denoiser, level); }, denoiser_of(stage));
  }
  const Denoiser& denoiser_of(const StageTable<Real>& stage) const {
    return task_.plan.denoisers[static_cast<std::size_t>(stage.function)];
  }
  void call_target(const StageTable<Real>& stage) {
    double* const l =
        numbers_.data() + (stage.is_proposal ? Numbers::of_proposal : Numbers::of_state) * task_.count;
    rows_.evaluate(*task_.plan.target, l);
  }
  void call_transposed_jvp(const StageTable<Real>& stage) {
    const Points x = rows_.on_host();
    StageTable<Real> of_cotangent = stage;
    of_cotangent.from = stage.cotangent;
    move_rows(StageKind::to_rows, of_cotangent);
    const Level level{.alpha = stage.alpha, .sigma = stage.sigma};
    rows_.set(transposed_jvp_rows(denoiser_of(stage), x, rows_.on_host(), level));
  }
  void move_rows(StageKind kind, const StageTable<Real>& call) {
    StageTable<Real> stage = call;
    stage.kind = kind;
    launch({stage}, /*from_start=*/false);
  }

  const Task& task_;
  PlanPrograms programs_;
  Gpu& gpu_;
  std::size_t table_bytes_;
  Law<Real> law_;
  particle::ProgramBuilder<Real> builder_;
  Tables<Real> shared_tables_;  // of all steps
  int num_vectors_;
  Buffer<Real> vectors_;
  Buffer<double> numbers_, moments_;
  Buffer<Report> report_;
  particle::Arena<Real> start_arena_;
  particle::StartTableOf<Real> start_{};
  Buffer<Real> out_;
  Buffer<double> start_states_;
  Buffer<Real> room_;
  FunctionRows<Real> rows_;
  Networks networks_;
};

}  // namespace

template <class Real>
NonFinite run_programs(const Task& task, Gpu& gpu, std::size_t table_bytes) {
  return ProgramRun<Real>(task, gpu, table_bytes)();
}

template NonFinite run_programs<float>(const Task&, Gpu&, std::size_t);
template NonFinite run_programs<double>(const Task&, Gpu&, std::size_t);

}  // namespace gmdiff::cuda
