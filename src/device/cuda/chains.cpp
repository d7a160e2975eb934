#include "device/cuda/chains.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "base/check.hpp"
#include "device/cuda/chain_memory.hpp"
#include "device/cuda/networks.hpp"
#include "device/cuda/tables.hpp"
#include "device/user_denoiser.hpp"
#include "device/work.hpp"
#include "lowering/smc_table_builder.hpp"

namespace gmdiff::cuda {

namespace {

using kernels::ChainGeometry;
using kernels::ChainPart;
using kernels::ChainsJob;
using kernels::ChainState;
using kernels::Limits;
using kernels::Phase;
using kernels::Scheme;

constexpr double operations_per_look = 2e11;  // the longest wait of a stop request within a chain

/// A requested result in the GPU's memory.
template <class T>
class Result {
 public:
  /// @param to destination on the host, or null
  Result(Gpu& gpu, T* to, std::size_t size) : to_(to) {
    if (to != nullptr) buffer_ = Buffer<T>(gpu, std::max<std::size_t>(size, 1));
    size_ = size;
  }
  T* data() const { return buffer_.data(); }
  void take() const {
    if (to_ != nullptr && size_ > 0) buffer_.download(to_);
  }

 private:
  T* to_;
  std::size_t size_ = 0;
  Buffer<T> buffer_;
};

/// One task in one precision.
template <class Real>
class ChainsRun {
 public:
  ChainsRun(const SmcTask& task, Gpu& gpu)
      : task_(task),
        gpu_(gpu),
        tables_(*std::get<std::shared_ptr<const particle::SmcTables<Real>>>(task.tables)),
        moved_(gpu, tables_.arena()),
        law_(gpu, task.plan.mixture, particle::wide_family_of(task.plan.mixture)),
        steps_(gpu, std::max<std::size_t>(task.plan.steps.size(), 1)),
        weightings_(gpu, steps_.size()),
        decides_(steps_.size(), -1) {
    std::vector<particle::SmcStepTable<Real>> steps = tables_.steps();
    for (particle::SmcStepTable<Real>& step : steps) moved_.move(step);
    steps_.upload(steps.data(), steps.size());
    int place = 0;
    for (const int step : task.plan.weightings()) decides_[static_cast<std::size_t>(step)] = place++;
    num_weightings_ = place;
    weightings_.upload(decides_.data());
    upload_slots();
    upload_potentials();
    if (task.plan.denoiser) networks_.emplace(std::span(&*task.plan.denoiser, 1), task.plan.dim(), gpu);
    if (task.start != nullptr || task.keeps_out || task.plan.denoiser) {
      rotation_ = Buffer<double>(gpu, static_cast<std::size_t>(task.plan.V.size()));
      rotation_.upload(task.plan.V.data());
    }
    if (task.plan.start.mixture) {
      start_law_.emplace_back(gpu, *task.plan.start.mixture,
                              particle::wide_family_of(*task.plan.start.mixture));
    }
  }

  ChainFailure operator()() {
    const ChainMemory<Real> memory(task_.plan, gpu_.limits(), ChainExtras(task_));
    const typename ChainMemory<Real>::Fit fit = memory.fit(bytes_for(gpu_, task_.memory_limit));
    ChainFailure failure;
    for (std::int64_t first = 0; first < task_.count && !failure.found() && !task_.stop.stop_requested();) {
      const std::int64_t count = std::min(task_.count - first, fit.chains);
      failure = run(first, count, fit);
      first += count;
    }
    return failure;
  }

 private:
  ChainFailure run(std::int64_t first, std::int64_t count, const typename ChainMemory<Real>::Fit& fit) {
    ChainsJob<Real> job = make_job(first, count);
    job.geometry = kernels::chain_geometry(job, fit.limits, fit.under_way);
    give_room(job);
    const std::int64_t N = task_.plan.particles;
    const Buffer<double> start = given_start(first, count);
    job.start_states = start.data();
    const std::int64_t W = num_weightings_;
    const auto result = [&](auto* to, std::int64_t of_a_chain) {
      return Result(gpu_, to == nullptr ? nullptr : to + first * of_a_chain,
                    static_cast<std::size_t>(count * of_a_chain));
    };
    const std::int64_t rows = job.draws ? 1 : job.num_kept * N;
    const auto out = result(std::get<Real*>(task_.out), rows * task_.plan.dim());
    const auto log_weights = result(task_.log_weights, N);
    const auto ess = result(task_.ess, W);
    const auto resampled = result(task_.resampled, W);
    const auto weight_history = result(task_.weight_history, W * N);
    const auto ancestors = result(task_.ancestors, W * N);
    job.out = out.data();
    job.final_log_weights = log_weights.data();
    job.ess = ess.data();
    job.resampled = resampled.data();
    job.weight_history = weight_history.data();
    job.ancestor_history = ancestors.data();
    launch(job);
    ChainFailure failure = take_reports(first, count);
    if (!failure.found() && task_.keeps_out) failure = rotate(out.data(), first, count, rows);
    if (failure.found()) return failure;
    if (!task_.keeps_out) out.take();
    log_weights.take();
    ess.take();
    resampled.take();
    weight_history.take();
    ancestors.take();
    return {};
  }

