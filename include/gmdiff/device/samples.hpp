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

/// An allocator that leaves numbers uninitialised: a large result is then first touched by the threads that compute it.
template <class T>
struct UninitializedAllocator : std::allocator<T> {
  UninitializedAllocator() = default;
  template <class U>
  UninitializedAllocator(const UninitializedAllocator<U>& /*other*/) noexcept {}  // NOLINT(google-explicit-constructor): an allocator
  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};

/// Where samples come from: enough to make them again.
struct Provenance {
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> problem_seeds;  ///< seed with which problem p alone gives the same samples; one per problem
  std::int64_t first = 0;
  std::uint64_t plan_hash = 0;
  MathMode math = MathMode::exact;  ///< as asked for, also where it has no effect
  std::string device;
  double seconds = 0.0;               ///< wall-clock time of the run
  double particle_steps = 0.0;        ///< particles times steps
  std::vector<std::string> warnings;  ///< what may be wrong, e.g. a Gaussian start far from p_T
  std::vector<std::string> notes;     ///< what was done at the ends of the grid
};

/// Where samples lie in a GPU's memory.
struct OnDevice {
  const void* data;  ///< of the samples' shape and scalar type, row-major; complete, and not to be written to
  void* stream;      ///< the run's cudaStream_t; it lives as long as the samples
  int index;         ///< of the GPU, as in `Device::cuda`
};

class SampleValues;  // internal: host memory or a device's

/// Result of a run. Shape (count, d); with several problems (problems, count, d); with history (..., count, M, d). Row-major,
/// scalar type known at run time.
class Samples {
 public:
  template <class Scalar>
  using Values = std::vector<Scalar, UninitializedAllocator<Scalar>>;
  using Buffer = std::variant<Values<float>, Values<double>>;

  /// @throws std::invalid_argument when the product of `shape` is not the size of `values`.
  Samples(Buffer values, std::vector<std::int64_t> shape, std::vector<double> times, Provenance provenance);
  /// What devices make. @throws as above.
  Samples(std::shared_ptr<const SampleValues> values, std::vector<std::int64_t> shape, std::vector<double> times, Provenance provenance);

  Precision precision() const;
  const std::vector<std::int64_t>& shape() const { return shape_; }
  /// Dimension d, the last entry of the shape.
  Eigen::Index dim() const { return static_cast<Eigen::Index>(shape_.back()); }
  /// Product of the leading entries of the shape.
  Eigen::Index rows() const;
  /// Times of the levels kept, shape (M), noisy to clean (forward paths: from data to T); empty without history.
  const std::vector<double>& times() const { return times_; }
  const Provenance& provenance() const { return provenance_; }

  /// Where samples lie that were kept on a GPU (`Options::keep_on_device`), valid as long as this object or a copy of it; nothing for
  /// samples in host memory. Work of the caller that reads them must have ended before the last copy goes.
  std::optional<OnDevice> on_device() const;

  /// View of shape (rows, d) on host memory, valid as long as this object or a copy of it. Samples kept on a GPU are copied to host memory
  /// by the first call, once for all copies of this object and all threads; they stay on the GPU as well.
  /// @throws std::invalid_argument when Scalar is not the scalar type of the samples; DeviceError when that copy fails.
  template <class Scalar>
  Eigen::Map<const RowMatrix<Scalar>> host() const;
  /// Copy of shape (rows, d) in double.
  Points to_double() const;

 private:
  std::shared_ptr<const SampleValues> values_;
  std::vector<std::int64_t> shape_;
  std::vector<double> times_;
  Provenance provenance_;
};

/// A run was asked to stop (`Options::stop`). What was finished is here, a prefix of the particles of the single problem
/// (of whole problems, when there are several); it may be empty (0 rows).
class Interrupted : public std::runtime_error {
 public:
  Interrupted(const std::string& what, Samples finished) : std::runtime_error(what), finished_(std::move(finished)) {}
  const Samples& finished() const { return finished_; }

 private:
  Samples finished_;
};

}  // namespace gmdiff
