#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/sampler/problem.hpp>

// The exact sampler on the tutorial problems, judged as a user would: mean sliced W1 to exact draws over many
// seed pairs, beside the mean of as many noise floors. One W1 has a relative standard deviation of at most
// 0.45, so a mean over 250 has 0.03 and the ratio of two such means 0.04: the bound 1.2 is five standard
// errors above an exact sampler.

namespace gmdiff {
namespace {

constexpr int num_pairs = 250;
constexpr double largest_ratio = 1.2;

struct Means {
  double value = 0.0;
  double floor = 0.0;
  double ratio() const { return value / floor; }
};

/// Means over the seed pairs of SW1(samples + shift, exact draws) and SW1(exact draws, exact draws).
Means mean_distances(const Problem& problem, const Mixture& law, const Sampler& sampler, double shift) {
  constexpr std::int64_t count = 200;
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, problem.grid);
  Means means;
  for (std::uint64_t pair = 0; pair < num_pairs; ++pair) {
    Points samples =
        gmdiff::sample(law, process, grid, sampler, {.count = count, .seed = 4 * pair}).to_double();
    samples.array() += shift;
    const auto exact = [&](std::uint64_t replicate) {
      return draw(law, {.count = count, .seed = 4 * pair + replicate});
    };
    const SlicedOptions options{.slices = 50, .seed = pair};
    means.value += sliced_wasserstein(samples, exact(1), options) / num_pairs;
    means.floor += sliced_wasserstein(exact(2), exact(3), options) / num_pairs;
  }
  return means;
}

std::vector<std::pair<Problem, Mixture>> tutorial_laws() {
  std::vector<std::pair<Problem, Mixture>> laws;
  for (const Problem& problem : {tutorial_1d(), tutorial_2d()}) {
    laws.emplace_back(problem, problem.prior);
    laws.emplace_back(problem, posterior(problem.prior, *problem.observation).mixture);
  }
  return laws;
}

TEST(TutorialProblems, TheExactSamplerIsAtTheNoiseFloorOfPriorsAndPosteriors) {
  for (const auto& [problem, law] : tutorial_laws()) {
    const Means means = mean_distances(problem, law, ExactTransition{}, 0.0);

    EXPECT_LE(means.ratio(), largest_ratio)
        << "d = " << law.dim() << ", value " << means.value << ", floor " << means.floor;
    EXPECT_GE(means.ratio(), 1.0 / largest_ratio)
        << "d = " << law.dim() << ", value " << means.value << ", floor " << means.floor;
  }
}

TEST(TutorialProblems, AShiftedSamplerIsNot) {
  const auto [problem, law] = tutorial_laws()[3];
  const double sd = std::sqrt(law.covariance()(1, 1));

  EXPECT_GT(mean_distances(problem, law, ExactTransition{}, 0.15 * sd).ratio(), largest_ratio);
}

}  // namespace
}  // namespace gmdiff