  /// Reads the reports of some chains. @returns the first of them that failed
  ChainFailure take_reports(std::int64_t first, std::int64_t count) const {
    std::vector<ChainState> chains(static_cast<std::size_t>(count));
    chains_.download(chains.data());
    for (const ChainState& chain : chains) {
      const std::int64_t c = first + (&chain - chains.data());
      if (chain.failed_step >= 0)
        return {.chain = c, .step = chain.failed_step, .all_weights_zero = chain.all_weights_zero};
      task_.smallest_ess[c] = chain.smallest_ess;
      task_.smallest_ess_step[c] = chain.smallest_ess_step;
      task_.log_evidence[c] = chain.log_evidence + tables_.log_constant();
    }
    return {};
  }

  /// Rotates the results of some chains into the memory of the run's result. @returns the first that is not
  /// finite
  ChainFailure rotate(const Real* from, std::int64_t first, std::int64_t count, std::int64_t rows) {
    const Eigen::Index d = task_.plan.dim();
    std::vector<std::uint64_t> numbers(static_cast<std::size_t>(count), 0);
    Buffer<std::uint64_t> non_finite(gpu_, numbers.size());
    non_finite.upload(numbers.data());
    gpu_.launch(kernels::RotationJob<Real>{.rotation = rotation_.data(),
                                           .dim = d,
                                           .chains = count,
                                           .rows = rows,
                                           .from = from,
                                           .to = std::get<Real*>(task_.out) + first * rows * d,
                                           .non_finite = non_finite.data()});
    non_finite.download(numbers.data());
    const auto found = std::find_if(numbers.begin(), numbers.end(), [](std::uint64_t n) { return n > 0; });
    if (found == numbers.end()) return {};
    return {.chain = first + (found - numbers.begin()), .is_result = true};
  }

  ChainsJob<Real> make_job(std::int64_t first, std::int64_t count) const {
    ChainsJob<Real> job = shape_of<Real>(task_.plan);
    job.tables = tables_.chain(task_.seed);
    job.tables.law = law_.table();
    job.tables.steps = steps_.data();
    moved_.move(job.tables.start);
    if (!start_law_.empty()) job.tables.start.law = start_law_.front().table();
    if (tables_.map() != nullptr) {
      job.map = *tables_.map();
      moved_.move(job.map.observation);
      job.map.levels = potentials_.data();
    }
    job.rotation = rotation_.data();
    job.weightings = weightings_.data();
    job.num_weightings = num_weightings_;
    job.slots = slots_.data();
    job.num_kept = static_cast<int>(task_.kept.size());
    job.ess_threshold = task_.plan.ess_threshold;
    job.draws = task_.plan.output == SmcOutput::draw;
    job.first = static_cast<std::uint64_t>(task_.first + first);
    job.count = count;
    return job;
  }

  void upload_potentials() {
    std::vector<particle::StageTable<Real>> levels = tables_.potentials();
    if (levels.empty()) return;
    for (particle::StageTable<Real>& level : levels) moved_.move(level);
    potentials_ = Buffer<particle::StageTable<Real>>(gpu_, levels.size());
    potentials_.upload(levels.data());
  }

  void upload_slots() {
    std::vector<int> slots;
    for (int level = 0; level <= static_cast<int>(task_.plan.steps.size()); ++level)
      slots.push_back(slot_of(task_.kept, level));
    slots_ = Buffer<int>(gpu_, slots.size());
    slots_.upload(slots.data());
  }

