#pragma once

#include <memory>
#include <variant>
#include <vector>

#include <gmdiff/model/denoiser.hpp>

#include "particle/dense_tables.hpp"

// Denoisers whose function is a network: a device may evaluate the network itself, with the same bits, in
// place of calling the function on rows of the host.

namespace gmdiff {

/// A network in its working precision.
template <class Real>
struct NetworkWeights {
  particle::NetworkTable<Real> table;  ///< without its pointer, which devices set to their copy of `numbers`
  std::vector<Real> numbers;
};

/// The inputs of a network denoiser that depend on the level.
struct NetworkLevel {
  particle::DenoiserFactors factors;
  std::vector<double> time;  ///< row T of the time table, padded; numbers of the working precision
};

/// A denoiser D = m + skip (x - alpha m) + out F(in (x - alpha m); t) with a network F (mathematics.md §17.4).
class DenoiserNetwork {
 public:
  virtual ~DenoiserNetwork() = default;
  virtual const Eigen::VectorXd& mean() const = 0;  ///< m
  /// The rounded weights; each call copies them.
  virtual std::variant<NetworkWeights<float>, NetworkWeights<double>> weights() const = 0;
  /// @throws std::invalid_argument where D has no value.
  virtual NetworkLevel at(Level level) const = 0;

  // On rows of the host, as functions of `HostDenoiser`.
  virtual void denoise(const Points& x, Level level, Points& denoised) const = 0;
  virtual void transposed_jvp(const Points& x, const Points& v, Level level, Points& product) const = 0;
};

/// The functions of a `HostDenoiser` that is a network. Types of their own, so that a device recognises them,
/// while a function that the calling program wraps around one of them is a function like any other.
struct NetworkFunction {
  std::shared_ptr<const DenoiserNetwork> network;
  void operator()(const Points& x, Level level, Points& denoised) const {
    network->denoise(x, level, denoised);
  }
};
struct NetworkProduct {
  std::shared_ptr<const DenoiserNetwork> network;
  void operator()(const Points& x, const Points& v, Level level, Points& product) const {
    network->transposed_jvp(x, v, level, product);
  }
};

/// The network that a denoiser evaluates for D, or null.
inline const DenoiserNetwork* network_of(const Denoiser& denoiser) {
  const auto* on_host = std::get_if<HostDenoiser>(&denoiser);
  const auto* found = on_host == nullptr ? nullptr : on_host->function.target<NetworkFunction>();
  return found == nullptr ? nullptr : found->network.get();
}
/// The network that a denoiser evaluates for J^T v, or null.
inline const DenoiserNetwork* network_of_product(const Denoiser& denoiser) {
  const auto* on_host = std::get_if<HostDenoiser>(&denoiser);
  const auto* found = on_host == nullptr ? nullptr : on_host->transposed_jvp.target<NetworkProduct>();
  return found == nullptr ? nullptr : found->network.get();
}

}  // namespace gmdiff
