#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include <gmdiff/base/points.hpp>
#include <gmdiff/base/precision.hpp>
#include <gmdiff/model/process.hpp>

// Denoisers and scores that the calling program supplies (mathematics.md §2.3). A function gets the rows of a
// whole batch, never one particle. A run passes on an exception of the function unchanged. The function may
// be called several times for one level, with different rows, and must give a row the same result whichever
// other rows come with it; only then do ranges of a run add up to the whole run. A run on several GPUs calls
// it from several threads at once; every other run from one.

namespace gmdiff {

/// D(x; level) = E[x_0 | x_t = x] on rows in host memory, in double whatever the run's precision.
struct HostDenoiser {
  /// Identifies the denoiser in the plan's hash and in the provenance of results. Not empty.
  std::string id;
  /// Writes D of each row of x (n, d) to the same row of `denoised`, which has that shape.
  std::function<void(const Points& x, Level level, Points& denoised)> function;
  /// Writes J^T v of each row of v (n, d) to the same row of `product`, which has that shape, where J = dD/dx
  /// at the same row of x. Guided samplers need it (mathematics.md §10.5); others do not.
  std::function<void(const Points& x, const Points& v, Level level, Points& product)> transposed_jvp = {};
};

/// grad log p_t(x) on rows in host memory.
struct HostScore {
  std::string id;
  /// Writes the score of each row of x (n, d) to the same row of `score`, which has that shape.
  std::function<void(const Points& x, Level level, Points& score)> function;
};

/// Rows in the memory of a GPU, which is the current one of the thread during the call.
struct DeviceRows {
  const void* x;   ///< (count, dim) row-major, float or double
  void* denoised;  ///< (count, dim) row-major of the same type, to be written: D or another prediction
  std::int64_t count;
  std::int64_t dim;
  Precision precision;  ///< of the numbers
  Level level;
  int index;     ///< index of the GPU, as in `Device::cuda`
  void* stream;  ///< the run's cudaStream_t; work queued on it needs no synchronisation
  /// For work on other streams: returns when x is complete.
  std::function<void()> wait;
  /// For work on other streams: copies D of the `rows` rows from number `first` on, (rows, dim) row-major in
  /// the memory of the same GPU, to `denoised`, and returns when they are there.
  std::function<void(const void* D, std::int64_t first, std::int64_t rows)> write;
};

/// The quantity that a function computes. D is a linear function of x and of each of them (mathematics.md
/// §2.3).
enum class Prediction {
  denoiser,  ///< D
  score,     ///< grad log p_t(x)
  noise      ///< eps = (x - alpha D) / sigma
};

/// D(x; level), or what D is computed from, on rows in the memory of the GPU that runs the plan.
struct DeviceDenoiser {
  std::string id;
  /// Writes its prediction of each row.
  std::function<void(const DeviceRows& rows)> function;
  /// From a score or the noise a run computes D in its own precision; neither has a value of D at alpha = 0.
  Prediction prediction = Prediction::denoiser;
};

/// A denoiser that the calling program supplies. A plan uses it in place of a mixture's denoiser.
using Denoiser = std::variant<HostDenoiser, DeviceDenoiser>;

/// Converts a score to the denoiser D = (x + sigma^2 score) / alpha.
HostDenoiser denoiser_of(HostScore score);

}  // namespace gmdiff
