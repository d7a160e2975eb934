#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "device/cuda/gpu.hpp"
#include "device/path_tables.hpp"

// Memory of a GPU that paths of trained samplers and their gradients use alike.

namespace gmdiff::cuda {

/// Copies numbers to a buffer, which gets their size.
template <class T>
void upload_to(Gpu& gpu, Buffer<T>& buffer, const std::vector<T>& numbers) {
  if (buffer.size() != numbers.size()) {
    buffer = {};
    if (!numbers.empty()) buffer = Buffer<T>(gpu, numbers.size());
  }
  if (!numbers.empty()) buffer.upload(numbers.data());
}

/// A network in a GPU's memory; without numbers where the method has none.
template <class Real>
class NetworkMemory {
 public:
  void assign(Gpu& gpu, const std::optional<PathNetworkTables<Real>>& tables) {
    network_ = {};
    if (!tables) return;
    upload_to(gpu, numbers_, tables->weights.numbers);
    upload_to(gpu, time_, tables->time);
    upload_to(gpu, scale_, tables->scale);
    network_ = {.table = tables->weights.table, .time = time_.data(), .scale = scale_.data()};
    network_.table.numbers = numbers_.data();
  }
  const kernels::PathNetwork<Real>& network() const { return network_; }

 private:
  Buffer<Real> numbers_, time_, scale_;
  kernels::PathNetwork<Real> network_{};
};

/// The numbers of a trained sampler in a GPU's memory.
template <class Real>
class PathMemory {
 public:
  /// Takes the numbers, whose sizes may differ from those before.
  void assign(Gpu& gpu, const PathTables& tables) {
    const auto& pair = std::get<PathNetworkPair<Real>>(tables.networks);
    forward_.assign(gpu, pair.forward);
    backward_.assign(gpu, pair.backward);
    upload_to(gpu, mean_, tables.mean);
    upload_to(gpu, inverse_, tables.inverse);
    upload_to(gpu, precision_, tables.precision);
    upload_to(gpu, weight_, tables.weight);
    upload_to(gpu, log_weight_, tables.log_weight);
    upload_to(gpu, beta_, tables.beta);
    upload_to(gpu, eta_, tables.eta);
    upload_to(gpu, noise_scale_, tables.noise_scale);
    job_ = {};
    job_.mixture = {.components = tables.components,
                    .dim = tables.dim,
                    .mean = mean_.data(),
                    .inverse = inverse_.data(),
                    .precision = precision_.data(),
                    .weight = weight_.data(),
                    .log_weight = log_weight_.data()};
    job_.steps = tables.steps;
    job_.has_mixture_score = tables.has_mixture_score;
    job_.has_target_score = tables.has_target_score;
    job_.mirrored = tables.mirrored;
    job_.beta = beta_.data();
    job_.eta = eta_.data();
    job_.noise_scale = noise_scale_.data();
    job_.forward = forward_.network();
    job_.backward = backward_.network();
  }
  /// A job with these numbers and without paths.
  const kernels::PathJob<Real>& job() const { return job_; }

 private:
  NetworkMemory<Real> forward_, backward_;
  Buffer<double> mean_, inverse_, precision_, weight_, log_weight_, beta_, eta_, noise_scale_;
  kernels::PathJob<Real> job_{};
};

/// Points of paths: those of the host are (count, d), those of the GPU (d, count).
inline void upload_points(Gpu& gpu, double* to, const Points& rows) {
  const Points columns = rows.transpose();
  gpu.upload(to, columns.data(), static_cast<std::size_t>(columns.size()) * sizeof(double));
}
inline Points download_points(Gpu& gpu, const double* from, Eigen::Index count, Eigen::Index dim) {
  Points columns(dim, count);
  gpu.download(columns.data(), from, static_cast<std::size_t>(columns.size()) * sizeof(double));
  return columns.transpose();
}

}  // namespace gmdiff::cuda
