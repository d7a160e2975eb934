#include "device/several.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "base/thread_pool.hpp"
#include "device/moments.hpp"

namespace gmdiff {

namespace {

/// `pointer` advanced by `numbers` elements; null stays null.
template <class T>
T* advanced(T* pointer, std::int64_t numbers) {
  return pointer == nullptr ? nullptr : pointer + numbers;
}

/// The part of a task for particles [first, first + count).
Task part_of(const Task& task, std::int64_t first, std::int64_t count) {
  const std::int64_t d = task.problem.dim();
  Task part = task;
  part.first += first;
  part.count = count;
  part.start = advanced(task.start, first * d);
  part.start_velocities = advanced(task.start_velocities, first * d);
  part.velocities = advanced(task.velocities, first * d);
  std::visit([&](auto*& out) { out += first * std::ssize(task.kept) * d; }, part.out);
  part.acceptance = advanced(task.acceptance, first);
  part.non_finite = advanced(task.non_finite, first);
  part.steps = advanced(task.steps, first);
  part.moments = advanced(task.moments, first * num_moments(task.plan));
  return part;
}

PointTask part_of(const PointTask& task, std::int64_t first, std::int64_t count) {
  const std::int64_t d = task.problem.dim();
  PointTask part = task;
  part.points = advanced(task.points, first * d);
  part.count = count;
  part.log_density = advanced(task.log_density, first);
  part.log_responsibilities = advanced(task.log_responsibilities, first * task.problem.num_components());
  part.score = advanced(task.score, first * d);
  part.denoiser = advanced(task.denoiser, first * d);
  return part;
}

/// The part of a task for chains [first, first + count).
SmcTask part_of(const SmcTask& task, std::int64_t first, std::int64_t count) {
  const std::int64_t N = task.plan.particles;
  const std::int64_t rows = task.plan.output == SmcOutput::draw ? 1 : std::ssize(task.kept) * N;
  const std::int64_t W = std::ssize(task.plan.weightings());
  SmcTask part = task;
  part.first += first;
  part.count = count;
  part.start = advanced(task.start, first * N * task.plan.dim());
  std::visit([&](auto*& out) { out += first * rows * task.plan.dim(); }, part.out);
  part.log_evidence += first;
  part.smallest_ess += first;
  part.smallest_ess_step += first;
  part.log_weights = advanced(task.log_weights, first * N);
  part.ess = advanced(task.ess, first * W);
  part.resampled = advanced(task.resampled, first * W);
  part.weight_history = advanced(task.weight_history, first * W * N);
  part.ancestors = advanced(task.ancestors, first * W * N);
  return part;
}

class Several final : public Executor {
 public:
  Several(std::vector<std::unique_ptr<Executor>> executors, std::string name)
      : executors_(std::move(executors)),
        name_(std::move(name)),
        threads_(static_cast<int>(executors_.size())) {}

  std::string name() const override { return name_; }

  /// All shares are equal, so the executor with the smallest number decides.
  std::int64_t batch_size(const Plan& plan, Precision precision, std::size_t num_kept,
                          std::size_t memory_limit) const override {
    std::int64_t least = std::numeric_limits<std::int64_t>::max() / std::ssize(executors_);
    for (const auto& executor : executors_)
      least = std::min(least, executor->batch_size(plan, precision, num_kept, memory_limit));
    return least * std::ssize(executors_);
  }

  std::unique_ptr<DeviceMemory> keep(std::size_t /*bytes*/) const override {
    fail(name_, ": keep_on_device expects one GPU; the result of several is in host memory");
  }

  NonFinite run(const Task& task) const override {
    std::vector<NonFinite> found(executors_.size());
    share(task, [&](const Task& part, std::size_t i) {
      found[i] = executors_[i]->run(part);
      const std::int64_t before = part.first - task.first;
      if (found[i].bad_start) found[i].bad_start->chain += before;
      if (found[i].endless_search) *found[i].endless_search += before;
    });
    NonFinite sum;
    for (const NonFinite& of_one : found) {
      sum.add(of_one);
      if (!sum.bad_start) sum.bad_start = of_one.bad_start;
      if (!sum.endless_search) sum.endless_search = of_one.endless_search;
    }
    return sum;
  }

  /// Tables are built on the host and are the same for all GPUs.
  particle::AnySmcTables lower(const SmcPlan& plan, Precision precision) const override {
    return executors_.front()->lower(plan, precision);
  }

  std::int64_t chains_at_once(const SmcPlan& plan, const Options& options) const override {
    std::int64_t least = std::numeric_limits<std::int64_t>::max() / std::ssize(executors_);
    for (const auto& executor : executors_) least = std::min(least, executor->chains_at_once(plan, options));
    return least * std::ssize(executors_);
  }

  ChainFailure run(const SmcTask& task) const override {
    std::vector<ChainFailure> found(executors_.size());
    share(task, [&](const SmcTask& part, std::size_t i) {
      found[i] = executors_[i]->run(part);
      if (found[i].found()) found[i].chain += part.first - task.first;
    });
    ChainFailure first;
    for (const ChainFailure& of_one : found) first.add(of_one);
    return first;
  }

  /// The sums of the first executor: distances are not distributed.
  std::unique_ptr<DistanceSums> sums() const override { return executors_.front()->sums(); }

  void rest() const noexcept override {
    for (const auto& executor : executors_) executor->rest();
  }

  void evaluate(const PointTask& task) const override {
    share(task, [&](const PointTask& part, std::size_t i) { executors_[i]->evaluate(part); });
  }

 private:
  /// Calls work(part, i) for every executor i that has a part.
  template <class AnyTask, class Work>
  void share(const AnyTask& task, Work work) const {
    const std::int64_t n = std::ssize(executors_);
    const std::int64_t most = (task.count + n - 1) / n;
    const auto piece = [&](int /*thread*/, std::int64_t i) {
      const std::int64_t first = i * most;
      work(part_of(task, first, std::min(most, task.count - first)), static_cast<std::size_t>(i));
    };
    threads_.run((task.count + most - 1) / most, piece, task.stop);
  }

  std::vector<std::unique_ptr<Executor>> executors_;
  std::string name_;
  mutable ThreadPool threads_;
};

}  // namespace

std::unique_ptr<Executor> make_executor_of_several(std::vector<std::unique_ptr<Executor>> executors,
                                                   std::string name) {
  return std::make_unique<Several>(std::move(executors), std::move(name));
}

}  // namespace gmdiff
