#include "device/unresolved_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "device/cpu/parallel.hpp"
#include "device/thread_session.hpp"

namespace gmdiff {

using Eigen::Index;

namespace {

/// Number of standard deviations from the origin at which the rounding error of a rotated coordinate is about
/// 1000 times that of the deviation.
constexpr double most_deviations = 1024.0;

/// Whether all components have one covariance or differ by less than the noise. Their quadratic forms then
/// have a common part, which `Mixture` removes before rounding (mathematics.md §2.2).
bool has_common_part(const Mixture& mixture, Level level) {
  const Points& l = mixture.eigenvalues();
  const bool equal = mixture.bases().size() <= 1 && (l.rowwise() - l.row(0)).isZero(0.0);
  return equal || level.alpha * level.alpha * l.maxCoeff() <= level.sigma * level.sigma;
}

double largest_value(Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(std::numeric_limits<float>::max())
                                     : std::numeric_limits<double>::max();
}

}  // namespace

UnresolvedRows::UnresolvedRows(const Mixture& mixture, Level level, const EvaluateOptions& options) {
  const auto d = static_cast<double>(mixture.dim());
  const Points& l = mixture.eigenvalues();
  const double repeats = d / static_cast<double>(l.cols());  // repetitions of a spherical variance
  double least_variance = std::numeric_limits<double>::infinity();
  largest_log_peak_ = -std::numeric_limits<double>::infinity();
  for (Index k = 0; k < mixture.num_components(); ++k) {
    if (mixture.weights()(k) == 0.0) continue;
    const Eigen::ArrayXd c = level.alpha * level.alpha * l.row(l.rows() == 1 ? 0 : k).transpose().array() +
                             level.sigma * level.sigma;
    least_variance = std::min(least_variance, c.minCoeff());
    largest_mean_ = std::max(largest_mean_, level.alpha * mixture.means().row(k).cwiseAbs().maxCoeff());
    const double log_det = repeats * c.unaryExpr([](double value) { return std::log(value); }).sum();
    largest_log_peak_ = std::max(
        largest_log_peak_, mixture.log_weights()(k) - 0.5 * (log_det + d * std::log(2.0 * std::numbers::pi)));
  }
  if (least_variance == 0.0) return;
  // Beyond this reach a device takes the largest number as the quadratic form of every component, so that the
  // components cannot be told apart.
  reach_ = std::sqrt(largest_value(options.precision) / 16.0 / d) * std::sqrt(std::min(1.0, least_variance));
  if (options.precision == Precision::f32 || options.device.kind() == Device::Kind::reference) return;
  // A device rotates points as given; `Mixture` rotates them relative to the mean.
  if (mixture.bases().size() == 1) reach_ = std::min(reach_, most_deviations * std::sqrt(least_variance));
  if (has_common_part(mixture, level)) largest_quadratic_ = 1024.0 + 4.0 * d;
}

std::vector<Index> UnresolvedRows::find(const Points& x, const Eigen::VectorXd& log_density) const {
  std::vector<Index> rows;
  if (reach_ == 0.0) return rows;
  for (Index n = 0; n < x.rows(); ++n) {
    const bool is_far = !(x.row(n).cwiseAbs().maxCoeff() + largest_mean_ < reach_);
    // Upper bound on the quadratic form of the component that dominates the density.
    const bool is_rounded =
        needs_log_density() && !(2.0 * (largest_log_peak_ - log_density(n)) <= largest_quadratic_);
    if (is_far || is_rounded) rows.push_back(n);
  }
  return rows;
}

void evaluate_by_mixture(const std::vector<Index>& rows, const Mixture& mixture, const Points& x, Level level,
                         const EvaluateOptions& options, const Executor& executor, Evaluation& result) {
  constexpr std::size_t piece_rows = 256;
  if (rows.empty()) return;
  std::shared_ptr<const Session> host;
  ThreadPool* pool = executor.threads();
  if (pool == nullptr) {
    host = thread_session(Device::cpu());
    pool = host->executor().threads();
  }
  const double rotation = mixture.bases().size() > 1 ? static_cast<double>(mixture.dim()) : 1.0;
  const double operations =
      static_cast<double>(rows.size()) * static_cast<double>(mixture.means().size()) * rotation;
  const auto pieces = static_cast<std::int64_t>((rows.size() + piece_rows - 1) / piece_rows);
  for_each_piece(*pool, pieces, operations, [&](int /*thread*/, std::int64_t number) {
    if (options.stop.stop_requested()) return;
    const std::size_t first = static_cast<std::size_t>(number) * piece_rows;
    const auto piece = std::span(rows).subspan(first, std::min(piece_rows, rows.size() - first));
    const Points points = x(piece, Eigen::all);
    if (options.log_density) result.log_density(piece) = mixture.log_pdf(points, level);
    if (options.log_responsibilities)
      result.log_responsibilities(piece, Eigen::all) = mixture.log_responsibilities(points, level);
    if (options.score) result.score(piece, Eigen::all) = mixture.score(points, level);
    if (options.denoiser) result.denoiser(piece, Eigen::all) = mixture.denoiser(points, level);
  });
}

}  // namespace gmdiff
