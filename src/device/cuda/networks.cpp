#include "device/cuda/networks.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace gmdiff::cuda {
namespace {

using kernels::NetworkJob;
using kernels::NetworkRows;

template <class Real>
class NetworkOf final : public NetworkOnGpu {
 public:
  NetworkOf(const DenoiserNetwork& network, const NetworkWeights<Real>& weights, Gpu& gpu)
      : network_(network),
        gpu_(gpu),
        numbers_(gpu, weights.numbers.size()),
        mean_(gpu, static_cast<std::size_t>(network.mean().size())),
        time_(gpu, static_cast<std::size_t>(weights.table.width)),
        table_(weights.table) {
    numbers_.upload(weights.numbers.data());
    mean_.upload(network.mean().data());
    table_.numbers = numbers_.data();
  }

  void evaluate(Level level, const NetworkRows& x, const NetworkRows& v, const NetworkRows& to,
                std::int64_t count) override {
    const NetworkLevel of = network_.at(level);
    std::vector<Real> time(of.time.size());
    std::transform(of.time.begin(), of.time.end(), time.begin(),
                   [](double value) { return static_cast<Real>(value); });
    time_.upload(time.data());
    NetworkJob<Real> job{.network = table_,
                         .factors = of.factors,
                         .mean = mean_.data(),
                         .time = time_.data(),
                         .x = x,
                         .v = v,
                         .to = to,
                         .count = count,
                         .room = nullptr,
                         .geometry = {}};
    job.geometry = kernels::geometry(job, gpu_.limits());
    if (job.geometry.room_bytes > room_.size() * sizeof(Real))
      room_ = Buffer<Real>(gpu_, job.geometry.room_bytes / sizeof(Real));
    job.room = room_.data();
    gpu_.launch(job);
  }

 private:
  const DenoiserNetwork& network_;
  Gpu& gpu_;
  Buffer<Real> numbers_;
  Buffer<double> mean_;
  Buffer<Real> time_, room_;
  particle::NetworkTable<Real> table_;
};

std::unique_ptr<NetworkOnGpu> upload(const DenoiserNetwork& network, Gpu& gpu) {
  return std::visit(
      [&]<class Real>(const NetworkWeights<Real>& weights) -> std::unique_ptr<NetworkOnGpu> {
        return std::make_unique<NetworkOf<Real>>(network, weights, gpu);
      },
      network.weights());
}

template <class Real>
std::size_t bytes_of(const NetworkWeights<Real>& weights, const kernels::Limits& limits) {
  double v = 0.0;  // J^T v needs the largest tiles
  NetworkJob<Real> job{};
  job.network = weights.table;
  job.v.f64 = &v;
  job.count = std::numeric_limits<std::int64_t>::max() / 2;
  return (weights.numbers.size() + static_cast<std::size_t>(weights.table.width)) * sizeof(Real) +
         static_cast<std::size_t>(weights.table.dim) * sizeof(double) + geometry(job, limits).room_bytes;
}

}  // namespace

NetworkOnGpu* Networks::find(int function, bool is_product) {
  const Denoiser& denoiser = denoisers_[static_cast<std::size_t>(function)];
  const DenoiserNetwork* network = is_product ? network_of_product(denoiser) : network_of(denoiser);
  if (network == nullptr) return nullptr;
  require(network->mean().size() == dim_, "learned denoiser: x must have ", network->mean().size(),
          " columns, got ", dim_);
  std::unique_ptr<NetworkOnGpu>& found = networks_[network];
  if (found == nullptr) found = upload(*network, gpu_);
  return found.get();
}

std::size_t network_bytes(std::span<const Denoiser> denoisers, const kernels::Limits& limits) {
  std::set<const DenoiserNetwork*> networks;
  for (const Denoiser& denoiser : denoisers) {
    networks.insert(network_of(denoiser));
    networks.insert(network_of_product(denoiser));
  }
  networks.erase(nullptr);
  std::size_t bytes = 0;
  for (const DenoiserNetwork* network : networks)
    bytes += std::visit([&](const auto& weights) { return bytes_of(weights, limits); }, network->weights());
  return bytes;
}

}  // namespace gmdiff::cuda
