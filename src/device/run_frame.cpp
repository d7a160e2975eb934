#include "device/run_frame.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "device/run_checks.hpp"

namespace gmdiff {

RunFrame::RunFrame(std::size_t problems, const Options& options, const Executor& executor, const char* items)
    : options_(options), executor_(executor), items_(items), problems_(problems) {
  // A number of items that overflows is refused when memory for their result is allocated.
  if (__builtin_mul_overflow(problems, options.count, &total_))
    total_ = std::numeric_limits<std::int64_t>::max();
}

void RunFrame::allocate(std::int64_t values_per_item, std::uint64_t more_bytes, const std::string& detail) {
  values_per_item_ = values_per_item;
  const auto items = static_cast<std::uint64_t>(total_);
  const auto values = static_cast<std::uint64_t>(values_per_item);
  const std::uint64_t bytes = result_bytes(items, values, options_.precision);
  std::unique_ptr<DeviceMemory> memory = options_.keep_on_device ? executor_->keep(bytes) : nullptr;
  if (more_bytes > 0) {
    require_memory(saturating_sum(memory == nullptr ? bytes : 0, more_bytes), "the results of ", total_, " ",
                   items_, detail);
  }
  values_.emplace(std::move(memory), items, values, options_.precision, items_);
}

void RunFrame::write_to(double* given, std::int64_t values_per_item) {
  values_per_item_ = values_per_item;
  given_ = given;
}

std::optional<RunFrame::Batch> RunFrame::next(std::size_t problem, std::int64_t most) const {
  const std::int64_t first = done_ - static_cast<std::int64_t>(problem) * options_.count;
  if (first == options_.count) return {};
  constexpr std::int64_t half = std::int64_t{1} << 32;
  const std::int64_t to_next_half = half - (options_.first + first) % half;
  return Batch{.problem = problem,
               .seed = problem_seed(options_.seed, problem),
               .first = first,
               .count = std::min({most, options_.count - first, to_next_half})};
}

void RunFrame::finish(const Batch& batch) {
  done_ += batch.count;
  if (options_.progress) options_.progress({.done = done_, .total = total_});
}

std::variant<float*, double*> RunFrame::place() {
  const std::int64_t begin = done_ * values_per_item_;
  if (given_ != nullptr) return given_ + begin;
  return values_->from(begin);
}

std::string RunFrame::stop() {
  if (problems_ > 1) done_ -= done_ % options_.count;
  return concat("run: stopped after ", done_, " of ", total_, " ", items_);
}

std::vector<std::int64_t> RunFrame::leading_shape() const {
  if (problems_ == 1) return {done_};
  return {done_ / options_.count, options_.count};
}

std::shared_ptr<const SampleValues> RunFrame::take_values() {
  return values_->take(static_cast<std::size_t>(done_ * values_per_item_));
}

Provenance RunFrame::provenance(std::uint64_t plan_hash, double particle_steps) const {
  Provenance provenance;
  provenance.seed = options_.seed;
  for (std::size_t p = 0; p < problems_; ++p)
    provenance.problem_seeds.push_back(problem_seed(options_.seed, p));
  provenance.first = options_.first;
  provenance.plan_hash = plan_hash;
  provenance.math = options_.math;
  provenance.device = executor_->name();
  provenance.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  provenance.particle_steps = particle_steps;
  return provenance;
}

}  // namespace gmdiff