  /// The given first particles of some chains; empty if they are drawn.
  Buffer<double> given_start(std::int64_t first, std::int64_t count) {
    if (task_.start == nullptr) return {};
    const std::int64_t of_a_chain = task_.plan.particles * task_.plan.dim();
    Buffer<double> start(gpu_, static_cast<std::size_t>(count * of_a_chain));
    start.upload(task_.start + first * of_a_chain);
    return start;
  }

  /// Allocates the memory of the active chains that is not shared memory.
  void give_room(ChainsJob<Real>& job) {
    const ChainGeometry& geometry = job.geometry;
    const auto under_way = static_cast<std::size_t>(geometry.under_way);
    const std::size_t numbers =
        under_way * static_cast<std::size_t>(kernels::padded_particles(task_.plan.particles));
    const auto give = [&](auto& buffer, auto*& pointer, std::size_t size) {
      if (buffer.size() < size) buffer = std::remove_reference_t<decltype(buffer)>(gpu_, size);
      pointer = buffer.data();
    };
    if (!geometry.states_in_shared)
      give(states_, job.states, 2 * numbers * static_cast<std::size_t>(task_.plan.dim()));
    if (!geometry.weights_in_shared) {
      give(log_weights_, job.log_weights, numbers);
      give(sums_, job.sums, numbers);
      if (job.scheme == Scheme::residual) give(rests_, job.rests, numbers);
      give(ancestors_, job.ancestors, numbers);
    }
    if (job.has_map) give(potentials_of_map_, job.potentials, 2 * numbers);
    if (job.has_denoiser) {
      Real* denoised = nullptr;
      const std::size_t d = static_cast<std::size_t>(task_.plan.dim());
      give(denoised_, denoised, numbers * d);
      job.denoised = denoised;
      double* rows = nullptr;
      give(rows_, rows, under_way * static_cast<std::size_t>(task_.plan.particles) * d);
    }
    if (geometry.tile_bytes > 0) give(tiles_, job.tiles, geometry.tile_bytes / sizeof(Real));
    give(parts_, job.parts, static_cast<std::size_t>(geometry.blocks));
    if (chains_.size() != static_cast<std::size_t>(job.count))
      chains_ = Buffer<ChainState>(gpu_, static_cast<std::size_t>(job.count));
    job.chains = chains_.data();
  }

  /// Runs all steps in one launch, or each phase in a launch of its own; the host queues the launches without
  /// waiting for the GPU.
  void launch(ChainsJob<Real> job) {
    job.whole = job.geometry.whole() && !job.has_denoiser;
    if (job.whole) return gpu_.launch(job);
    const double of_a_step = operations(task_.plan) * static_cast<double>(job.count) /
                             static_cast<double>(task_.plan.steps.size() + 1);
    double since_look = 0.0;
    for (job.step = 0; job.step <= job.tables.num_steps; ++job.step) {
      launch_step(job);
      since_look += of_a_step;
      // A custom denoiser has waited for the GPU already.
      if (since_look < operations_per_look && !job.has_denoiser) continue;
      since_look = 0.0;
      wait();
      if (task_.stop.stop_requested()) return;
    }
  }
  void launch_step(ChainsJob<Real>& job) {
    const bool is_end = job.step == job.tables.num_steps;
    const kernels::StepKind kind{.is_first = job.step == 0,
                                 .is_end = is_end,
                                 .keeps = slot_of(task_.kept, job.step) >= 0,
                                 .draws = job.draws,
                                 .weighs_before = job.tables.weighs_before,
                                 .weighs_states = job.weighs_states(),
                                 .decides = !is_end && decides_[static_cast<std::size_t>(job.step)] >= 0,
                                 .is_residual = job.scheme == Scheme::residual};
    for (int p = 0; p < kernels::num_phases; ++p) {
      job.phase = static_cast<Phase>(p);
      // The states before the step are complete, and weights have not yet replaced them.
      if (job.phase == Phase::weigh && job.has_denoiser && !is_end) denoise(job);
      if (kernels::has_phase(kind, job.phase)) gpu_.launch(job);
    }
  }

