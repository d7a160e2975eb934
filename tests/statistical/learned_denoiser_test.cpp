#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/metrics/denoiser_error.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/network/learned_denoiser.hpp>
#include <gmdiff/sampler/problem.hpp>

// A short training on the mixture of the speed figures: the excess of the denoiser at
// five levels, and the distance of its samples to the law.

namespace gmdiff {
namespace {

const DenoiserTraining& trained() {
  static const DenoiserTraining training = [] {
    DenoiserSettings settings;
    settings.hidden = 32;
    settings.ladder.count = 128;
    settings.batch = 512;
    settings.iterations = 2000;
    settings.rate = 5e-3;
    return train_denoiser(bench_2d().prior, settings);
  }();
  return training;
}

DenoiserTraining untrained() { return start_training(bench_2d().prior, trained().settings); }

std::vector<DenoiserError> errors_of(const DenoiserTraining& training) {
  return denoiser_errors(LearnedDenoiser(training).denoiser(), bench_2d().prior, {0.02, 0.1, 0.5, 2.0, 10.0},
                         {.count = 5000, .seed = 5});
}

TEST(LearnedDenoiserTraining, ExcessIsSmallAtEveryLevel) {
  // 2.5 times the largest excess of three seeds; the network before training, which is the best linear
  // denoiser, has 1.9e-4, 0.052 and 0.080 at the levels between the ends.
  const std::vector<double> most{1.2e-6, 3.2e-5, 3e-3, 1.1e-2, 2.8e-2};
  const std::vector<DenoiserError> errors = errors_of(trained()), before = errors_of(untrained());
  for (std::size_t l = 0; l < most.size(); ++l) {
    EXPECT_LT(errors[l].excess, most[l]) << "at n = " << errors[l].n;
    // Floor and excess add up to the loss; 4 standard errors are passed with probability 6e-5.
    EXPECT_LE(std::abs(errors[l].unresolved), 4.0 * errors[l].unresolved_error);
    if (l >= 1 && l <= 3) {
      EXPECT_GT(before[l].excess, 5.0 * most[l]);
    }
  }
}

/// Mean over 20 sets of 400 samples of SW1 to the law, over its expectation for exact draws.
double distance_ratio(const DenoiserTraining& training) {
  constexpr int sets = 20;
  constexpr Eigen::Index count = 400;
  const ForwardProcess process(Edm{});
  const TimeGrid grid(process, KarrasGrid{.steps = 40});
  const Points x =
      sample(LearnedDenoiser(training).denoiser(), 2, process, grid, Heun{.start = Start::gaussian},
             {.count = sets * count, .seed = 3, .device = Device::cpu()})
          .to_double();
  double ratio = 0.0;
  for (int set = 0; set < sets; ++set)
    ratio += judge(Points(x.middleRows(set * count, count)), bench_2d().prior).front().ratio / sets;
  return ratio;
}

// One W1 has a relative standard deviation of at most 0.45, so the mean over 20 sets has 0.1, and the bound
// 1.5 is five standard errors above exact draws.
TEST(LearnedDenoiserTraining, SamplesHaveTheLawOfTheData) {
  EXPECT_LT(distance_ratio(trained()), 1.5);
  EXPECT_GT(distance_ratio(untrained()), 1.5);
}

/// One noisy coordinate of a point.
LinearObservation noisy_coordinate() { return {Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{0.75}}, 0.5}; }

/// Mean over the sets of SW1 to the exact posterior, over its expectation for exact draws.
double posterior_ratio(const DenoiserTraining& training) {
  constexpr int sets = 20;
  constexpr Eigen::Index count = 100;
  const ForwardProcess process(Edm{});
  const TimeGrid grid(process, KarrasGrid{.steps = 80});
  const Mixture exact = posterior(bench_2d().prior, noisy_coordinate()).mixture;
  const Points x = sample(LearnedDenoiser(training).denoiser(), noisy_coordinate(), process, grid,
                          Mcgdiff{.particles = 32, .start = Start::gaussian},
                          {.count = sets * count, .seed = 3, .device = Device::cpu()})
                       .to_double();
  double ratio = 0.0;
  for (int set = 0; set < sets; ++set)
    ratio += judge(Points(x.middleRows(set * count, count)), exact).front().ratio / sets;
  return ratio;
}

// As above. With the exact denoiser these chains have the ratio 0.98, so that their bias and that of their 80
// steps are below the noise of the mean.
TEST(LearnedDenoiserTraining, ChainsHaveTheLawOfThePosterior) {
  EXPECT_LT(posterior_ratio(trained()), 1.5);
  EXPECT_GT(posterior_ratio(untrained()), 1.5);
}

}  // namespace
}  // namespace gmdiff
