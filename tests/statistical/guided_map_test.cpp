#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/sampler/problem.hpp>

// Guided samplers on an observation with a map (mathematics.md §10.3): they are biased, and the law of their
// samples is known from an independent implementation with 20 000 particles.

namespace gmdiff {
namespace {

/// Moments of 20 000 particles on `course-range` after 200 ancestral steps from an exact start.
struct Found {
  Eigen::Vector2d mean, deviation;
  double share;              ///< P(x_2 > 0)
  double rounding = 0.0005;  ///< of the numbers
};
constexpr double particles = 20'000;
const Found of_tmp{{0.193, 0.232}, {0.230, 0.959}, 0.616};
const Found of_dps{{0.171, 0.380}, {0.092, 0.859}, 0.703};           // zeta = 0.1
const Found of_long_dps{{0.16, -0.01}, {0.97, 1.00}, 0.495, 0.005};  // zeta = 1
const Found of_dps_likelihood{{0.172, 0.374}, {0.161, 0.860}, 0.703};

Points samples_of(const GuidedSampler& sampler, double noise_std = 0.25) {
  const auto problem = std::get<NonlinearProblem>(ready_made_problem("course-range"));
  const ForwardProcess process(problem.process);
  const NonlinearObservation observation(problem.observation.map(), problem.observation.y(), noise_std);
  return sample(problem.prior, observation, process, TimeGrid(process, problem.grid), sampler,
                {.count = static_cast<std::int64_t>(particles), .seed = 11})
      .to_double();
}

/// Largest difference of means, standard deviations and the share from the known ones, in standard errors of
/// the difference. Both are estimates from as many particles, and the known ones are rounded. A mean and a
/// share are normal, and so is the standard deviation of at least 20 000 values s, with an error of
/// s / sqrt(2 n) for the fourth moment of a normal law, which that of two modes does not exceed.
double largest_difference(const Points& x, const Found& known) {
  const auto in_errors = [&](double found, double expected, double error) {
    return std::max(std::abs(found - expected) - known.rounding, 0.0) / (std::sqrt(2.0) * error);
  };
  double largest = 0.0;
  for (Eigen::Index i = 0; i < 2; ++i) {
    const double mean = x.col(i).mean();
    const double deviation = std::sqrt((x.col(i).array() - mean).square().mean());
    largest = std::max({largest, in_errors(mean, known.mean(i), deviation / std::sqrt(particles)),
                        in_errors(deviation, known.deviation(i), deviation / std::sqrt(2.0 * particles))});
  }
  const double share = static_cast<double>((x.col(1).array() > 0.0).count()) / particles;
  return std::max(largest, in_errors(share, known.share, std::sqrt(share * (1.0 - share) / particles)));
}

/// Five normal numbers: one of them exceeds 4 once in 3000 times.
constexpr double largest_z = 4.0;

TEST(GuidedSamplersWithMap, HaveTheirKnownBias) {
  EXPECT_LT(largest_difference(samples_of(Tmp{.start = Start::exact}), of_tmp), largest_z);
  EXPECT_LT(largest_difference(samples_of(DpsLikelihood{.start = Start::exact}), of_dps_likelihood),
            largest_z);
  EXPECT_LT(largest_difference(samples_of(Dps{.zeta = 0.1, .start = Start::exact}), of_dps), largest_z);
  EXPECT_LT(largest_difference(samples_of(Dps{.zeta = 1.0, .start = Start::exact}), of_long_dps), largest_z);
  // Planted: R doubled, and the law of the other method.
  EXPECT_GT(largest_difference(samples_of(Tmp{.start = Start::exact}, 0.25 * std::sqrt(2.0)), of_tmp),
            largest_z);
  EXPECT_GT(largest_difference(samples_of(DpsLikelihood{.start = Start::exact}), of_tmp), largest_z);
}

}  // namespace
}  // namespace gmdiff
