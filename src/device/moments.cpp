#include "device/moments.hpp"

#include "plan/program.hpp"

namespace gmdiff {

using particle::MomentPlaces;

particle::MomentPlaces moment_places(const Plan& plan, const Accumulate& stage) {
  return {.dim = plan.dim(), .has_covariance = stage.has_covariance};
}

std::int64_t num_moments(const Plan& plan) {
  const Accumulate* stage = accumulate_stage(plan);
  return stage == nullptr ? 0 : moment_places(plan, *stage).size();
}

ChainMoments chain_moments(const Plan& plan, const Accumulate& stage, const std::vector<double>& numbers,
                           std::int64_t chains) {
  const MomentPlaces places = moment_places(plan, stage);
  const Eigen::Index d = places.dim;
  ChainMoments moments;
  moments.steps = plan.num_steps() - static_cast<std::int64_t>(stage.counted_from - plan.first_step);
  moments.mean.resize(chains, d);
  moments.variance.resize(chains, d);
  moments.covariance.resize(chains, stage.has_covariance ? d * d : 0);
  moments.batch_means.resize(chains, ChainMoments::batches * d);
  const auto freedom = static_cast<double>(moments.steps - 1);
  for (std::int64_t c = 0; c < chains; ++c) {
    const double* of_chain = numbers.data() + c * places.size();
    for (Eigen::Index i = 0; i < d; ++i) {
      moments.mean(c, i) = of_chain[places.mean(i)];
      moments.variance(c, i) = of_chain[places.product(i, i)] / freedom;
      for (Eigen::Index q = 0; q < ChainMoments::batches; ++q)
        moments.batch_means(c, q * d + i) = of_chain[places.batch(q, i)] / static_cast<double>(stage.batch);
      for (Eigen::Index j = 0; stage.has_covariance && j <= i; ++j)
        moments.covariance(c, i * d + j) = moments.covariance(c, j * d + i) =
            of_chain[places.product(i, j)] / freedom;
    }
  }
  return moments;
}

}  // namespace gmdiff
