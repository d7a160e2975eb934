#include <gmdiff/network/trained_sampler.hpp>

#include <cmath>
#include <mutex>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "device/path_weights.hpp"
#include "network/paths/check_sampler.hpp"
#include "network/paths/path_streams.hpp"
#include "network/paths/path_tables.hpp"
#include "network/paths/refinement.hpp"
#include "plan/hash.hpp"

namespace gmdiff {

namespace {

using namespace network;

/// Paths of a training, from the start law and back from draws.
class PathJob : public PathRunner {
 public:
  /// log w of backward paths from the rows of x.
  virtual Eigen::VectorXd run_back(std::int64_t first, std::uint64_t seed, const Points& x) = 0;
};

/// Computes in the precision of the training.
template <class Real>
class PathJobOf final : public PathJob {
 public:
  /// @param training and target must outlive the object.
  PathJobOf(const SamplerTraining& training, const Target& target, ThreadPool& pool)
      : dim_(target.dim()),
        steps_(training.settings.steps),
        sweep_(training.settings, target, pool, active_components(training)) {
    sweep_.assign(training.parameters, training.networks);
  }

  void run(std::int64_t first, std::int64_t count, std::uint64_t seed, const std::vector<int>& kept,
           double* x, double* log_weights) override {
    const Range range(first);
    PathBatch<Real> batch{.paths = range.skipped + count, .fill = {}};
    batch.fill = [streams = PathStreams{seed, 0}, range](Eigen::Index begin, Eigen::Index /*paths*/,
                                                         PathBlock<Real>& block) {
      streams.fill_forward(range.base + static_cast<std::uint64_t>(begin), block);
    };
    batch.take = [this, range, &kept, x](Eigen::Index begin, Eigen::Index paths, PathBlock<Real>& block) {
      const auto slots = std::ssize(kept);
      for (std::int64_t slot = 0; slot < slots; ++slot) {
        copy_states(begin - range.skipped, paths, block.state(kept[static_cast<std::size_t>(slot)]),
                    [&](Eigen::Index row, Eigen::Index j, double& number) {
                      x[(row * slots + slot) * dim_ + j] = number;
                    });
      }
    };
    const Eigen::VectorXd log_w = sweep_.log_weights(batch).tail(count);
    check_log_weights(log_w.data(), first, count);
    std::copy_n(log_w.data(), count, log_weights);
  }

  Eigen::VectorXd run_back(std::int64_t first, std::uint64_t seed, const Points& x) override {
    const Range range(first);
    PathBatch<Real> batch{.paths = range.skipped + x.rows(), .origin = PathOrigin::backward, .fill = {}};
    batch.fill = [this, streams = PathStreams{seed, 0}, range, &x](Eigen::Index begin, Eigen::Index paths,
                                                                   PathBlock<Real>& block) {
      streams.fill_backward(range.base + static_cast<std::uint64_t>(begin), block);
      double* end = block.state(steps_);
      std::fill_n(end, dim_ * block_paths, 0.0);
      copy_states(begin - range.skipped, paths, end,
                  [&](Eigen::Index row, Eigen::Index j, double& number) { number = x(row, j); });
    };
    Eigen::VectorXd log_w = sweep_.log_weights(batch).tail(x.rows());
    check_log_weights(log_w.data(), first, log_w.size());
    return log_w;
  }

 private:
  /// Blocks begin at multiples of their size, so a path has the same lane in every range.
  struct Range {
    explicit Range(std::int64_t first)
        : skipped(first % block_paths), base(static_cast<std::uint64_t>(first - skipped)) {}
    Eigen::Index skipped;
    std::uint64_t base;
  };

  /// Calls copy(row, j, coordinate j of its state) for the paths of a block; rows below 0 are not asked for.
  template <class Copy>
  void copy_states(Eigen::Index first_row, Eigen::Index paths, double* state, Copy copy) const {
    for (Eigen::Index p = first_row < 0 ? -first_row : 0; p < paths; ++p) {
      for (Eigen::Index j = 0; j < dim_; ++j) copy(first_row + p, j, state[j * block_paths + p]);
    }
  }

  Eigen::Index dim_, steps_;
  PathSweep<Real> sweep_;
};

void add_settings(Hash& hash, const SamplerSettings& settings) {
  hash.add_size(settings.method);
  hash.add_size(settings.prior);
  hash.add_size(settings.components);
  hash.add_size(settings.steps);
  hash.add_size(settings.schedule);
  hash.add_size(settings.drift);
  hash.add_size(settings.hidden);
  hash.add_size(settings.layers);
  hash.add_size(settings.langevin);
  hash.add_size(settings.loss);
  hash.add_size(settings.learn_weights);
  hash.add_size(settings.precision);
}

/// What paths depend on besides the seed.
std::uint64_t path_hash(const SamplerTraining& training, const Target& target) {
  Hash hash;
  add_settings(hash, training.settings);
  hash.add_size(training.active);
  hash.add(training.parameters);
  hash.add(training.networks);
  add_with_prior(hash, target);
  return hash.value();
}

}  // namespace

/// The training and its target, with threads of its own for the members of `TrainedSampler`.
class TrainedSampler::Paths final : public PathSource {
 public:
  Paths(const SamplerTraining& training, const Target& target, int threads)
      : training_(training),
        target_(target),
        hash_(path_hash(training, target)),
        pool_(threads == 0 ? usable_processors() : threads) {}

