#include "device/cuda/path_batch.hpp"

#include <algorithm>

namespace gmdiff::cuda {
namespace {

using kernels::Index;

std::size_t size(std::int64_t number) { return static_cast<std::size_t>(number); }

/// Doubles of all arrays but the records; int32 counts as double.
std::size_t doubles_of(const BatchSizes& of) {
  const std::int64_t points = of.count * of.dim, blocks = kernels::blocks_of_sums(of.count);
  const std::int64_t history = (4 * of.steps + 1) * points, scores = of.needs_target_score ? of.steps + 1 : 1;
  const std::int64_t mixture = of.has_mixture ? (2 * of.dim + 1) * of.components : 0;
  const std::int64_t beta = of.has_beta ? of.steps + 1 : 0;
  return size(history + (scores + 7) * points + (mixture + beta + 4) * of.count +
              blocks * (mixture + beta + of.steps * of.dim));
}
template <class Real>
std::size_t sums_of_networks(const BatchSizes& of) {
  const Index outputs = of.scale_rows == 0 ? 0 : of.outputs;
  return size(of.networks * kernels::blocks_of_sums(of.count) *
              (of.states + (of.steps + 1) * (of.width + outputs))) *
         sizeof(Real);
}
template <class Real>
std::size_t bytes_of_slot(const BatchSizes& of) {
  return size(of.networks * of.count) *
         (size(of.record_rows) * sizeof(Real) + size(of.scale_rows) * sizeof(double));
}

}  // namespace

template <class Real>
void PathBatchMemory<Real>::allocate(Gpu& gpu, const std::string& name, const BatchSizes& sizes) {
  if (sizes == sizes_) return;
  *this = {};
  const std::size_t fixed =
      doubles_of(sizes) * sizeof(double) + sums_of_networks<Real>(sizes) + sizes.room_bytes;
  const std::size_t slot = bytes_of_slot<Real>(sizes), free = gpu.free_memory() / 10 * 9;
  if (fixed + slot > free)
    throw out_of_memory(name, fixed + slot, concat(" for the gradient of ", sizes.count, " paths"), free);
  const std::size_t most = slot == 0 ? size(sizes.steps + 1) : (free - fixed) / slot;
  slots_ = static_cast<Index>(std::min(most, size(sizes.steps + 1)));
  sizes_ = sizes;
  const auto make = [&gpu](auto& buffer, std::int64_t numbers) {
    if (numbers > 0) buffer = std::remove_cvref_t<decltype(buffer)>(gpu, size(numbers));
  };
  const std::int64_t points = sizes.count * sizes.dim, blocks = kernels::blocks_of_sums(sizes.count);
  make(x_history, (sizes.steps + 1) * points);
  for (Buffer<double>* buffer : {&F_history, &G_history, &q_history}) make(*buffer, sizes.steps * points);
  make(scores, sizes.needs_target_score ? (sizes.steps + 1) * points : points);
  for (Buffer<double>* buffer : {&x, &F, &q, &lambda, &cotangents, &product, &start_noise})
    make(*buffer, points);
  for (Buffer<double>* buffer : {&log_p0, &log_ratio, &factor}) make(*buffer, sizes.count);
  make(component, sizes.count);
  const std::int64_t mixture = sizes.has_mixture ? (2 * sizes.dim + 1) * sizes.components : 0;
  make(mixture_rows, mixture * sizes.count);
  make(mixture_sums, mixture * blocks);
  make(eta_sums, sizes.steps * sizes.dim * blocks);
  const std::int64_t beta = sizes.has_beta ? sizes.steps + 1 : 0;
  make(beta_rows, beta * sizes.count);
  make(beta_sums, beta * blocks);
  make(room, static_cast<std::int64_t>(sizes.room_bytes));
  allocate_networks(gpu);
}

template <class Real>
void PathBatchMemory<Real>::allocate_networks(Gpu& gpu) {
  const std::int64_t blocks = kernels::blocks_of_sums(sizes_.count), states = sizes_.steps + 1;
  networks.reserve(size(sizes_.networks));
  for (Index number = 0; number < sizes_.networks; ++number) {
    NetworkBatch<Real>& of = networks.emplace_back();
    of.states = Buffer<Real>(gpu, size(blocks * sizes_.states));
    of.table = Buffer<Real>(gpu, size(blocks * states * sizes_.width));
    of.record = Buffer<Real>(gpu, size(slots_ * sizes_.record_rows * sizes_.count));
    if (sizes_.scale_rows == 0) continue;
    of.scale = Buffer<Real>(gpu, size(blocks * states * sizes_.outputs));
    of.scale_terms = Buffer<double>(gpu, size(slots_ * sizes_.scale_rows * sizes_.count));
  }
}

template class PathBatchMemory<float>;
template class PathBatchMemory<double>;

}  // namespace gmdiff::cuda
