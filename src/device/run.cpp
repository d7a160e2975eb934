#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <gmdiff/device/samples.hpp>

#include "base/check.hpp"
#include "base/random.hpp"
#include "device/executor.hpp"
#include "device/kept_levels.hpp"
#include "device/precision_warning.hpp"
#include "device/run_checks.hpp"
#include "device/thread_session.hpp"
#include "plan/program.hpp"

// The part of a run that all devices share: checks, shapes, problems, ranges, progress, stopping, provenance.

namespace gmdiff {

namespace {

/// First level that a result may hold: a forward path begins with the state after its first step, all others
/// with the start.
int first_level(const Plan& plan) { return plan.kind == PlanKind::forward ? 1 : 0; }

int num_levels(const Plan& plan) { return static_cast<int>(plan.steps.size()) + 1 - first_level(plan); }

void check_plan(const Plan& plan) {
  require(!plan.problems.empty(), "run: the plan has no problem");
  require(plan.guidance.empty() || plan.guidance.size() == plan.problems.size(), "run: the plan has ",
          plan.problems.size(), " problems but ", plan.guidance.size(), " observations");
  require(num_levels(plan) >= 1 && plan.times.size() == static_cast<std::size_t>(num_levels(plan)),
          "run: the plan has ", plan.steps.size(), " steps but ", plan.times.size(), " times");
}

void check_start(const Plan& plan, const Options& options) {
  if (!options.start) return;
  require(plan.kind != PlanKind::draw, "run: a draw takes no start states");
  const auto count = static_cast<std::uint64_t>(options.count);
  check_states(*options.start, saturating_product(plan.problems.size(), count), plan.dim());
}

/// Checks plan and options before any device is used.
void check(const Plan& plan, const Options& options, std::uint32_t replicate) {
  require(replicate < (1U << 24), "run: replicate must be less than 2^24, got ", replicate);
  check_plan(plan);
  check_range(options, "particles");
  check_start(plan, options);
  check_streams(plan.steps.size() * static_cast<std::size_t>(most_directions(plan)), plan.dim(),
                options.precision);
}

/// Levels of the result: the last one, or `history` levels including both ends, spaced as evenly in steps as
/// integers allow. The result of a forward plan without `history` is the whole path.
std::vector<int> kept_levels(const Plan& plan, int history) {
  const int levels = num_levels(plan);
  if (history == 0 && plan.kind != PlanKind::forward) return {first_level(plan) + levels - 1};
  return evenly_spaced_levels(first_level(plan), levels, history == 0 ? levels : history);
}

/// A run in progress.
class Run {
 public:
  Run(const Plan& plan, const Options& options, std::uint32_t replicate, const Executor& executor,
      Extent extent = Extent::fastest);
  Samples operator()();
  /// Writes the values to `out`, as many as the result has, instead of keeping them.
  void write_to(double* out);

 private:
  void run_problems();
  void run_problem(std::size_t problem);
  void run_block(std::size_t problem, std::int64_t first, std::int64_t count);
  void throw_if_non_finite() const;
  [[noreturn]] void interrupt();
  std::variant<float*, double*> place();
  std::shared_ptr<const SampleValues> take_values();
  Samples finish(std::vector<std::int64_t> leading_shape);

