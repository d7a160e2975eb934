#include <gmdiff/device/evaluate.hpp>

#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

Mixture two_modes() { return {{0.6, 0.4}, Points{{0.0, 0.0}, {2.0, 2.0}}, Covariance::spherical({0.5, 0.8})}; }

TEST(Evaluate, ComputesWhatIsAskedForAndNothingElse) {
  const Points x{{0.5, 0.25}, {1.0, -1.0}, {3.0, 2.0}};

  const Evaluation density = evaluate(two_modes(), x);
  const Evaluation means = evaluate(two_modes(), x, {.alpha = 0.5, .sigma = 0.5}, {.log_density = false, .score = true, .denoiser = true});

  EXPECT_LE((density.log_density - two_modes().log_pdf(x)).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_EQ(density.score.size() + density.denoiser.size() + density.log_responsibilities.size(), 0);
  EXPECT_EQ(means.log_density.size() + means.log_responsibilities.size(), 0);
  EXPECT_LE((means.score - two_modes().score(x, {0.5, 0.5})).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_LE((means.denoiser - two_modes().denoiser(x, {0.5, 0.5})).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(Evaluate, OfNoPointsIsEmpty) {
  const Evaluation result = evaluate(two_modes(), Points(0, 2), {}, {.score = true});

  EXPECT_EQ(result.log_density.size(), 0);
  EXPECT_EQ(result.score.rows(), 0);
  EXPECT_EQ(result.score.cols(), 2);
}

TEST(Evaluate, OfTheDataAtSigmaZeroIsTheStateItself) {
  const Mixture point({1.0}, Points{{1.0, 1.0}}, Covariance::spherical({0.0}));
  const Points x{{0.5, 0.25}};

  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    const Evaluation result = evaluate(point, x, {.alpha = 0.5, .sigma = 0.0}, {.log_density = false, .denoiser = true, .device = device});
    EXPECT_EQ(result.denoiser, 2.0 * x);
    EXPECT_THROW(evaluate(point, x, {}, {.device = device}), std::domain_error) << "no density";
  }
}

TEST(Evaluate, RefusesBadPointsAndLevels) {
  test::expect_invalid([] { evaluate(two_modes(), Points::Zero(2, 3)); }, "evaluate: points have 3 coordinates but the dimension is 2");
  Points x = Points::Zero(2, 2);
  x(1, 0) = std::numeric_limits<double>::quiet_NaN();
  test::expect_invalid([&] { evaluate(two_modes(), x); }, "evaluate: coordinate 0 of point 1 is nan, expected a finite number");
  test::expect_invalid([] { evaluate(two_modes(), Points::Zero(1, 2), {.alpha = 1.0, .sigma = -1.0}); },
                       "Mixture: the level has sigma = -1");
  test::expect_invalid(
      [] { evaluate(two_modes(), Points::Zero(1, 2), {.alpha = 0.0, .sigma = 0.0}, {.log_density = false, .denoiser = true}); },
      "Mixture: the level has alpha = 0 and sigma = 0");
}

TEST(Evaluate, StopsWhenAskedTo) {
  std::stop_source source;
  source.request_stop();
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    const EvaluateOptions options{.device = device, .stop = source.get_token()};
    EXPECT_THROW(evaluate(two_modes(), Points::Zero(1000, 2), {}, options), std::runtime_error);
  }
}

}  // namespace
}  // namespace gmdiff
