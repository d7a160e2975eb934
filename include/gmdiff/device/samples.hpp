#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/options.hpp>

namespace gmdiff {

/// Row-major matrix of either scalar type.
template <class Scalar>
using RowMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// An allocator that leaves numbers uninitialised, so that the threads that compute a large result are the
/// first to touch its memory.
template <class T>
struct UninitializedAllocator : std::allocator<T> {
  UninitializedAllocator() = default;
  template <class U>
  UninitializedAllocator(const UninitializedAllocator<U>& /*other*/) noexcept {
  }  // NOLINT(google-explicit-constructor): an allocator
  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};

/// Origin of samples: everything needed to reproduce them.
struct Provenance {
  std::uint64_t seed = 0;
  /// one per problem: problem p alone gives the same samples with this seed
  std::vector<std::uint64_t> problem_seeds;
  std::int64_t first = 0;
  std::uint64_t plan_hash = 0;
  MathMode math = MathMode::exact;  ///< as requested, even if it had no effect
  std::string device;
  double seconds = 0.0;               ///< wall-clock time of the run
  double particle_steps = 0.0;        ///< particles times steps
  std::vector<std::string> warnings;  ///< possible problems, e.g. a Gaussian start far from p_T
  std::vector<std::string> notes;     ///< special steps at the ends of the grid
};

/// Acceptance of the Metropolis steps after the warm-up, one entry per Markov chain.
struct Acceptance {
  std::vector<double> probability;  ///< mean of min(1, ratio); for ULA of the ratio that it does not use
  std::vector<std::int64_t>
      non_finite;  ///< number of proposals rejected because l or its gradient was not finite
  /// The step of each chain after its warm-up, if every chain adapts its own (`StepAdaptation::chain`); else
  /// empty
  std::vector<double> step = {};
};

/// Moments of the states of Markov chains after the warm-up (`ChainOutput::moments`), one row per chain
/// (mathematics.md §12.4).
struct ChainMoments {
  static constexpr int batches = 16;
  std::int64_t steps = 0;  ///< number n of the states
  Points mean = {};        ///< (chains, d)
  Points variance = {};    ///< (chains, d), with the divisor n - 1
  Points covariance = {};  ///< (chains, d d), row-major, with the divisor n - 1; (chains, 0) for d > 32
  Points batch_means =
      {};  ///< (chains, 16 d): means of batches of floor(n / 16) states, the first states left over
};

/// Location of samples in the memory of a GPU.
struct OnDevice {
  const void* data;  ///< complete values in the samples' shape and scalar type, row-major, read-only
  void* stream;      ///< the run's cudaStream_t; it lives as long as the samples
  int index;         ///< index of the GPU, as in `Device::cuda`
};

class SampleValues;  // internal: values in host memory or in the memory of a GPU

/// Result of a run. Shape (count, d); with several problems (problems, count, d); with history (..., count,
/// M, d). Chains that keep all particles have (..., count, N, d) and (..., count, M, N, d). Row-major, scalar
/// type known at run time.
class Samples {
 public:
  template <class Scalar>
  using Values = std::vector<Scalar, UninitializedAllocator<Scalar>>;
  using Buffer = std::variant<Values<float>, Values<double>>;

  /// @throws std::invalid_argument when the product of `shape` is not the size of `values`.
  Samples(Buffer values, std::vector<std::int64_t> shape, std::vector<double> times, Provenance provenance);
  /// Constructor for devices. @throws std::invalid_argument as above.
  Samples(std::shared_ptr<const SampleValues> values, std::vector<std::int64_t> shape,
          std::vector<double> times, Provenance provenance, std::optional<Acceptance> acceptance = {},
          std::optional<ChainMoments> moments = {}, std::optional<Points> velocities = {});

  Precision precision() const;
  const std::vector<std::int64_t>& shape() const { return shape_; }
  /// Dimension d, the last entry of the shape.
  Eigen::Index dim() const { return static_cast<Eigen::Index>(shape_.back()); }
  /// Product of the leading entries of the shape.
  Eigen::Index rows() const;
  /// Times of the levels kept, shape (M), noisy to clean (forward paths: from data to T); empty without
  /// history.
  const std::vector<double>& times() const { return times_; }
  const Provenance& provenance() const { return provenance_; }
  /// Acceptance of Markov chains; empty for samplers without a Metropolis ratio.
  const std::optional<Acceptance>& acceptance() const { return acceptance_; }

  /// Moments of Markov chains with `ChainOutput::moments`, whose last states are the samples; else empty.
  const std::optional<ChainMoments>& moments() const { return moments_; }

  /// Velocities of kinetic Markov chains after their last step, (rows, d), if `Options::velocities` asked for
  /// them; else empty. In float32 they are the float numbers of the chains.
  const std::optional<Points>& velocities() const { return velocities_; }

  /// Location of samples that were kept on a GPU (`Options::keep_on_device`); empty for samples in host
  /// memory. It is valid as long as this object or a copy exists; work that reads the values must end before
  /// the last copy is destroyed.
  std::optional<OnDevice> on_device() const;

  /// View of shape (rows, d) of host memory, valid as long as this object or a copy exists. For samples kept
  /// on a GPU the first call copies them to host memory, once for all copies of this object and all threads;
  /// they stay on the GPU as well.
  /// @throws std::invalid_argument when Scalar is not the scalar type of the samples; DeviceError when the
  ///   copy fails.
  template <class Scalar>
  Eigen::Map<const RowMatrix<Scalar>> host() const;
  /// Copy of shape (rows, d) in double.
  Points to_double() const;

 private:
  std::shared_ptr<const SampleValues> values_;
  std::vector<std::int64_t> shape_;
  std::vector<double> times_;
  Provenance provenance_;
  std::optional<Acceptance> acceptance_;
  std::optional<ChainMoments> moments_;
  std::optional<Points> velocities_;
};

/// A run was stopped (`Options::stop`). The exception holds the finished samples: the first particles of a
/// single problem, or the first whole problems of several. There may be none (0 rows).
class Interrupted : public std::runtime_error {
 public:
  Interrupted(const std::string& what, Samples finished)
      : std::runtime_error(what), finished_(std::move(finished)) {}
  const Samples& finished() const { return finished_; }

 private:
  Samples finished_;
};

}  // namespace gmdiff