  /// Evaluates the custom denoiser at the states before a step.
  void denoise(const ChainsJob<Real>& job) {
    const Level level =
        std::get<AffineStep>(task_.plan.steps[static_cast<std::size_t>(job.step)].move).level1;
    const std::int64_t d = task_.plan.dim(), padded = kernels::padded_particles(task_.plan.particles);
    const std::int64_t count = job.count * task_.plan.particles;
    kernels::ChainRowsJob<Real> rows{.rotation = rotation_.data(),
                                     .dim = d,
                                     .chains = job.count,
                                     .particles = task_.plan.particles,
                                     .states = job.states + job.step % 2 * d * padded,
                                     .stride = padded,
                                     .of_a_chain = 2 * d * padded,
                                     .rows = rows_.data(),
                                     .to_rows = true};
    gpu_.launch(rows);
    if (NetworkOnGpu* const network = networks_->find(0, /*is_product=*/false); network != nullptr) {
      const kernels::NetworkRows x{.f32 = nullptr, .f64 = rows_.data()};
      network->evaluate(level, x, {}, x, count);
    } else {
      denoise_on_host(level, count);
    }
    rows.states = denoised_.data();
    rows.of_a_chain = d * padded;
    rows.to_rows = false;
    gpu_.launch(rows);
  }
  void denoise_on_host(Level level, std::int64_t count) {
    Eigen::MatrixXd columns(count, task_.plan.dim());
    gpu_.download(columns.data(), rows_.data(), static_cast<std::size_t>(columns.size()) * sizeof(double));
    columns = evaluate_rows(*task_.plan.denoiser, Points(columns), level);
    gpu_.upload(rows_.data(), columns.data(), static_cast<std::size_t>(columns.size()) * sizeof(double));
  }
  void wait() const {
    ChainState state;
    gpu_.download(&state, chains_.data(), sizeof(state));
  }

  const SmcTask& task_;
  Gpu& gpu_;
  const particle::SmcTables<Real>& tables_;
  Tables<Real> moved_;
  Law<Real> law_;
  std::vector<Law<Real>> start_law_;  // at most one
  Buffer<particle::SmcStepTable<Real>> steps_;
  Buffer<particle::StageTable<Real>> potentials_;  // of a map, (steps + 1) or none
  Buffer<int> weightings_;
  Buffer<int> slots_;         // (steps + 1)
  Buffer<double> rotation_;   // V of the plan, if states are rotated
  std::vector<int> decides_;  // host copy of weightings_
  int num_weightings_ = 0;

  std::optional<Networks> networks_;  // of a custom denoiser
  Buffer<Real> denoised_, potentials_of_map_;
  Buffer<double> rows_;
  Buffer<Real> states_, tiles_;
  Buffer<double> log_weights_;
  Buffer<std::uint64_t> sums_, rests_;
  Buffer<std::uint32_t> ancestors_;
  Buffer<ChainPart> parts_;
  Buffer<ChainState> chains_;
};

template <class Real>
std::int64_t at_once(const Gpu& gpu, const std::string& name, const SmcPlan& plan, const Options& options) {
  const ChainMemory<Real> memory(plan, gpu.limits(), ChainExtras(options));
  const std::size_t memory_limit = options.memory_limit;
  const std::size_t least = memory.least();
  const std::size_t free = bytes_for(gpu, 0);
  require(memory_limit == 0 || memory_limit >= least, name, ": memory_limit is ", memory_limit,
          " bytes, one chain of ", plan.particles, " particles needs ", least);
  if (free < least)
    throw out_of_memory(name, least, concat(" for one chain of ", plan.particles, " particles"), free);
  const std::int64_t fit = memory.fit(bytes_for(gpu, memory_limit)).chains;
  // A task is also the unit of progress reports, and a stop request waits for its end.
  const auto enough = static_cast<std::int64_t>(std::min(operations_per_task / operations(plan), 1e12));
  const Limits limits = gpu.limits();
  const std::int64_t fills_the_gpu = std::max<std::int64_t>(
      4 * limits.blocks * std::min<std::int64_t>(limits.shared_chain, plan.particles) / plan.particles, 1);
  return std::clamp(enough, std::min(fills_the_gpu, fit), fit);
}

}  // namespace

ChainFailure run_chains(Gpu& gpu, const SmcTask& task) {
  return task.precision == Precision::f32 ? ChainsRun<float>(task, gpu)() : ChainsRun<double>(task, gpu)();
}

std::int64_t chains_at_once(const Gpu& gpu, const std::string& name, const SmcPlan& plan,
                            const Options& options) {
  return options.precision == Precision::f32 ? at_once<float>(gpu, name, plan, options)
                                             : at_once<double>(gpu, name, plan, options);
}

}  // namespace gmdiff::cuda
