#include <gmdiff/device/evaluate.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "base/check.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"

namespace gmdiff {

namespace {

/// The checks are those of Mixture: of the level, the points, the density.
void check(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options) {
  const Points no_points(0, mixture.dim());
  if (options.log_density || options.log_responsibilities || options.score) mixture.log_pdf(no_points, level);
  mixture.denoiser(no_points, level);
  require(x.cols() == mixture.dim(), "evaluate: points have ", x.cols(), " coordinates but the dimension is ", mixture.dim());
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    for (Eigen::Index i = 0; i < x.cols(); ++i) {
      require(std::isfinite(x(n, i)), "evaluate: coordinate ", i, " of point ", n, " is ", x(n, i), ", expected a finite number");
    }
  }
}

/// Rows whose quadratic forms may be beyond what the arithmetic of a device holds: there it counts the largest number, for every component
/// alike, which says nothing about them.
std::vector<Eigen::Index> far_rows(const Mixture& mixture, const Points& x, Level level, Precision precision) {
  const double largest =
      precision == Precision::f32 ? static_cast<double>(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
  double least_variance = std::numeric_limits<double>::infinity();
  double largest_mean = 0.0;
  for (Eigen::Index k = 0; k < mixture.num_components(); ++k) {
    if (mixture.weights()(k) == 0.0) continue;
    const Eigen::Index row = mixture.eigenvalues().rows() == 1 ? 0 : k;
    least_variance =
        std::min(least_variance, level.alpha * level.alpha * mixture.eigenvalues().row(row).minCoeff() + level.sigma * level.sigma);
    largest_mean = std::max(largest_mean, level.alpha * mixture.means().row(k).cwiseAbs().maxCoeff());
  }
  std::vector<Eigen::Index> rows;
  if (least_variance == 0.0) return rows;  // no density, and the denoiser is x / alpha
  const double reach = std::sqrt(largest / 16.0 / static_cast<double>(x.cols())) * std::sqrt(std::min(1.0, least_variance));
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    if (!(x.row(n).cwiseAbs().maxCoeff() + largest_mean < reach)) rows.push_back(n);
  }
  return rows;
}

/// The rows again by the functions of Mixture, which hold them.
void evaluate_far_rows(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options, Evaluation& result) {
  const std::vector<Eigen::Index> rows = far_rows(mixture, x, level, options.precision);
  if (rows.empty()) return;
  const Points far = x(rows, Eigen::all);
  if (options.log_density) result.log_density(rows) = mixture.log_pdf(far, level);
  if (options.log_responsibilities) result.log_responsibilities(rows, Eigen::all) = mixture.log_responsibilities(far, level);
  if (options.score) result.score(rows, Eigen::all) = mixture.score(far, level);
  if (options.denoiser) result.denoiser(rows, Eigen::all) = mixture.denoiser(far, level);
}

Evaluation room_for(const Mixture& mixture, const Points& x, const EvaluateOptions& options) {
  Evaluation result;
  if (options.log_density) result.log_density.resize(x.rows());
  if (options.log_responsibilities) result.log_responsibilities.resize(x.rows(), mixture.num_components());
  if (options.score) result.score.resize(x.rows(), x.cols());
  if (options.denoiser) result.denoiser.resize(x.rows(), x.cols());
  return result;
}

Evaluation compute(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options, const InUse& executor) {
  Evaluation result = room_for(mixture, x, options);
  const Plan plan = draw_plan(std::span(&mixture, 1));
  const auto place = [](auto& array, bool asked_for) { return asked_for ? array.data() : nullptr; };
  executor->evaluate({.problem = plan.problems.front(),
                      .level = level,
                      .precision = options.precision,
                      .points = x.data(),
                      .count = x.rows(),
                      .log_density = place(result.log_density, options.log_density),
                      .log_responsibilities = place(result.log_responsibilities, options.log_responsibilities),
                      .score = place(result.score, options.score),
                      .denoiser = place(result.denoiser, options.denoiser),
                      .stop = options.stop});
  if (options.stop.stop_requested()) throw std::runtime_error("evaluate: stopped before all points were done");
  evaluate_far_rows(mixture, x, level, options, result);
  return result;
}

}  // namespace

Evaluation evaluate(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options, const Executor& executor) {
  check(mixture, x, level, options);
  return x.rows() == 0 ? room_for(mixture, x, options) : compute(mixture, x, level, options, InUse(executor));
}

Evaluation evaluate(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options) {
  check(mixture, x, level, options);
  if (x.rows() == 0) return room_for(mixture, x, options);
  return compute(mixture, x, level, options, InUse(thread_session(options.device)->executor()));
}

}  // namespace gmdiff
