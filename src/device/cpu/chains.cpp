#include "device/cpu/chains.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "device/cpu/chain.hpp"
#include "device/user_denoiser.hpp"
#include "device/work.hpp"
#include "lowering/smc_table_builder.hpp"

namespace gmdiff::cpu {
namespace {

// the interval of progress reports, and the longest wait of a stop request
constexpr double operations_per_batch = 2e9;
// rows of a call of a custom denoiser at most, unless one chain has more
constexpr std::int64_t rows_per_call = 1 << 14;

/// Chains that go from step to step together, because a custom denoiser gets the particles of all of them.
template <class Real>
class DenoisedChains {
 public:
  DenoisedChains(const SmcTask& task, const particle::SmcTables<Real>& tables, const Unit<Real>& unit,
                 ThreadPool& pool)
      : task_(task), pool_(pool), failures_(static_cast<std::size_t>(task.count)) {
    ThreadPool* const of_a_chain = are_shared() ? &pool : nullptr;
    chains_.reserve(failures_.size());
    for (std::int64_t c = 0; c < task.count; ++c)
      chains_.push_back(std::make_unique<Chain<Real>>(task, tables, unit, of_a_chain));
  }

  /// @returns the first chain that failed
  ChainFailure operator()() {
    const std::vector<SmcStep>& steps = task_.plan.steps;
    for_each([](Chain<Real>& chain, std::int64_t c) {
      chain.begin(c);
      return ChainFailure{};
    });
    for (std::size_t s = 0; s < steps.size() && !task_.stop.stop_requested(); ++s) {
      denoise(std::get<AffineStep>(steps[s].move).level1);
      for_each([&](Chain<Real>& chain, std::int64_t c) {
        chain.take_denoised(rows_, c * task_.plan.particles);
        return chain.advance(static_cast<int>(s));
      });
    }
    if (!task_.stop.stop_requested())
      for_each([](Chain<Real>& chain, std::int64_t /*c*/) { return chain.end(); });
    ChainFailure first;
    for (const ChainFailure& failure : failures_) first.add(failure);
    return first;
  }

 private:
  /// Whether the threads share the particles of a chain, not the chains.
  bool are_shared() const { return task_.count < pool_.threads(); }

  /// Calls body(chain, c) for the chains that have not failed.
  template <class Body>
  void for_each(Body body) {
    const auto call = [&](std::int64_t c) {
      const FloatingPointEnvironment environment;  // which the denoiser's function must not see
      const auto place = static_cast<std::size_t>(c);
      if (!failures_[place].found()) failures_[place] = body(*chains_[place], c);
    };
    if (!are_shared()) return pool_.run(task_.count, [&](int /*thread*/, std::int64_t c) { call(c); });
    for (std::int64_t c = 0; c < task_.count; ++c) call(c);
  }

  /// rows <- D at the states of all chains
  void denoise(Level level) {
    rows_.resize(task_.count * task_.plan.particles, task_.plan.dim());
    for (std::int64_t c = 0; c < task_.count; ++c)
      chains_[static_cast<std::size_t>(c)]->write_states(rows_, c * task_.plan.particles);
    denoise_rotated(*task_.plan.denoiser, task_.plan.V, level, rows_);
  }

  const SmcTask& task_;
  ThreadPool& pool_;
  std::vector<std::unique_ptr<Chain<Real>>> chains_;
  std::vector<ChainFailure> failures_;
  Points rows_;
};

}  // namespace

template <class Real>
ChainFailure run_chains(const SmcTask& task, const Unit<Real>& unit, ThreadPool& pool) {
  const particle::SmcTables<Real>& tables =
      *std::get<std::shared_ptr<const particle::SmcTables<Real>>>(task.tables);
  ChainFailure first;
  if (task.plan.denoiser) {
    first = DenoisedChains<Real>(task, tables, unit, pool)();
  } else if (task.count < pool.threads()) {
    const FloatingPointEnvironment environment;  // for the computations between the pieces of a chain
    Chain<Real> chain(task, tables, unit, &pool);
    for (std::int64_t c = 0; c < task.count && !first.found() && !task.stop.stop_requested(); ++c)
      first.add(chain.run(c));
  } else {
    std::vector<std::unique_ptr<Chain<Real>>> chains(static_cast<std::size_t>(pool.threads()));
    std::mutex mutex;
    const auto run_chain = [&](int thread, std::int64_t c) {
      std::unique_ptr<Chain<Real>>& chain = chains[static_cast<std::size_t>(thread)];
      if (chain == nullptr) chain = std::make_unique<Chain<Real>>(task, tables, unit, nullptr);
      const ChainFailure failure = chain->run(c);
      if (!failure.found()) return;
      const std::lock_guard lock(mutex);
      first.add(failure);
    };
    pool.run(task.count, run_chain, task.stop);
  }
  const double left_out = tables.log_constant();
  for (std::int64_t c = 0; c < task.count; ++c) task.log_evidence[c] += left_out;
  return first;
}

template <class Real>
std::int64_t chains_at_once(const SmcPlan& plan, const Unit<Real>& unit, int threads,
                            std::size_t memory_limit) {
  const std::size_t fixed = particle::SmcTables<Real>::bytes(plan);
  const std::size_t chain = Chain<Real>::bytes(plan, unit);
  require(memory_limit == 0 || memory_limit >= fixed + chain, "cpu: memory_limit is ", memory_limit,
          " bytes, one chain of ", plan.particles, " particles needs ", fixed + chain);
  if (memory_limit == 0) require_memory(fixed + chain, "one chain of ", plan.particles, " particles");
  if (plan.denoiser) {
    std::int64_t chains = std::max<std::int64_t>(rows_per_call / plan.particles, 1);
    const auto fits = [&](std::int64_t count) {
      const std::uint64_t bytes =
          saturating_sum(fixed, saturating_product(chain, static_cast<std::uint64_t>(count)));
      return memory_limit == 0 ? fits_memory(bytes) : bytes <= memory_limit;
    };
    while (chains > 1 && !fits(chains)) chains /= 2;
    return chains;
  }
  // One chain per thread is active; if memory has no room for that, one chain is shared by all threads.
  const std::uint64_t wanted =
      saturating_sum(fixed, saturating_product(chain, static_cast<std::uint64_t>(threads)));
  if (memory_limit == 0 ? !fits_memory(wanted) : wanted > memory_limit) return 1;
  return static_cast<std::int64_t>(
      std::max(operations_per_batch / operations(plan), static_cast<double>(threads)));
}

template ChainFailure run_chains<float>(const SmcTask&, const Unit<float>&, ThreadPool&);
template ChainFailure run_chains<double>(const SmcTask&, const Unit<double>&, ThreadPool&);
template std::int64_t chains_at_once<float>(const SmcPlan&, const Unit<float>&, int, std::size_t);
template std::int64_t chains_at_once<double>(const SmcPlan&, const Unit<double>&, int, std::size_t);

}  // namespace gmdiff::cpu
