#include "device/reference/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "device/cpu/host_sums.hpp"
#include "device/moments.hpp"
#include "device/reference/chain.hpp"
#include "device/reference/program.hpp"
#include "device/reference/steps.hpp"
#include "plan/program.hpp"

namespace gmdiff::reference {

namespace {

/// Largest value of the result's scalar type: a state beyond it counts as not finite.
double largest(Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(std::numeric_limits<float>::max())
                                     : std::numeric_limits<double>::max();
}

/// The particles of one task. They go through the plan step by step together, so that the tables of a level
/// are computed once per step.
class Batch {
 public:
  explicit Batch(const Task& task);
  NonFinite run();

 private:
  StreamKey key(std::int64_t n, Purpose purpose, std::uint32_t replicate = 0) const;
  void start();
  void start_particle(std::int64_t n);
  void advance(std::uint64_t number, const Step& step);
  void advance(std::uint64_t step, AffineUpdate update);
  void advance(std::uint64_t step, TransitionUpdate update);
  void advance(std::uint64_t step, const Program& program);
  void give_acceptance() const;
  void give_moments() const;
  void take_velocities();
  void give_velocities();
  StageNoise stage_noise();
  const double* normals(NormalStream& stream, std::uint64_t draw, std::vector<double>& z) const;
  void check(std::int64_t n, int step);
  void keep(int level);

  std::span<double> state(std::int64_t n) { return {x_.row(n).data(), static_cast<std::size_t>(x_.cols())}; }
  bool lost(std::int64_t n) const { return std::isnan(x_(n, 0)); }

