#include "device/precision_warning.hpp"

#include <string>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>

#include "support/mixtures.hpp"

namespace gmdiff::test {
namespace {

Mixture at(double offset, double deviation) {
  return {{0.5, 0.5},
          Points{{offset, 0.0}, {offset, 1.0}},
          Covariance::diag(Points::Constant(2, 2, deviation * deviation))};
}

std::optional<std::string> warning_of(const Mixture& law, int steps, Precision precision,
                                      const Sampler& sampler = ExactTransition{}) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  return precision_warning(
      sampling_plan(std::span(&law, 1), process, TimeGrid::uniform(process, steps), sampler), precision);
}

std::optional<std::string> warning_of_draw(const Mixture& law, Precision precision) {
  return precision_warning(draw_plan(std::span(&law, 1)), precision);
}

TEST(PrecisionWarning, NamesTheLossFarFromTheOrigin) {
  const auto warning = warning_of(at(2e6, 0.5), 50, Precision::f32);

  ASSERT_TRUE(warning);
  EXPECT_TRUE(warning->starts_with(
      "float32 resolves 0.238419 at coordinates of size 2e+06, where component 0 of the law has a standard "
      "deviation of 0.5: rounding changes that variance by up to about "))
      << *warning;
  EXPECT_TRUE(warning->ends_with("use precision f64, or move the law nearer to 0")) << *warning;
  EXPECT_FALSE(warning_of(at(2e6, 0.5), 50, Precision::f64));
  EXPECT_TRUE(warning_of(at(1e15, 0.5), 50, Precision::f64)->starts_with("float64 resolves "));
}

TEST(PrecisionWarning, OrdinaryProblemsHaveNone) {
  for (const Sampler& sampler :
       {Sampler(ExactTransition{}), Sampler(Ddim{}), Sampler(Heun{}), Sampler(Dpmpp2m{})}) {
    EXPECT_FALSE(warning_of(at(16.0, 1.0), 1000, Precision::f32, sampler));
    EXPECT_FALSE(warning_of(Mixture({1.0}, Points::Zero(1, 2), Covariance::spherical({1e-16})), 1000,
                            Precision::f32, sampler));
  }
  EXPECT_FALSE(warning_of(at(1.0, 0.0), 1000, Precision::f32)) << "a point mass has no variance to lose";
}

TEST(PrecisionWarning, StepsLoseMoreThanOneDraw) {
  EXPECT_FALSE(warning_of_draw(at(1e5, 0.5), Precision::f32));
  EXPECT_TRUE(warning_of(at(1e5, 0.5), 300, Precision::f32));
  EXPECT_FALSE(warning_of(at(1e5, 0.5), 3, Precision::f32));
  EXPECT_TRUE(warning_of_draw(at(1e7, 0.5), Precision::f32));
}

TEST(PrecisionWarning, SeesNarrowDirectionsOfWideLaws) {
  // The coordinates are of size 1e5; their rounding moves points along the narrow axis.
  const Mixture wide({1.0}, Points::Zero(1, 2),
                     Covariance::tied_eigen(orthogonal(2, 5), Eigen::Vector2d(1e-4, 1e10)));

  EXPECT_TRUE(warning_of_draw(wide, Precision::f32));
  EXPECT_FALSE(warning_of_draw(wide, Precision::f64));
  const Mixture along({1.0}, Points::Zero(1, 2),
                      Covariance::tied_eigen(Eigen::MatrixXd::Identity(2, 2), Eigen::Vector2d(1e-4, 1e10)));
  EXPECT_FALSE(warning_of_draw(along, Precision::f32));
}

TEST(PrecisionWarning, ComponentsThatHardlyOccurDoNotCount) {
  const Mixture law({1.0, 1e-9}, Points{{0.0}, {1e8}}, Covariance::spherical({1.0, 1.0}));

  EXPECT_FALSE(warning_of_draw(law, Precision::f32));
}

TEST(PrecisionWarning, IsPartOfEveryKindOfRun) {
  const Mixture law = at(2e6, 0.5);
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  const TimeGrid grid = TimeGrid::uniform(process, 50);
  const LinearObservation observation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{2e6}}, 1.0);
  const Options options{.count = 2};
  const auto expect_warning = [](const Provenance& provenance) {
    ASSERT_EQ(provenance.warnings.size(), 1U);
    EXPECT_TRUE(provenance.warnings.front().starts_with("float32 resolves ")) << provenance.warnings.front();
  };

  expect_warning(sample(law, process, grid, ExactTransition{}, options).provenance());
  expect_warning(forward(at(2e7, 0.5), process, grid, options).provenance());
  expect_warning(draw(at(2e7, 0.5), options).provenance());
  expect_warning(
      sample(law, observation, process, grid, SmcSampler(Mcgdiff{.particles = 8}), options).provenance());
}

}  // namespace
}  // namespace gmdiff::test
