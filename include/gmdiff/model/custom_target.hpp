#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <Eigen/Core>

#include <gmdiff/base/precision.hpp>

// Targets of Markov chains that the calling program supplies (mathematics.md §13.4).

namespace gmdiff {

/// Rows in the memory of a GPU, for a `CustomTarget`. It is the current GPU of the thread during the call.
struct DeviceTargetRows {
  const void* x;        ///< (count, dim) row-major, float or double
  double* log_density;  ///< (count), to be written
  void* gradient;       ///< (count, dim) row-major of the type of x, to be written
  std::int64_t count;
  std::int64_t dim;
  Precision precision;  ///< of the numbers
  void* stream;         ///< the run's cudaStream_t; work queued on it needs no synchronisation
  int index = 0;        ///< index of the GPU, as in `Device::cuda`
  /// For work on other streams: returns when x is complete.
  std::function<void()> wait = {};
  /// For work on other streams: copies l (rows), of the given precision, and g (rows, dim) row-major of the
  /// type of x, both in the memory of the same GPU, to the `rows` rows from number `first` on of
  /// `log_density` and `gradient`, and returns when they are there.
  std::function<void(const void* l, Precision of_l, const void* g, std::int64_t first, std::int64_t rows)>
      write = {};
};

/// A log-density and its gradient as functions of rows. A function gets rows of a batch, and must give a row
/// the same result whichever other rows come with it; only then does a chain not depend on the others of its
/// run. A run passes on an exception of a function unchanged.
struct CustomTarget {
  static constexpr const char* name = "custom";
  int dim = 1;  ///< >= 1
  /// Writes l of each of n rows x (n, dim) to l (n), and its gradient to g (n, dim), all row-major in host
  /// memory and in double whatever the run's precision. l may be -inf.
  std::function<void(Eigen::Index n, const double* x, double* l, double* g)> evaluate = {};
  /// Writes H v of each of n rows x and v (n, dim) to hv (n, dim). Newton's method (`modes`), the search of a
  /// box (`quadrature`) and training with the loss `elbo` (mathematics.md §17.9) need it; `dis` does not.
  std::function<void(Eigen::Index n, const double* x, const double* v, double* hv)> hessian_vp = {};
  /// Whether several threads may call the functions at once; otherwise the calls follow each other.
  bool concurrent = true;
  /// Does the work of `evaluate` in the memory of a GPU. Without it, the device cuda copies the rows to the host.
  std::function<void(const DeviceTargetRows& rows)> device = {};
  /// Identifies the target in the plan's hash and in the provenance of results. Not empty.
  std::string id = {};
};

}  // namespace gmdiff
