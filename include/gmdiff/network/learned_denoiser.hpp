#pragma once

#include <memory>

#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/network/training.hpp>

namespace gmdiff {

/// The denoiser of a training, with its averaged parameters (mathematics.md §17.4); immutable, cheap to copy.
///
/// Outside [n_min, n_max] of its ladder the network sees the nearest end of it; D stays continuous, and for
/// `edm`, `v` and `eps` it becomes x / alpha as sigma goes to 0.
class LearnedDenoiser {
 public:
  /// @param threads that evaluations use; 0: one per usable processor. The bits do not depend on it.
  /// @throws std::invalid_argument for a training whose arrays have wrong sizes or settings out of range.
  explicit LearnedDenoiser(const DenoiserTraining& training, int threads = 1);

  Eigen::Index dim() const;
  /// D of each row of x (n, d).
  /// @throws std::invalid_argument for another dimension, and with `eps` at alpha = 0, where D has no value.
  Points operator()(const Points& x, Level level) const;
  /// J v with J = dD/dx, for tangents v (n, d). @throws as above.
  Points jvp(const Points& x, const Points& v, Level level) const;
  /// J^T v, for cotangents v (n, d). J is not symmetric. @throws as above.
  Points transposed_jvp(const Points& x, const Points& v, Level level) const;
  /// The denoiser for plans and samplers, with the product J^T v that guided ones need. Its id contains a
  /// hash of all that D depends on.
  HostDenoiser denoiser() const;

  class Evaluator;  // internal

 private:
  std::shared_ptr<const Evaluator> evaluator_;
};

}  // namespace gmdiff
