#include "metrics/comparison.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace gmdiff {
namespace {

LawMoments moments_of(const ReferenceLaw& law) {
  if (law.mixture() != nullptr) return LawMoments(*law.mixture());
  return {law.target()->mean(), law.target()->covariance()};
}

}  // namespace

std::vector<std::string> quantities(const JudgeOptions& options) {
  const std::string order = std::to_string(options.p);
  switch (options.metric) {
    case Metric::sliced_wasserstein:
      return {"sw_" + order};
    case Metric::max_sliced_wasserstein:
      return {"max_sw_" + order};
    case Metric::mmd_squared:
      return {"mmd_squared"};
    case Metric::energy_distance:
      return {"energy_distance"};
    case Metric::moments:
      return {"mean_error", "covariance_error", "whitened_mean_error", "whitened_covariance_error"};
    case Metric::modes:
      return {"total_variation"};
    case Metric::mode_weights:
      return {"mode_weight_error"};
    case Metric::sinkhorn:
      return {"sinkhorn"};
    case Metric::mode_coverage:
      return {"mode_coverage"};
    case Metric::mmd_vsm:
      return {"mmd_vsm"};
  }
  fail("judge: unknown metric");
}

bool is_sliced(const JudgeOptions& options) {
  return options.metric == Metric::sliced_wasserstein || options.metric == Metric::max_sliced_wasserstein;
}

bool needs_law(Metric metric) {
  switch (metric) {
    case Metric::sliced_wasserstein:
    case Metric::max_sliced_wasserstein:
    case Metric::mmd_squared:
    case Metric::energy_distance:
    case Metric::sinkhorn:
    case Metric::mmd_vsm:
      return false;
    case Metric::moments:
    case Metric::modes:
    case Metric::mode_weights:
    case Metric::mode_coverage:
      return true;
  }
  fail("judge: unknown metric");
}

bool compares_with_law(const JudgeOptions& options, const ReferenceLaw& law) {
  return needs_law(options.metric) || (is_sliced(options) && law.mixture() != nullptr);
}

bool takes_weights(Metric metric, bool is_mixture) {
  switch (metric) {
    case Metric::moments:
      return true;
    case Metric::sliced_wasserstein:
    case Metric::max_sliced_wasserstein:
    case Metric::mode_weights:
      return is_mixture;
    case Metric::mmd_squared:
    case Metric::energy_distance:
    case Metric::modes:
    case Metric::sinkhorn:
    case Metric::mode_coverage:
    case Metric::mmd_vsm:
      return false;
  }
  fail("judge: unknown metric");
}

void check_metric(const JudgeOptions& options, const ReferenceLaw& law) {
  require(options.metric != Metric::moments || law.target() == nullptr || law.target()->has_moments(),
          "judge: moments compare with a covariance, and the law of this target has none");
  // Components are those of a mixture.
  const bool needs_mixture = options.metric == Metric::modes || options.metric == Metric::mode_weights;
  require(!needs_mixture || law.mixture() != nullptr, "judge: ", quantities(options).front(),
          " compares weights of components, and a target has none");
}

std::vector<std::string> warnings_of(const Judgement& judgement) {
  const std::optional<SinkhornReport>& found = judgement.sinkhorn;
  if (!found || found->converged) return {};
  return {concat("sinkhorn: not converged in ", found->iterations,
                 " iterations; the marginals have a mean error of ", found->error,
                 ", and a larger epsilon converges faster")};
}

SetDistance::SetDistance(Eigen::Index dim, const JudgeOptions& options, std::optional<double> bandwidth)
    : options_(options), bandwidth_(bandwidth) {
  if (is_sliced(options)) directions_ = random_directions(dim, options.slices, options.seed);
}

double SetDistance::operator()(const PointSet& a, const PointSet& b) {
  switch (options_.metric) {
    case Metric::sliced_wasserstein:
      return sliced_wasserstein(a, b, directions_, options_.p, options_.device);
    case Metric::max_sliced_wasserstein:
      return max_sliced_wasserstein(a, b, directions_, options_.p, options_.device);
    case Metric::mmd_squared:
      return mmd_squared(a, b, bandwidth_, options_.device);
    case Metric::energy_distance:
      return energy_distance(a, b, EnergyForm::v, options_.device);
    case Metric::sinkhorn:
      return sinkhorn(a, b);
    case Metric::mmd_vsm:
      return mmd_vsm(a, b, options_.device);
    case Metric::moments:
    case Metric::modes:
    case Metric::mode_weights:
    case Metric::mode_coverage:
      break;
  }
  fail("judge: this metric compares with a law");
}

double SetDistance::sinkhorn(const PointSet& a, const PointSet& b) {
  const SinkhornDivergence found = sinkhorn_divergence(a, b, options_.sinkhorn, options_.device);
  if (!report_) report_.emplace();
  report_->iterations = std::max(report_->iterations, found.iterations);
  report_->error = std::max(report_->error, found.error);
  report_->converged = report_->error <= options_.sinkhorn.tolerance;
  return found.value;
}

Comparison::Comparison(const ReferenceLaw& law, const JudgeOptions& options, std::optional<double> bandwidth)
    : law_(law), options_(options), between_(law.dim(), options, bandwidth) {
  if (options.metric == Metric::moments) moments_.emplace(moments_of(law));
}

std::vector<double> Comparison::with_law(const PointSet& a) const {
  switch (options_.metric) {
    case Metric::sliced_wasserstein:
      return {
          sliced_wasserstein(a, mixture(), between_.directions(), options_.p, options_.device, a.weights())};
    case Metric::max_sliced_wasserstein:
      return {max_sliced_wasserstein(a, mixture(), between_.directions(), options_.p, options_.device,
                                     a.weights())};
    case Metric::moments: {
      const MomentErrors errors = moments_->errors(a.points(), a.weights());
      return {errors.mean, errors.covariance, errors.whitened_mean, errors.whitened_covariance};
    }
    case Metric::modes:
      return {mode_frequencies(a, mixture()).total_variation};
    case Metric::mode_weights:
      return {gmdiff::mode_weights(a, mixture(), a.weights()).total_variation};
    case Metric::mode_coverage:
      return {law_.mixture() != nullptr ? gmdiff::mode_coverage(a, mixture())
                                        : gmdiff::mode_coverage(a, law_.target()->target())};
    case Metric::mmd_squared:
    case Metric::energy_distance:
    case Metric::sinkhorn:
    case Metric::mmd_vsm:
      break;
  }
  fail("judge: this metric compares with draws");
}

std::optional<double> Comparison::known_floor(std::int64_t count) const {
  if (options_.metric != Metric::sliced_wasserstein || options_.p != 1 || !is_with_law()) return {};
  return slice_wasserstein_floor(mixture(), count, between_.directions()).mean();
}

}  // namespace gmdiff
