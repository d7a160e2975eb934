#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/thread_pool.hpp"
#include "device/path_tables.hpp"

// The gradient of the loss of a trained sampler on a device that is not the threads of the host
// (mathematics.md §17.9 to §17.11). The room network, which knows parameters and losses, calls it.

namespace gmdiff {

/// First states of a batch of paths, which the host draws.
struct PathStarts {
  Points x, noise;                      ///< x_0 = mu_k + s_k e_0 and e_0, (count, d)
  std::vector<std::int32_t> component;  ///< k, a place among the active components
};

/// Random numbers of the steps of a batch (numerics.md §5).
struct StepNoise {
  std::uint64_t seed;
  std::uint32_t replicate;
};

/// The gradient that is wanted.
struct PathGradientParts {
  bool through_path;  ///< of -sum log w; otherwise of sum_p factor_p log w_p with the states held fixed
  bool has_mixture;   ///< with respect to mu, s and the logits of the start law
  bool has_eta, has_beta;
  bool has_hessian;  ///< with the Hessian products of the target, which only a gradient through the path has
};

/// Sums over the paths of a batch, for each network: of the layers without the time encoder, of the rows of
/// its time table, and of the factors g_n of the score (empty without them), each with the padding of the
/// tables.
template <class Real>
struct NetworkGradientSums {
  std::vector<Real> states, table, scale;
};
struct PathGradientSums {
  /// With respect to mu (K, d), s (K, d), logits (K); eta (N, d); beta (N + 1). Empty if not wanted.
  std::vector<double> mixture, eta, beta;
  /// The sums of the networks u and v; a network that the sampler lacks has none.
  std::variant<std::vector<NetworkGradientSums<float>>, std::vector<NetworkGradientSums<double>>> networks;
};

/// Gradients of batches of paths. The bits are those of the device cpu. One call at a time.
class PathGradients {
 public:
  virtual ~PathGradients() = default;
  /// log w of the paths 0, 1, ... of a batch, which may be NaN. Keeps what `backward` needs.
  /// @throws DeviceError when the memory does not suffice.
  virtual Eigen::VectorXd forward(const PathTables& tables, const PathStarts& starts, const StepNoise& noise,
                                  const PathGradientParts& parts) = 0;
  /// The gradient at the paths of the last `forward`. @param factor of each path; empty through the path.
  virtual PathGradientSums backward(const std::vector<double>& factor) = 0;
};

}  // namespace gmdiff
