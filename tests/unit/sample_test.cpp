#include <gmdiff/device/sample.hpp>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"

// The convenience functions give the same run as plan and run.

namespace gmdiff {
namespace {

const Options options{.count = 20, .seed = 4, .precision = Precision::f64, .first = 7};

Mixture prior() { return {{0.6, 0.4}, Points{{0.0, 0.0}, {2.0, 2.0}}, Covariance::spherical({0.5, 0.8})}; }

LinearObservation observation(double y) { return {Eigen::MatrixXd{{1.0, 0.5}}, Eigen::VectorXd{{y}}, 0.25}; }

ForwardProcess process() { return vp(LinearBeta{}); }

TimeGrid grid() { return TimeGrid::uniform(process(), 5); }

Points values(const Samples& samples) { return samples.to_double(); }

TEST(Sample, RunsTheSamplersPlan) {
  const Mixture mixture = prior();
  const Plan plan = sampling_plan(std::span(&mixture, 1), process(), grid(), Heun{});

  EXPECT_EQ(values(sample(mixture, process(), grid(), Heun{}, options)), values(run(plan, options)));
}

TEST(Sample, OfAnObservationSamplesTheExactPosterior) {
  const Mixture exact = posterior(prior(), observation(1.5)).mixture;

  EXPECT_EQ(values(sample(prior(), observation(1.5), process(), grid(), Ddim{}, options)),
            values(sample(exact, process(), grid(), Ddim{}, options)));
}

TEST(Sample, OfManyObservationsHasOneProblemEach) {
  const std::vector<LinearObservation> observations{observation(1.5), observation(-0.5), observation(0.0)};

  const Samples batch = sample(prior(), observations, process(), grid(), Ancestral{}, options);

  EXPECT_EQ(batch.shape(), (std::vector<std::int64_t>{3, 20, 2}));
  for (std::size_t p = 0; p < 3; ++p) {
    Options single = options;
    single.seed = batch.provenance().problem_seeds[p];
    const Points alone = values(sample(prior(), observations[p], process(), grid(), Ancestral{}, single));
    EXPECT_EQ(values(batch).middleRows(static_cast<Eigen::Index>(p) * 20, 20), alone) << "problem " << p;
  }
}

TEST(Sample, OfNoProblemIsRefused) {
  test::expect_invalid([] { sample(std::span<const Mixture>{}, process(), grid(), Ddim{}); }, "no mixture");
}

TEST(Draw, HasTheShapeThatTheOptionsAskFor) {
  EXPECT_EQ(draw(prior(), {.count = 6}).shape(), (std::vector<std::int64_t>{6, 2}));
  test::expect_invalid([] { draw(prior(), {.count = 0}); }, "run: count must be at least 1, got 0");
}

TEST(Draw, AtALevelIsTheSameDrawDiffused) {
  // One noise vector for any level: with a point mass alpha mu + sigma z.
  const Mixture point({1.0}, Points{{3.0, -1.0}}, Covariance::spherical({0.0}));

  const Points near = values(draw(point, options, {.alpha = 0.5, .sigma = 1.0}));
  const Points far = values(draw(point, options, {.alpha = 0.5, .sigma = 4.0}));

  const Eigen::RowVectorXd mean = 0.5 * point.means().row(0);
  EXPECT_LT(((far.rowwise() - mean) - 4.0 * (near.rowwise() - mean)).cwiseAbs().maxCoeff(), 1e-13);
}

}  // namespace
}  // namespace gmdiff
