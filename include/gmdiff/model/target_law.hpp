#pragma once

#include <cstdint>
#include <memory>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/target.hpp>

// Moments and draws of a target, against which samples are judged (mathematics.md §15.4).

namespace gmdiff {

namespace targets {
class TableDraws;
}  // namespace targets

/// The law of a target: log Z, mean, covariance and draws. They are in closed form where the target has them,
/// and otherwise of a table of its density in dimension 1 or 2. An object is immutable and cheap to copy; all
/// members may be called from several threads at once.
class TargetLaw {
 public:
  /// @throws std::invalid_argument for a target of dimension 3 or higher without exact draws and moments, and
  ///   as `quadrature` for one of dimension 1 or 2.
  explicit TargetLaw(Target target);

  const Target& target() const { return target_; }
  Eigen::Index dim() const { return target_.dim(); }
  /// log of the integral of exp(l).
  double log_normalizer() const { return log_normalizer_; }
  /// Whether the law has a covariance. A `StudentTMixture` with nu <= 2 has none; mean and covariance are
  /// then empty.
  bool has_moments() const { return mean_.size() > 0; }
  const Eigen::VectorXd& mean() const { return mean_; }              ///< (d)
  const Eigen::MatrixXd& covariance() const { return covariance_; }  ///< (d, d)
  /// Whether draws are exact; otherwise they have the density that the table interpolates.
  bool has_exact_draws() const { return table_ == nullptr; }
  /// Draws number `first`, `first` + 1, ..., shape (count, d). Draw n depends on seed, n and replicate only.
  Points draws(std::int64_t count, std::uint64_t seed, std::int64_t first = 0,
               std::uint32_t replicate = 0) const;

 private:
  Target target_;
  std::shared_ptr<const targets::TableDraws> table_;  ///< null with exact draws
  double log_normalizer_;
  Eigen::VectorXd mean_;
  Eigen::MatrixXd covariance_;
};

}  // namespace gmdiff
