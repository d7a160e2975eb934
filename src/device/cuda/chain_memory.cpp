#include "device/cuda/chain_memory.hpp"

#include <algorithm>
#include <span>

#include "base/check.hpp"
#include "device/cuda/networks.hpp"
#include "lowering/smc_table_builder.hpp"
#include "plan/program.hpp"

namespace gmdiff::cuda {

namespace {

using kernels::ChainPart;
using kernels::ChainsJob;
using kernels::ChainState;
using kernels::Limits;
using kernels::Scheme;

Scheme scheme_of(Resampling resampling) {
  switch (resampling) {
    case Resampling::systematic:
      return Scheme::systematic;
    case Resampling::stratified:
      return Scheme::stratified;
    case Resampling::multinomial:
      return Scheme::multinomial;
    case Resampling::residual:
      return Scheme::residual;
  }
  fail("SmcPlan: unknown resampling scheme");
}

bool has_transition(const SmcPlan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [](const SmcStep& step) {
    return std::holds_alternative<MixtureTransition>(step.move);
  });
}

}  // namespace

template <class Real>
ChainsJob<Real> shape_of(const SmcPlan& plan) {
  ChainsJob<Real> job{};
  job.tables.law.family = particle::wide_family_of(plan.mixture);
  job.tables.law.dim = plan.dim();
  job.tables.law.num_components = plan.mixture.num_components();
  job.tables.particles = plan.particles;
  job.scheme = scheme_of(plan.resampling);
  job.has_transition = has_transition(plan);
  job.has_denoiser = plan.denoiser.has_value();
  job.has_map = plan.map.has_value();
  if (plan.map) {
    job.map.observation.rows = plan.map->rows.observation.y().size();
    job.map.work_vectors = num_work_vectors(plan.map->rows.tape(), static_cast<int>(plan.dim()));
  }
  return job;
}

template <class Real>
ChainMemory<Real>::ChainMemory(const SmcPlan& plan, const Limits& limits, const ChainExtras& extras)
    : limits_(limits) {
  const ChainsJob<Real> job = shape_of<Real>(plan);
  const auto d = static_cast<std::size_t>(plan.dim());
  const auto N = static_cast<std::size_t>(plan.particles);
  fixed_ = particle::SmcTables<Real>::bytes(plan) + (2 * plan.steps.size() + 1) * sizeof(int) +
           static_cast<std::size_t>(limits.blocks) * sizeof(ChainPart);
  const std::size_t tile = static_cast<std::size_t>(kernels::tile_room(job).rows()) * 32 * sizeof(Real);
  tile_ = tile <= limits.shared_bytes ? 0 : tile;
  under_way_ = kernels::chain_state_bytes<Real>(plan.particles, plan.dim()) +
               kernels::chain_weight_bytes(plan.particles, job.scheme) + tile_;
  result_ = sizeof(ChainState) + sizeof(ChainPart) + d * sizeof(Real);
  if (plan.output == SmcOutput::particles) result_ += N * (extras.kept * d * sizeof(Real) + sizeof(double));
  if (extras.keeps_out) result_ += sizeof(std::uint64_t);
  if (extras.start) result_ += N * d * sizeof(double);
  if (plan.map)
    under_way_ += 2 * static_cast<std::size_t>(kernels::padded_particles(plan.particles)) * sizeof(Real);
  if (plan.denoiser) {
    // its values, and the rows of its arguments
    under_way_ += kernels::chain_state_bytes<Real>(plan.particles, plan.dim()) / 2 + N * d * sizeof(double);
    fixed_ += network_bytes(std::span(&*plan.denoiser, 1), limits);
    is_denoised_ = true;
  }
  if (extras.start || extras.keeps_out || plan.denoiser) fixed_ += d * d * sizeof(double);
  if (extras.weights)
    result_ += plan.weightings().size() * (sizeof(double) + 1 + N * (sizeof(double) + sizeof(std::uint32_t)));
}

template <class Real>
typename ChainMemory<Real>::Fit ChainMemory<Real>::fit(std::size_t bytes) const {
  const auto blocks = static_cast<std::size_t>(limits_.blocks);
  std::size_t left = std::max(bytes, least()) - fixed_;
  const std::size_t under_way = std::clamp<std::size_t>(left / 2 / under_way_, 1, blocks);
  left -= under_way * under_way_;
  Limits limits = limits_;
  if (tile_ > 0) {
    const std::size_t more = std::min(blocks - under_way, (left - std::min(left, result_)) / 2 / tile_);
    left -= more * tile_;
    limits.blocks = static_cast<std::int64_t>(under_way + more);
  }
  const std::size_t chains = std::max<std::size_t>(left / result_, 1);
  return {.chains = static_cast<std::int64_t>(is_denoised_ ? std::min(chains, under_way) : chains),
          .under_way = static_cast<std::int64_t>(under_way),
          .limits = limits};
}

std::size_t bytes_for(const Gpu& gpu, std::size_t memory_limit) {
  // the rest is left for allocations of others in the meantime
  const std::size_t free = gpu.free_memory() / 10 * 9;
  return memory_limit == 0 ? free : std::min(free, memory_limit);
}

template ChainsJob<float> shape_of<float>(const SmcPlan&);
template ChainsJob<double> shape_of<double>(const SmcPlan&);
template class ChainMemory<float>;
template class ChainMemory<double>;

}  // namespace gmdiff::cuda
