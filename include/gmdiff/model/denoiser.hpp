#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include <gmdiff/base/points.hpp>
#include <gmdiff/base/precision.hpp>
#include <gmdiff/model/process.hpp>

// Denoisers and scores that a program brings itself (mathematics.md §2.3). A function gets the rows of a whole batch, never one particle.
// What it throws leaves the run as it is. It may be called several times for one level, with other rows, and must give a row the same
// result whatever rows stand beside it: ranges of a run are then the whole run.

namespace gmdiff {

/// D(x; level) = E[x_0 | x_t = x] on rows in host memory, in double whatever the run's precision.
struct HostDenoiser {
  /// Names the denoiser in the plan's hash and in the provenance of results. Not empty.
  std::string id;
  /// Writes D of each row of x (n, d) to the same row of `denoised`, which has that shape.
  std::function<void(const Points& x, Level level, Points& denoised)> function;
};

/// grad log p_t(x) on rows in host memory.
struct HostScore {
  std::string id;
  /// Writes the score of each row of x (n, d) to the same row of `score`, which has that shape.
  std::function<void(const Points& x, Level level, Points& score)> function;
};

/// Rows in the memory of a GPU.
struct DeviceRows {
  const void* x;   ///< (count, dim) row-major, float or double
  void* denoised;  ///< (count, dim) row-major of the same type, to be written
  std::int64_t count;
  std::int64_t dim;
  Precision precision;  ///< of the numbers
  Level level;
  void* stream;  ///< the run's cudaStream_t: work that is queued on it needs no synchronisation
};

/// D(x; level) on rows in the memory of the GPU that runs the plan.
struct DeviceDenoiser {
  std::string id;
  std::function<void(const DeviceRows& rows)> function;
};

/// A denoiser of a program's own. A plan uses it in place of a mixture's.
using Denoiser = std::variant<HostDenoiser, DeviceDenoiser>;

/// The denoiser D = (x + sigma^2 score) / alpha of a score.
HostDenoiser denoiser_of(HostScore score);

}  // namespace gmdiff
