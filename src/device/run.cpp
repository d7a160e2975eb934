#include <algorithm>
#include <cmath>
#include <utility>

#include <gmdiff/device/samples.hpp>

#include "base/check.hpp"
#include "device/executor.hpp"
#include "device/host_draws.hpp"
#include "device/kept_levels.hpp"
#include "device/moments.hpp"
#include "device/precision_warning.hpp"
#include "device/run_checks.hpp"
#include "device/run_frame.hpp"
#include "device/thread_session.hpp"
#include "plan/dual_averaging.hpp"
#include "plan/program.hpp"

// Runs of particles without weights: the part that all devices share.

namespace gmdiff {

namespace {

/// Largest number of first states that the host draws at once.
constexpr std::int64_t most_host_draws = 1 << 16;

/// First level that a result may hold: a forward path begins with the state after its first step, all others
/// with the start.
int first_level(const Plan& plan) { return plan.kind == PlanKind::forward ? 1 : 0; }

int num_levels(const Plan& plan) { return static_cast<int>(plan.num_steps()) + 1 - first_level(plan); }

void check_plan(const Plan& plan) {
  require(!plan.problems.empty(), "run: the plan has no problem");
  require(plan.guidance.empty() || plan.guidance.size() == plan.problems.size(), "run: the plan has ",
          plan.problems.size(), " problems but ", plan.guidance.size(), " observations");
  require(num_levels(plan) >= 1 && plan.times.size() == static_cast<std::size_t>(num_levels(plan)),
          "run: the plan has ", plan.num_steps(), " steps but ", plan.times.size(), " times");
}

void check_start(const Plan& plan, const Options& options) {
  require(plan.first_step == 0 || options.start, "run: first_step = ", plan.first_step,
          " continues chains, and their last states are not given (Options::start)");
  if (!options.start) return;
  require(plan.kind != PlanKind::draw, "run: a draw takes no start states");
  const auto count = static_cast<std::uint64_t>(options.count);
  check_states(*options.start, saturating_product(plan.problems.size(), count), plan.dim());
}

/// Kinetic chains are determined by states and velocities together.
void check_velocities(const Plan& plan, const Options& options) {
  if (!velocity_vector(plan)) return check_no_velocities(options);
  require(plan.first_step == 0 || options.start_velocities, "run: first_step = ", plan.first_step,
          " continues kinetic chains, and their last velocities are not given (Options::start_velocities)");
  if (!options.start_velocities) return;
  require(plan.first_step > 0,
          "run: start_velocities continue chains, and first_step is 0, the first step of new ones");
  const auto count = static_cast<std::uint64_t>(options.count);
  check_states(*options.start_velocities, saturating_product(plan.problems.size(), count), plan.dim(),
               "start_velocities");
}

/// Checks plan and options before any device is used.
void check(const Plan& plan, const Options& options, std::uint32_t replicate) {
  require(replicate < (1U << 24), "run: replicate must be less than 2^24, got ", replicate);
  check_plan(plan);
  check_range(options, "particles");
  check_start(plan, options);
  check_velocities(plan, options);
  const int draws = std::max(most_directions(plan), most_draws(plan));
  const std::size_t steps = plan.first_step + static_cast<std::size_t>(plan.num_steps());
  check_streams(steps * static_cast<std::size_t>(draws), plan.dim(), options.precision);
}

/// Levels of the result: the last one, or `history` levels including both ends, spaced as evenly in steps as
/// integers allow. The result of a forward plan without `history` is the whole path.
std::vector<int> kept_levels(const Plan& plan, int history) {
  const int levels = num_levels(plan);
  if (history == 0 && !plan.kept.empty()) return plan.kept;
  if (history == 0 && plan.kind != PlanKind::forward) return {first_level(plan) + levels - 1};
  return evenly_spaced_levels(first_level(plan), levels, history == 0 ? levels : history);
}

/// A run in progress.
class Run {
 public:
  Run(const Plan& plan, const Options& options, std::uint32_t replicate, const Executor& executor,
      Extent extent = Extent::fastest)
      : plan_(plan),
        replicate_(replicate),
        extent_(extent),
        kept_(kept_levels(plan, options.history)),
        frame_(plan.problems.size(), options, executor, "particles") {}

  Samples operator()() {
    allocate();
    run_problems();
    return finish();
  }

