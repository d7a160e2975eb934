#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <Eigen/Core>

#include <gmdiff/base/precision.hpp>

// Vector fields that the calling program supplies: the drift or the noise of dynamics (mathematics.md §16.1).

namespace gmdiff {

/// Rows in the memory of a GPU, for a `CustomField`. It is the current GPU of the thread during the call.
struct DeviceFieldRows {
  const void* x;  ///< (count, dim) row-major, float or double
  void* values;   ///< f(t, x) (count, dim) row-major of the type of x, to be written
  double t;
  std::int64_t count;
  std::int64_t dim;
  Precision precision;  ///< of the numbers
  void* stream;         ///< the run's cudaStream_t; work queued on it needs no synchronisation
};

/// A function f(t, x) with d values, as a function of rows. It gets rows of a batch, and must give a row the
/// same result whichever other rows come with it; only then does a path not depend on the others of its run.
/// A run passes on an exception of the function unchanged.
struct CustomField {
  int dim = 1;  ///< d >= 1
  /// Writes f(t, x) of each of n rows x (n, dim) to f (n, dim), both row-major in host memory and in double
  /// whatever the run's precision.
  std::function<void(double t, Eigen::Index n, const double* x, double* f)> evaluate = {};
  /// Whether several threads may call the function at once; otherwise the calls follow each other.
  bool concurrent = true;
  /// Does the work of `evaluate` in the memory of a GPU. Without it, the device cuda copies the rows to the host.
  std::function<void(const DeviceFieldRows& rows)> device = {};
  /// Identifies the field in the plan's hash and in the provenance of results. Not empty.
  std::string id = {};
};

}  // namespace gmdiff