  Eigen::Index dim() const override { return target_.dim(); }
  int steps() const override { return training_.settings.steps; }
  std::vector<double> times() const override {
    std::vector<double> times;
    times.reserve(static_cast<std::size_t>(steps()) + 1);
    for (int n = 0; n <= steps(); ++n)
      times.push_back(static_cast<double>(steps() - n) / static_cast<double>(steps()));
    return times;
  }
  double evaluations() const override {
    const bool at_every_state = path_terms(training_.settings).target_score || training_.settings.langevin;
    return at_every_state ? steps() + 1.0 : 1.0;
  }
  std::uint64_t hash() const override { return hash_; }

  std::unique_ptr<PathRunner> on(ThreadPool& pool) const override { return job_on(pool); }
  PathTables tables() const override { return path_tables(training_, target_, pool_); }
  Points starts(std::int64_t first, std::int64_t count, std::uint64_t seed) const override {
    return path_starts(training_, first, count, seed);
  }

  /// Calls body with paths on the threads of this object, one call at a time.
  template <class Body>
  void use(Body body) const {
    const std::scoped_lock turn(mutex_);
    if (own_ == nullptr) own_ = job_on(pool_);
    body(*own_);
  }

 private:
  std::unique_ptr<PathJob> job_on(ThreadPool& pool) const {
    const FloatingPointEnvironment environment;
    require_memory(sampler_bytes(training_.settings, training_.dim, pool.threads(), 0),
                   "a trained sampler of ", training_.settings.steps, " steps");
    switch (training_.settings.precision) {
      case Precision::f32:
        return std::make_unique<PathJobOf<float>>(training_, target_, pool);
      case Precision::f64:
        return std::make_unique<PathJobOf<double>>(training_, target_, pool);
    }
    fail("trained sampler: unknown precision");
  }

  SamplerTraining training_;
  Target target_;
  std::uint64_t hash_;
  mutable ThreadPool pool_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<PathJob> own_;
};

namespace {

std::shared_ptr<const TrainedSampler::Paths> make_paths(const SamplerTraining& training, const Target& target,
                                                        int threads) {
  const FloatingPointEnvironment environment;
  check_sampler(training, target);
  require(threads >= 0 && threads <= 1024, "trained sampler: threads must be in 0 ... 1024, got ", threads);
  require_memory(
      sampler_bytes(training.settings, training.dim, threads == 0 ? usable_processors() : threads, 0),
      "a trained sampler of ", training.settings.steps, " steps");
  return std::make_shared<TrainedSampler::Paths>(training, target, threads);
}

void check_paths(std::int64_t count, std::int64_t first) {
  require(count >= 1 && first >= 0, "trained sampler: paths ", first, " to ", first, " + ", count,
          " are no range of paths");
}

}  // namespace

TrainedSampler::TrainedSampler(const SamplerTraining& training, const Target& target, int threads)
    : paths_(make_paths(training, target, threads)) {}

Eigen::Index TrainedSampler::dim() const { return paths_->dim(); }

WeightedDraws TrainedSampler::draws(std::int64_t count, std::uint64_t seed, std::int64_t first) const {
  const FloatingPointEnvironment environment;
  check_paths(count, first);
  require_memory(saturating_product(static_cast<std::uint64_t>(count),
                                    static_cast<std::uint64_t>(dim() + 2) * sizeof(double)),
                 count, " paths");
  WeightedDraws of{.x = Points(count, dim()), .log_weights = Eigen::VectorXd(count)};
  paths_->use([&](PathJob& job) {
    job.run(first, count, seed, {paths_->steps()}, of.x.data(), of.log_weights.data());
  });
  return of;
}

Eigen::VectorXd TrainedSampler::backward_log_weights(const Points& x, std::uint64_t seed,
                                                     std::int64_t first) const {
  const FloatingPointEnvironment environment;
  check_paths(x.rows(), first);
  require(x.cols() == dim(), "trained sampler: x must have ", dim(), " columns, got ", x.cols());
  Eigen::VectorXd log_w;
  paths_->use([&](PathJob& job) { log_w = job.run_back(first, seed, x); });
  return log_w;
}

PathPlan TrainedSampler::plan() const { return {.source = paths_}; }

}  // namespace gmdiff