  const Plan& plan_;
  const Options& options_;
  std::uint32_t replicate_;
  InUse executor_;
  Extent extent_;
  std::vector<int> kept_;
  std::int64_t total_ = 0;  // particles of all problems
  std::int64_t done_ = 0;
  std::int64_t block_ = 0;
  std::int64_t values_per_particle_ = 0;
  std::unique_ptr<DeviceMemory> memory_;  // memory of a result kept on the device
  Samples::Buffer values_;                // values of any other result
  double* given_ = nullptr;               // destination of `write_to`, or null
  NonFinite non_finite_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

Run::Run(const Plan& plan, const Options& options, std::uint32_t replicate, const Executor& executor,
         Extent extent)
    : plan_(plan), options_(options), replicate_(replicate), executor_(executor), extent_(extent) {
  kept_ = kept_levels(plan, options.history);
  const std::uint64_t particles =
      saturating_product(plan.problems.size(), static_cast<std::uint64_t>(options.count));
  const std::uint64_t values_per_particle = kept_.size() * static_cast<std::uint64_t>(plan.dim());
  total_ = static_cast<std::int64_t>(particles);
  values_per_particle_ = static_cast<std::int64_t>(values_per_particle);

  // A result that stays on the device is allocated first; the batches then fit into the remaining memory.
  if (options.keep_on_device)
    memory_ = executor_->keep(result_bytes(particles, values_per_particle, options.precision));
  block_ = executor_->block_size(plan, options.precision, kept_.size(), options.memory_limit);
}

Samples Run::operator()() {
  if (memory_ == nullptr) {
    values_ = allocate(static_cast<std::uint64_t>(total_), static_cast<std::uint64_t>(values_per_particle_),
                       options_.precision, "particles");
  }
  run_problems();
  const auto problems = static_cast<std::int64_t>(plan_.problems.size());
  return finish(problems == 1 ? std::vector{options_.count} : std::vector{problems, options_.count});
}

void Run::write_to(double* out) {
  given_ = out;
  run_problems();
}

void Run::run_problems() {
  for (std::size_t problem = 0; problem < plan_.problems.size(); ++problem) run_problem(problem);
  throw_if_non_finite();
}

void Run::run_problem(std::size_t problem) {
  for (std::int64_t first = 0; first < options_.count;) {
    if (options_.stop.stop_requested()) interrupt();
    // Within a batch all particles have the same upper half of the index.
    constexpr std::int64_t half = std::int64_t{1} << 32;
    const std::int64_t to_next_half = half - (options_.first + first) % half;
    const std::int64_t count = std::min({block_, options_.count - first, to_next_half});
    run_block(problem, first, count);
    first += count;
  }
}

/// Particles [first, first + count) of the range of one problem.
void Run::run_block(std::size_t problem, std::int64_t first, std::int64_t count) {
  const NonFinite non_finite =
      executor_->run({.plan = plan_,
                      .problem = plan_.problems[problem],
                      .guidance = plan_.guidance.empty() ? nullptr : &plan_.guidance[problem],
                      .seed = problem_seed(options_.seed, problem),
                      .precision = options_.precision,
                      .math = options_.math,
                      .replicate = replicate_,
                      .first = options_.first + first,
                      .count = count,
                      .start = options_.start ? options_.start->row(done_).data() : nullptr,
                      .kept = kept_,
                      .out = place(),
                      .keeps_out = memory_ != nullptr,
                      .memory_limit = options_.memory_limit,
                      .stop = options_.stop,
                      .extent = extent_});
  if (options_.stop.stop_requested()) interrupt();
  non_finite_.add(non_finite);
  done_ += count;
  if (options_.progress) options_.progress({.done = done_, .total = total_});
}

/// The destination of the next values.
std::variant<float*, double*> Run::place() {
  const std::int64_t begin = done_ * values_per_particle_;
  if (given_ != nullptr) return given_ + begin;
  if (memory_ == nullptr)
    return std::visit([&](auto& values) { return std::variant<float*, double*>(values.data() + begin); },
                      values_);
  if (options_.precision == Precision::f32) return static_cast<float*>(memory_->data()) + begin;
  return static_cast<double*>(memory_->data()) + begin;
}

/// The values of all finished particles.
std::shared_ptr<const SampleValues> Run::take_values() {
  const auto size = static_cast<std::size_t>(done_ * values_per_particle_);
  if (memory_ != nullptr) return std::make_shared<SampleValues>(std::move(memory_), options_.precision, size);
  std::visit([&](auto& values) { values.resize(size); }, values_);
  return std::make_shared<SampleValues>(std::move(values_));
}

void Run::throw_if_non_finite() const {
  if (non_finite_.particles == 0) return;
  const std::string where = non_finite_.first_step < 0 ? "at the start"
                                                       : concat("after step ", non_finite_.first_step + 1,
                                                                " of ", plan_.steps.size());
  throw NonFiniteError(concat("run: ", non_finite_.particles, " of ", done_,
                              " particles are not finite, first ", where,
                              options_.precision == Precision::f32 ? " (in float32)" : ""));
}

/// Throws `Interrupted` with the finished samples: the first particles or, for several problems, the first
/// whole problems.
void Run::interrupt() {
  throw_if_non_finite();
  const std::int64_t total = total_;
  std::vector<std::int64_t> shape = {done_};
  if (plan_.problems.size() > 1) {
    shape = {done_ / options_.count, options_.count};
    done_ = shape[0] * shape[1];
  }
  const std::string message = concat("run: stopped after ", done_, " of ", total, " particles");
  throw Interrupted(message, finish(std::move(shape)));
}

Samples Run::finish(std::vector<std::int64_t> shape) {
  const int first = first_level(plan_);
  std::vector<double> times;
  if (kept_.size() > 1 || plan_.kind == PlanKind::forward) {
    for (const int level : kept_) times.push_back(plan_.times[static_cast<std::size_t>(level - first)]);
    shape.push_back(static_cast<std::int64_t>(kept_.size()));
  }
  shape.push_back(plan_.dim());

  Provenance provenance;
  provenance.seed = options_.seed;
  for (std::size_t p = 0; p < plan_.problems.size(); ++p)
    provenance.problem_seeds.push_back(problem_seed(options_.seed, p));
  provenance.first = options_.first;
  provenance.plan_hash = plan_.hash();
  provenance.math = options_.math;
  provenance.device = executor_->name();
  provenance.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  provenance.particle_steps = static_cast<double>(done_) * static_cast<double>(plan_.steps.size());
  provenance.warnings = plan_.warnings;
  if (const auto warning = precision_warning(plan_, options_.precision))
    provenance.warnings.push_back(*warning);
  provenance.notes = plan_.notes;
  return {take_values(), std::move(shape), std::move(times), std::move(provenance)};
}

}  // namespace

Samples run(const Plan& plan, const Options& options, std::uint32_t replicate, const Executor& executor,
            Extent extent) {
  check(plan, options, replicate);
  return Run(plan, options, replicate, executor, extent)();
}

void draw_points(const Plan& plan, std::uint64_t seed, std::uint32_t replicate, const Executor& executor,
                 Points& points) {
  const Options options{.count = points.rows(), .seed = seed, .precision = Precision::f64};
  check(plan, options, replicate);
  Run(plan, options, replicate, executor).write_to(points.data());
}

Samples run(const Plan& plan, const Options& options, std::uint32_t replicate) {
  check(plan, options, replicate);
  return Run(plan, options, replicate, thread_session(options.device)->executor())();
}

}  // namespace gmdiff