  /// Writes the values to `out`, as many as the result has, instead of keeping them.
  void write_to(double* out) {
    frame_.write_to(out, values_per_particle());
    run_problems();
  }

 private:
  void allocate();
  void run_problems();
  void run_batch(const RunFrame::Batch& batch);
  const double* start_of(const RunFrame::Batch& batch);
  const char* hint() const;
  void throw_if_non_finite() const;
  void throw_if_stopped();
  Samples finish();

  const Options& options() const { return frame_.options(); }
  bool host_draws() const { return plan_.target && plan_.start.law == Start::exact && !options().start; }
  std::int64_t values_per_particle() const { return std::ssize(kept_) * plan_.dim(); }
  double* place(std::vector<double>& values, std::int64_t each = 1) const {
    return values.empty() ? nullptr : values.data() + frame_.done() * each;
  }
  std::optional<Acceptance> acceptance() const;
  std::optional<ChainMoments> moments() const;
  std::optional<Points> velocities() const;
  /// Velocities with which the chains of the next batch go on, or null.
  const double* start_velocities() const {
    return options().start_velocities ? options().start_velocities->row(frame_.done()).data() : nullptr;
  }

  const Plan& plan_;
  std::uint32_t replicate_;
  Extent extent_;
  std::vector<int> kept_;
  RunFrame frame_;
  NonFinite non_finite_;
  Points draws_;  // first states of the batch, if the host draws them
  // A plan with `Accept` fills them: sums of min(1, ratio), and numbers of proposals that are not finite.
  std::vector<double> acceptance_, rejected_;
  std::vector<double> steps_;       // eps of each chain, for a plan that adapts them
  std::vector<double> moments_;     // (chains, num_moments(plan)), for a plan with `Accumulate`
  std::vector<double> velocities_;  // (chains, d), if they are asked for
};

void Run::allocate() {
  const auto chains = static_cast<std::uint64_t>(frame_.total());
  const std::uint64_t of_steps = adapts_steps(plan_) ? 1 : 0;
  const std::uint64_t of_accept = accept_stage(plan_) == nullptr ? 0 : 2;
  const auto of_moments = static_cast<std::uint64_t>(num_moments(plan_));
  const std::uint64_t of_velocity = options().velocities ? static_cast<std::uint64_t>(plan_.dim()) : 0;
  frame_.allocate(
      values_per_particle(),
      saturating_product(chains, (of_accept + of_steps + 2 * (of_moments + of_velocity)) * sizeof(double)));
  if (of_accept > 0) {
    acceptance_.resize(chains);
    rejected_.resize(chains);
  }
  steps_.resize(chains * of_steps);
  moments_.resize(chains * of_moments);
  velocities_.resize(chains * of_velocity);
}

void Run::run_problems() {
  std::int64_t most =
      frame_.executor().batch_size(plan_, options().precision, kept_.size(), options().memory_limit);
  if (host_draws()) most = std::min(most, most_host_draws);
  for (std::size_t problem = 0; problem < plan_.problems.size(); ++problem) {
    while (const auto batch = frame_.next(problem, most)) run_batch(*batch);
  }
  throw_if_non_finite();
}

/// First states of the next batch, row by row: the given ones, or exact draws of the plan's target, which the
/// host computes. Null if the device draws them.
const double* Run::start_of(const RunFrame::Batch& batch) {
  if (options().start) return options().start->row(frame_.done()).data();
  if (!host_draws()) return nullptr;
  draws_ = gmdiff::host_draws(*plan_.target, batch.count, batch.seed, options().first + batch.first,
                              replicate_, frame_.executor().threads());
  return draws_.data();
}

void Run::run_batch(const RunFrame::Batch& batch) {
  throw_if_stopped();
  const NonFinite non_finite =
      frame_.executor().run({.plan = plan_,
                             .problem = plan_.problems[batch.problem],
                             .guidance = plan_.guidance.empty() ? nullptr : &plan_.guidance[batch.problem],
                             .seed = batch.seed,
                             .precision = options().precision,
                             .math = options().math,
                             .replicate = replicate_,
                             .first = options().first + batch.first,
                             .count = batch.count,
                             .start = start_of(batch),
                             .start_velocities = start_velocities(),
                             .kept = kept_,
                             .out = frame_.place(),
                             .keeps_out = frame_.keeps_on_device(),
                             .acceptance = place(acceptance_),
                             .non_finite = place(rejected_),
                             .steps = place(steps_),
                             .moments = place(moments_, num_moments(plan_)),
                             .velocities = place(velocities_, plan_.dim()),
                             .memory_limit = options().memory_limit,
                             .stop = options().stop,
                             .extent = extent_});
  throw_if_stopped();
  if (const auto& bad = non_finite.bad_start) {
    const double l =
        std::isnan(bad->log_density) ? std::abs(bad->log_density) : bad->log_density;  // no "-nan"
    fail("run: chain ", options().first + batch.first + bad->chain,
         " starts where the log-density of the target is ", l, "; other first states are needed");
  }
  if (const auto& chain = non_finite.endless_search)
    fail(
        endless_search_text(concat("run: the acceptance of chain ", options().first + batch.first + *chain)));
  non_finite_.add(non_finite);
  frame_.finish(batch);
}

const char* Run::hint() const {
  if (evaluates_target(plan_)) return "; the step may be too large for the target";
  if (plan_.kind != PlanKind::dynamics) return "";
  if (plan_.fields.empty()) return "; the step may be too large";
  return calls_functions(plan_) ? "; the step may be too large, or a function gives no number there"
                                : "; the step may be too large, or a text is not defined there";
}

void Run::throw_if_non_finite() const {
  if (non_finite_.particles == 0) return;
  const std::string where = non_finite_.first_step < 0 ? "at the start"
                                                       : concat("after step ", non_finite_.first_step + 1,
                                                                " of ", plan_.num_steps());
  throw NonFiniteError(concat("run: ", non_finite_.particles, " of ", frame_.done(),
                              " particles are not finite, first ", where,
                              options().precision == Precision::f32 ? " (in float32)" : "", hint()));
}

/// When the run is asked to stop, throws `Interrupted` with the finished samples: the first particles or, for
/// several problems, the first whole problems.
void Run::throw_if_stopped() {
  if (!options().stop.stop_requested()) return;
  throw_if_non_finite();
  const std::string message = frame_.stop();
  throw Interrupted(message, finish());
}

Samples Run::finish() {
  const int first = first_level(plan_);
  std::vector<std::int64_t> shape = frame_.leading_shape();
  std::vector<double> times;
  const bool has_levels = options().history > 0 || !plan_.kept.empty() || plan_.kind == PlanKind::forward;
  if (has_levels) {
    for (const int level : kept_) times.push_back(plan_.times[static_cast<std::size_t>(level - first)]);
    shape.push_back(std::ssize(kept_));
  }
  shape.push_back(plan_.dim());
  const double particle_steps = static_cast<double>(frame_.done()) * static_cast<double>(plan_.num_steps());
  Provenance provenance = frame_.provenance(plan_.hash(), particle_steps);
  provenance.warnings = plan_.warnings;
  if (const auto warning = precision_warning(plan_, options().precision))
    provenance.warnings.push_back(*warning);
  provenance.notes = plan_.notes;
  return {frame_.take_values(), std::move(shape), std::move(times), std::move(provenance),
          acceptance(),         moments(),        velocities()};
}

std::optional<Points> Run::velocities() const {
  if (!options().velocities) return {};
  return Points(Eigen::Map<const Points>(velocities_.data(), frame_.done(), plan_.dim()));
}

std::optional<ChainMoments> Run::moments() const {
  const Accumulate* stage = accumulate_stage(plan_);
  if (stage == nullptr) return {};
  return chain_moments(plan_, *stage, moments_, frame_.done());
}

std::optional<Acceptance> Run::acceptance() const {
  const Accept* stage = accept_stage(plan_);
  if (stage == nullptr) return {};
  const auto steps =
      static_cast<double>(plan_.num_steps()) - static_cast<double>(stage->counted_from - plan_.first_step);
  Acceptance result;
  for (std::size_t n = 0; n < static_cast<std::size_t>(frame_.done()); ++n) {
    result.probability.push_back(acceptance_[n] / steps);
    result.non_finite.push_back(static_cast<std::int64_t>(rejected_[n]));
    if (adapts_steps(plan_))
      result.step.push_back(has_squared_steps(plan_) ? steps_[n] * steps_[n] : steps_[n]);
  }
  return result;
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
