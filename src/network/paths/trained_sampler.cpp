#include <gmdiff/network/trained_sampler.hpp>

#include <cmath>
#include <mutex>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "network/paths/check_sampler.hpp"
#include "network/paths/path_streams.hpp"
#include "network/paths/refinement.hpp"

namespace gmdiff {

/// Runs paths in the precision of the training.
class TrainedSampler::Runner {
 public:
  Runner(const SamplerTraining& training, const Target& target, int threads)
      : settings(training.settings), target(target), pool(threads == 0 ? usable_processors() : threads) {}
  virtual ~Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Paths first ... first + count - 1. With `ends` they start there, x_N; otherwise x_N is written to `x`.
  virtual Eigen::VectorXd run(std::int64_t first, Eigen::Index count, std::uint64_t seed, const Points* ends,
                              Points* x) const = 0;

  SamplerSettings settings;
  Target target;
  mutable ThreadPool pool;
};

namespace {

using namespace network;

template <class Real>
class RunnerOf final : public TrainedSampler::Runner {
 public:
  RunnerOf(const SamplerTraining& training, const Target& of, int threads)
      : Runner(training, of, threads), sweep_(settings, target, pool, active_components(training)) {
    sweep_.assign(training.parameters, training.networks);
  }

  Eigen::VectorXd run(std::int64_t first, Eigen::Index count, std::uint64_t seed, const Points* ends,
                      Points* x) const override {
    // Blocks begin at multiples of their size, so a path has the same lane in every range.
    const Eigen::Index skipped = first % block_paths;
    const auto base = static_cast<std::uint64_t>(first - skipped);
    const PathStreams streams{seed, 0};
    PathBatch<Real> batch{.paths = skipped + count, .fill = {}};
    if (ends == nullptr) {
      batch.fill = [=](Eigen::Index begin, Eigen::Index /*paths*/, PathBlock<Real>& block) {
        streams.fill_forward(base + static_cast<std::uint64_t>(begin), block);
      };
      batch.take = [=, this](Eigen::Index begin, Eigen::Index paths, PathBlock<Real>& block) {
        copy_states(begin - skipped, paths, block,
                    [&](Eigen::Index row, Eigen::Index j, double& number) { (*x)(row, j) = number; });
      };
    } else {
      batch.origin = PathOrigin::backward;
      batch.fill = [=, this](Eigen::Index begin, Eigen::Index paths, PathBlock<Real>& block) {
        streams.fill_backward(base + static_cast<std::uint64_t>(begin), block);
        std::fill_n(block.state(settings.steps), ends->cols() * block_paths, 0.0);
        copy_states(begin - skipped, paths, block,
                    [&](Eigen::Index row, Eigen::Index j, double& number) { number = (*ends)(row, j); });
      };
    }
    // One run at a time: the blocks of the threads are workspace.
    const std::scoped_lock turn(mutex_);
    return sweep_.log_weights(batch).tail(count);
  }

 private:
  /// Calls copy(row, j, coordinate j of x_N) for the paths of a block; rows below 0 are not asked for.
  template <class Copy>
  void copy_states(Eigen::Index first_row, Eigen::Index paths, PathBlock<Real>& block, Copy copy) const {
    double* end = block.state(settings.steps);
    for (Eigen::Index p = first_row < 0 ? -first_row : 0; p < paths; ++p) {
      for (Eigen::Index j = 0; j < target.dim(); ++j) copy(first_row + p, j, end[j * block_paths + p]);
    }
  }

  mutable PathSweep<Real> sweep_;
  mutable std::mutex mutex_;
};

std::shared_ptr<const TrainedSampler::Runner> make_runner(const SamplerTraining& training,
                                                          const Target& target, int threads) {
  const FloatingPointEnvironment environment;
  check_sampler(training, target);
  require(threads >= 0 && threads <= 1024, "trained sampler: threads must be in 0 ... 1024, got ", threads);
  require_memory(
      sampler_bytes(training.settings, training.dim, threads == 0 ? usable_processors() : threads, 0),
      "a trained sampler of ", training.settings.steps, " steps");
  switch (training.settings.precision) {
    case Precision::f32:
      return std::make_shared<RunnerOf<float>>(training, target, threads);
    case Precision::f64:
      return std::make_shared<RunnerOf<double>>(training, target, threads);
  }
  fail("trained sampler: unknown precision");
}

void check_range(std::int64_t count, std::int64_t first) {
  require(count >= 1 && first >= 0, "trained sampler: paths ", first, " to ", first, " + ", count,
          " are no range of paths");
}

void check_finite(const Eigen::VectorXd& log_w, std::int64_t first) {
  for (Eigen::Index i = 0; i < log_w.size(); ++i) {
    if (std::isfinite(log_w(i)) || log_w(i) < 0.0) continue;
    throw NonFiniteError(concat("trained sampler: log w of path ", first + i, " is ", log_w(i)));
  }
}

}  // namespace

TrainedSampler::TrainedSampler(const SamplerTraining& training, const Target& target, int threads)
    : runner_(make_runner(training, target, threads)) {}

Eigen::Index TrainedSampler::dim() const { return runner_->target.dim(); }

WeightedDraws TrainedSampler::draws(std::int64_t count, std::uint64_t seed, std::int64_t first) const {
  const FloatingPointEnvironment environment;
  check_range(count, first);
  require_memory(saturating_product(static_cast<std::uint64_t>(count),
                                    static_cast<std::uint64_t>(dim() + 2) * sizeof(double)),
                 count, " paths");
  WeightedDraws of{.x = Points(count, dim()), .log_weights = {}};
  of.log_weights = runner_->run(first, count, seed, nullptr, &of.x);
  check_finite(of.log_weights, first);
  return of;
}

Eigen::VectorXd TrainedSampler::backward_log_weights(const Points& x, std::uint64_t seed,
                                                     std::int64_t first) const {
  const FloatingPointEnvironment environment;
  check_range(x.rows(), first);
  require(x.cols() == dim(), "trained sampler: x must have ", dim(), " columns, got ", x.cols());
  Eigen::VectorXd log_w = runner_->run(first, x.rows(), seed, &x, nullptr);
  check_finite(log_w, first);
  return log_w;
}

}  // namespace gmdiff
