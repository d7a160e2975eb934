#include <gmdiff/device/evaluate.hpp>

#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "base/check.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "device/unresolved_rows.hpp"

namespace gmdiff {

namespace {

/// Checks level, points and density as Mixture does.
void check(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options) {
  const Points no_points(0, mixture.dim());
  if (options.log_density || options.log_responsibilities || options.score) mixture.log_pdf(no_points, level);
  mixture.denoiser(no_points, level);
  require(x.cols() == mixture.dim(), "evaluate: points have ", x.cols(), " coordinates but the dimension is ",
          mixture.dim());
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    for (Eigen::Index i = 0; i < x.cols(); ++i) {
      require(std::isfinite(x(n, i)), "evaluate: coordinate ", i, " of point ", n, " is ", x(n, i),
              ", expected a finite number");
    }
  }
}

/// Pointer to the numbers of a result, or null if the result was not requested.
template <class Array>
double* place(Array& array, bool asked_for) {
  return asked_for ? array.data() : nullptr;
}

Evaluation room_for(const Mixture& mixture, const Points& x, const EvaluateOptions& options) {
  Evaluation result;
  if (options.log_density) result.log_density.resize(x.rows());
  if (options.log_responsibilities) result.log_responsibilities.resize(x.rows(), mixture.num_components());
  if (options.score) result.score.resize(x.rows(), x.cols());
  if (options.denoiser) result.denoiser.resize(x.rows(), x.cols());
  return result;
}

Evaluation compute(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options,
                   const InUse& executor) {
  Evaluation result = room_for(mixture, x, options);
  const UnresolvedRows unresolved(mixture, level, options);
  const bool has_log_density = options.log_density || unresolved.needs_log_density();
  Eigen::VectorXd log_density(has_log_density ? x.rows() : 0);
  const Plan plan = draw_plan(std::span(&mixture, 1));
  executor->evaluate(
      {.problem = plan.problems.front(),
       .level = level,
       .precision = options.precision,
       .points = x.data(),
       .count = x.rows(),
       .log_density = place(log_density, has_log_density),
       .log_responsibilities = place(result.log_responsibilities, options.log_responsibilities),
       .score = place(result.score, options.score),
       .denoiser = place(result.denoiser, options.denoiser),
       .stop = options.stop});
  const auto throw_if_stopped = [&] {
    if (options.stop.stop_requested())
      throw std::runtime_error("evaluate: stopped before all points were done");
  };
  throw_if_stopped();
  const std::vector<Eigen::Index> rows = unresolved.find(x, log_density);
  if (options.log_density) result.log_density = std::move(log_density);
  evaluate_by_mixture(rows, mixture, x, level, options, *executor, result);
  throw_if_stopped();
  return result;
}

}  // namespace

Evaluation evaluate(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options,
                    const Executor& executor) {
  check(mixture, x, level, options);
  return x.rows() == 0 ? room_for(mixture, x, options) : compute(mixture, x, level, options, InUse(executor));
}

Evaluation evaluate(const Mixture& mixture, const Points& x, Level level, const EvaluateOptions& options) {
  check(mixture, x, level, options);
  if (x.rows() == 0) return room_for(mixture, x, options);
  return compute(mixture, x, level, options, InUse(thread_session(options.device)->executor()));
}

}  // namespace gmdiff