  const Task& task_;
  Model model_;
  Points x_, previous_denoiser_;                        // (count, d)
  std::vector<NormalStream> step_noise_, churn_noise_;  // (count)
  std::optional<ProgramSteps> program_;                 // for a plan with programs
  std::uint64_t step_ = 0;                              // step of the program
  std::vector<double> z_, churn_z_;                     // (d)
  NonFinite non_finite_;
};

Batch::Batch(const Task& task)
    : task_(task),
      model_(task.problem),
      x_(task.count, model_.dim()),
      previous_denoiser_(Points::Zero(task.count, model_.dim())),
      z_(static_cast<std::size_t>(model_.dim())),
      churn_z_(z_.size()) {
  const Purpose noise = has_forward_noise(task.plan) ? Purpose::forward_noise : Purpose::step_noise;
  for (std::int64_t n = 0; n < task.count; ++n) {
    step_noise_.emplace_back(key(n, noise), task.precision);
    churn_noise_.emplace_back(key(n, Purpose::churn_noise), task.precision);
  }
  if (has_programs(task.plan)) program_.emplace(task.plan, model_, task.guidance, x_, stage_noise());
}

StreamKey Batch::key(std::int64_t n, Purpose purpose, std::uint32_t replicate) const {
  return {.seed = task_.seed,
          .index = static_cast<std::uint64_t>(task_.first + n),
          .purpose = purpose,
          .replicate = replicate};
}

NonFinite Batch::run() {
  start();
  if (program_) program_->advance(task_.plan.prologue, 0);
  take_velocities();
  if (evaluates_target(task_.plan)) {
    non_finite_.bad_start = find_bad_start(task_.count, [this](std::int64_t n) {
      return program_->chains()[static_cast<std::size_t>(n)].log_density;
    });
    if (non_finite_.bad_start) return non_finite_;
  }
  if (adapts_steps(task_.plan)) {
    for (int trial = 0; trial < task_.plan.search.repeats; ++trial) program_->advance(task_.plan.search, 0);
    non_finite_.endless_search = find_endless_search(task_.count, [this](std::int64_t n) {
      return program_->chains()[static_cast<std::size_t>(n)].has_crossed;
    });
    if (non_finite_.endless_search) return non_finite_;
  }
  keep(0);
  std::uint64_t number = 0;
  for (const Step& step : task_.plan.steps) {
    for (int i = 0; i < repeats(step) && !task_.stop.stop_requested(); ++i) {
      advance(number++, step);
      keep(static_cast<int>(number));
    }
  }
  if (program_) {
    give_acceptance();
    give_moments();
    give_velocities();
  }
  return non_finite_;
}

void Batch::advance(std::uint64_t number, const Step& step) {
  if (program_) {
    advance(number, program(step, reads_previous_denoiser(task_.plan)));
  } else if (const auto* affine = std::get_if<AffineStep>(&step)) {
    advance(number, AffineUpdate(*affine, model_));
  } else {
    advance(number, TransitionUpdate(std::get<MixtureTransition>(step), model_));
  }
}

void Batch::give_acceptance() const {
  if (task_.acceptance == nullptr) return;
  std::int64_t n = 0;
  for (const ChainState& chain : program_->chains()) {
    task_.acceptance[n] = chain.acceptance;
    if (task_.steps != nullptr) task_.steps[n] = chain.step;
    task_.non_finite[n++] = chain.non_finite;
  }
}

void Batch::give_moments() const {
  if (task_.moments == nullptr) return;
  const particle::MomentPlaces places = moment_places(task_.plan, *accumulate_stage(task_.plan));
  double* to = task_.moments;
  for (const StateMoments& moments : program_->moments()) {
    for (Eigen::Index i = 0; i < places.dim; ++i) {
      to[places.mean(i)] = moments.mean(i);
      for (Eigen::Index j = places.has_covariance ? 0 : i; j <= i; ++j)
        to[places.product(i, j)] = moments.products(i, j);
      for (Eigen::Index q = 0; q < particle::MomentPlaces::batches; ++q)
        to[places.batch(q, i)] = moments.batch_sums(q, i);
    }
    to += places.size();
  }
}

/// Replaces the velocities that the prologue has drawn.
void Batch::take_velocities() {
  if (task_.start_velocities == nullptr) return;
  program_->vector(*velocity_vector(task_.plan)) =
      Eigen::Map<const Points>(task_.start_velocities, task_.count, model_.dim());
}

void Batch::give_velocities() {
  if (task_.velocities == nullptr) return;
  Eigen::Map<Points>(task_.velocities, task_.count, model_.dim()) =
      program_->vector(*velocity_vector(task_.plan));
}

void Batch::start() {
  for (std::int64_t n = 0; n < task_.count; ++n) {
    if (task_.start != nullptr) {
      std::copy_n(task_.start + n * model_.dim(), model_.dim(), state(n).begin());
    } else {
      start_particle(n);
    }
    check(n, -1);
  }
}

/// The start of the plan: uses the streams of a sampler, or those of a draw if the first state is a draw.
void Batch::start_particle(std::int64_t n) {
  const bool sampler = has_sampler_start(task_.plan);
  const std::uint32_t replicate = sampler ? 0 : task_.replicate;
  NormalStream noise(key(n, sampler ? Purpose::start_noise : Purpose::draw_noise, replicate),
                     task_.precision);
  const double* z = normals(noise, 0, z_);

  const StartTable& law = task_.plan.start;
  if (law.law == Start::gaussian) {
    gaussian_draw(model_, law, z, state(n).data());
  } else {
    const Purpose choice = sampler ? Purpose::start_component : Purpose::draw_component;
    const Eigen::Index k = choose_component(task_.problem, uniform_u64(key(n, choice, replicate), 0));
    component_draw(model_, law.level, k, z, state(n).data());
  }
}

void Batch::advance(std::uint64_t step, AffineUpdate update) {
  for (std::int64_t n = 0; n < task_.count && !task_.stop.stop_requested(); ++n) {
    if (lost(n)) continue;
    const double* churn_z = update.reads_churn_noise()
                                ? normals(churn_noise_[static_cast<std::size_t>(n)], step, churn_z_)
                                : nullptr;
    const double* z =
        update.reads_noise() ? normals(step_noise_[static_cast<std::size_t>(n)], step, z_) : nullptr;
    update.apply({state(n).data(), previous_denoiser_.row(n).data()}, churn_z, z);
    check(n, static_cast<int>(step));
  }
}

void Batch::advance(std::uint64_t step, TransitionUpdate update) {
  for (std::int64_t n = 0; n < task_.count && !task_.stop.stop_requested(); ++n) {
    if (lost(n)) continue;
    const double u =
        categorical_uniform(uniform_u64(key(n, Purpose::transition_component), step), task_.precision);
    const double* z = normals(step_noise_[static_cast<std::size_t>(n)], step, z_);
    update.apply({state(n).data(), previous_denoiser_.row(n).data()}, u, z);
    check(n, static_cast<int>(step));
  }
}

void Batch::advance(std::uint64_t step, const Program& program) {
  step_ = task_.plan.first_step + step;
  std::vector<bool> was_lost;
  for (std::int64_t n = 0; n < task_.count; ++n) was_lost.push_back(lost(n));
  program_->advance(program, step_);
  for (std::int64_t n = 0; n < task_.count; ++n) {
    if (!was_lost[static_cast<std::size_t>(n)]) check(n, static_cast<int>(step));
  }
}

StageNoise Batch::stage_noise() {
  return {.normals =
              [this](std::int64_t n, const Combine& stage) {
                const auto i = static_cast<std::size_t>(n);
                const std::uint64_t draw =
                    step_ * static_cast<std::uint64_t>(stage.draws) + static_cast<std::uint64_t>(stage.draw);
                switch (stage.stream) {
                  case NoiseStream::step:
                    return normals(step_noise_[i], draw, z_);
                  case NoiseStream::churn:
                    return normals(churn_noise_[i], draw, z_);
                  case NoiseStream::search: {
                    NormalStream search(key(n, Purpose::step_noise, search_replicate), task_.precision);
                    return normals(search, 0, z_);
                  }
                  case NoiseStream::velocity:
                    break;
                }
                NormalStream velocity(key(n, Purpose::velocity), task_.precision);
                return normals(velocity, draw, z_);
              },
          .choice =
              [this](std::int64_t n) {
                const std::uint64_t U = uniform_u64(key(n, Purpose::transition_component), step_);
                return categorical_uniform(U, task_.precision);
              },
          .direction =
              [this, Q = static_cast<std::uint64_t>(most_directions(task_.plan))](std::int64_t n, int q) {
                NormalStream stream(key(n, Purpose::guidance_direction), task_.precision);
                return normals(stream, step_ * Q + static_cast<std::uint64_t>(q), z_);
              },
          .log_uniform =
              [this](std::int64_t n) {
                const std::uint64_t U = uniform_u64(key(n, Purpose::accept), step_);
                return std::log(open_uniform(U));
              },
          .trajectory = [this](std::int64_t n) { return uniform_u64(key(n, Purpose::trajectory), step_); }};
}

/// Coordinate j of a step's draw is normal number draw d + j of the stream.
const double* Batch::normals(NormalStream& stream, std::uint64_t draw, std::vector<double>& z) const {
  for (std::size_t j = 0; j < z.size(); ++j) z[j] = stream(draw * z.size() + j);
  return z.data();
}

/// Counts a particle that left the range of the result's type, and marks it with NaN, so that it takes no
/// further steps.
void Batch::check(std::int64_t n, int step) {
  const double limit = largest(task_.precision);
  const auto x = state(n);
  if (std::all_of(x.begin(), x.end(), [limit](double value) { return std::abs(value) <= limit; })) return;
  if (non_finite_.particles == 0 || step < non_finite_.first_step) non_finite_.first_step = step;
  ++non_finite_.particles;
  std::fill(x.begin(), x.end(), std::numeric_limits<double>::quiet_NaN());
}

/// Writes the states of a level if it is kept.
void Batch::keep(int level) {
  const auto place = std::lower_bound(task_.kept.begin(), task_.kept.end(), level);
  if (place == task_.kept.end() || *place != level) return;
  const auto slots = static_cast<std::int64_t>(task_.kept.size());
  const std::int64_t slot = place - task_.kept.begin();
  std::visit(
      [&]<class Scalar>(Scalar* out) {
        for (std::int64_t n = 0; n < task_.count; ++n) {
          Scalar* row = out + (n * slots + slot) * model_.dim();
          for (const double value : state(n)) *row++ = static_cast<Scalar>(value);
        }
      },
      task_.out);
}

class ReferenceExecutor final : public Executor {
 public:
  std::string name() const override { return "reference"; }
  std::int64_t batch_size(const Plan& plan, Precision precision, std::size_t num_kept,
                          std::size_t memory_limit) const override;
  NonFinite run(const Task& task) const override { return Batch(task).run(); }
  std::int64_t chains_at_once(const SmcPlan& plan, const Options& /*options*/) const override {
    require_memory(chain_bytes(plan), "one chain of ", plan.particles, " particles");
    return 1;
  }
  ChainFailure run(const SmcTask& task) const override {
    ChainFailure first;
    for (std::int64_t c = 0; c < task.count && !first.found() && !task.stop.stop_requested(); ++c)
      first.add(run_chain(task, c));
    return first;
  }
  std::unique_ptr<DistanceSums> sums() const override {
    return make_host_sums(std::make_shared<ThreadPool>(usable_processors()));
  }
  void evaluate(const PointTask& task) const override;
};

void ReferenceExecutor::evaluate(const PointTask& task) const {
  const Model model(task.problem);
  const bool density =
      task.log_density != nullptr || task.log_responsibilities != nullptr || task.score != nullptr;
  DiffusedMixture at_level(model, task.level, density);
  std::vector<double> log_r(static_cast<std::size_t>(model.num_components()));
  for (std::int64_t n = 0; n < task.count && !task.stop.stop_requested(); ++n) {
    const double* x = task.points + n * model.dim();
    if (task.log_density != nullptr || task.log_responsibilities != nullptr) {
      const double log_density = at_level.log_responsibilities(x, log_r.data());
      if (task.log_density != nullptr) task.log_density[n] = log_density;
      if (task.log_responsibilities != nullptr)
        std::copy(log_r.begin(), log_r.end(), task.log_responsibilities + n * std::ssize(log_r));
    }
    if (task.score != nullptr) at_level.score(x, task.score + n * model.dim());
    if (task.denoiser != nullptr) at_level.denoiser(x, task.denoiser + n * model.dim());
  }
}

std::int64_t ReferenceExecutor::batch_size(const Plan& plan, Precision /*precision*/,
                                           std::size_t /*num_kept*/, std::size_t memory_limit) const {
  constexpr std::int64_t preferred = 1024;
  if (memory_limit == 0) return preferred;
  const MixtureTable& table = plan.problems.front();
  const auto dim = static_cast<std::size_t>(table.dim());
  const auto components = static_cast<std::size_t>(table.num_components());
  // Tables of a batch: the rebuilt Sigma and the factors of two levels (dense), or two rows per component and
  // level (spherical, diag).
  const std::size_t matrices = table.structure == CovarianceType::tied ? 1 : components;
  const std::size_t tables =
      sizeof(double) * (table.bases.empty() ? 4 * components * dim : 3 * matrices * dim * dim);
  // A particle has x, the previous denoiser and two noise streams.
  const std::size_t particle = 2 * sizeof(double) * dim + 2 * sizeof(NormalStream) +
                               sizeof(double) * static_cast<std::size_t>(num_moments(plan));
  require(memory_limit >= tables + particle, "reference: memory_limit is ", memory_limit,
          " bytes, one particle needs ", tables + particle);
  return static_cast<std::int64_t>(std::min<std::size_t>((memory_limit - tables) / particle, preferred));
}

}  // namespace

std::unique_ptr<Executor> make_executor() { return std::make_unique<ReferenceExecutor>(); }

}  // namespace gmdiff::reference
