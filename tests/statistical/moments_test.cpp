#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "support/statistics.hpp"

// First and second moments of all quantities that are exact by construction, within 4 standard errors:
// starts, churn, steps that add only noise, forward paths, draws.

namespace gmdiff {
namespace {

constexpr double most_standard_errors = 4.0;
constexpr std::int64_t num_particles = 200'000;

const Points means{{0.5, -1.0}, {2.0, -1.0}, {-3.0, 1.5}};

std::vector<Mixture> mixture_of_every_structure() {
  const std::vector<double> weights{0.3, 0.6, 0.1};
  const Points variances{{0.5, 1.0}, {2.0, 0.25}, {1.0, 0.0}};
  const Eigen::MatrixXd rotation{{0.6, -0.8}, {0.8, 0.6}};
  const auto covariance = [](double a, double b, double c) { return Eigen::MatrixXd{{a, b}, {b, c}}; };
  return {
      {weights, means, Covariance::spherical({0.5, 1.0, 0.25})},
      {weights, means, Covariance::diag(variances)},
      {weights, means, Covariance::tied(covariance(1.0, 0.7, 2.0))},
      {weights, means, Covariance::common_basis(rotation, variances)},
      {weights, means,
       Covariance::full({covariance(0.5, 0.1, 0.5), covariance(0.7, -0.6, 0.7), covariance(0.3, 0.0, 1.0)})}};
}

/// A process whose noisiest level still depends on the data.
ForwardProcess mild_process() { return vp(LinearBeta{.min = 0.1, .max = 2.0}); }

Level level_of(const TimeGrid& grid, int i) {
  return {static_cast<double>(grid.level(i).alpha), static_cast<double>(grid.level(i).sigma)};
}

void expect_law(const Points& samples, const Mixture& law, const std::string& what) {
  EXPECT_LT(test::largest_moment_z(samples, law.mean(), law.covariance()), most_standard_errors) << what;
}

/// Level `kept` of M levels, one row per particle.
Points level_of_history(const Samples& samples, Eigen::Index kept) {
  const auto levels = static_cast<Eigen::Index>(samples.shape()[1]);
  const Points all = samples.to_double();
  Points rows(samples.shape()[0], all.cols());
  for (Eigen::Index n = 0; n < rows.rows(); ++n) rows.row(n) = all.row(n * levels + kept);
  return rows;
}

TEST(Moments, OfDraws) {
  std::uint64_t seed = 100;
  for (const Mixture& mixture : mixture_of_every_structure()) {
    const std::string structure = to_string(mixture.covariance_type());
    const Options options{
        .count = num_particles, .seed = ++seed, .precision = seed % 2 == 0 ? Precision::f32 : Precision::f64};

    expect_law(draw(mixture, options).to_double(), mixture, structure);
    const Level level{.alpha = 0.5, .sigma = 0.75};
    expect_law(draw(mixture, options, level).to_double(), mixture.diffuse(level), structure + " diffused");
  }
}

TEST(Moments, OfDrawsRefuseAVarianceTwoPercentTooLarge) {
  const Mixture drawn({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({1.02}));
  const Mixture law({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({1.0}));
  const Points samples = draw(drawn, {.count = num_particles, .seed = 1}).to_double();

  EXPECT_GT(test::largest_moment_z(samples, law.mean(), law.covariance()), most_standard_errors);
}

TEST(Moments, OfTheStart) {
  const ForwardProcess process = mild_process();
  const TimeGrid grid = TimeGrid::uniform(process, 1);
  std::uint64_t seed = 200;
  for (const Mixture& mixture : mixture_of_every_structure()) {
    const Options options{.count = num_particles, .seed = ++seed, .history = 2};

    const Samples exact = sample(mixture, process, grid, Ddim{}, options);
    const Samples gaussian = sample(mixture, process, grid, Ddim{.start = Start::gaussian}, options);

    expect_law(level_of_history(exact, 0), mixture.diffuse(level_of(grid, 0)),
               to_string(mixture.covariance_type()));
    const double sigma = level_of(grid, 0).sigma;
    const Mixture normal({1.0}, Points::Zero(1, 2), Covariance::spherical({sigma * sigma}));
    expect_law(level_of_history(gaussian, 0), normal, "gaussian start");
  }
}

TEST(Moments, OfChurnAreThoseOfTheLevelItLeadsTo) {
  // With S_noise = 1 churn transforms p_t to p_that. The rest of the step is removed, so that the state after
  // churn is the result.
  const ForwardProcess process = mild_process();
  const TimeGrid grid = TimeGrid::list(process, {0.5, 0.25});
  std::uint64_t seed = 300;
  for (const Mixture& mixture : mixture_of_every_structure()) {
    Plan plan = sampling_plan(std::span(&mixture, 1), process, grid, Ddim{.churn = 0.4});
    AffineStep churn = std::get<AffineStep>(plan.steps.front());
    const Level reached = churn.level1;
    EXPECT_GT(reached.sigma / reached.alpha, 1.3 * level_of(grid, 0).sigma / level_of(grid, 0).alpha);
    churn.evaluations = 0;
    churn.a = 1.0;
    churn.b_1 = churn.e = 0.0;
    plan.steps.front() = churn;

    const Points samples = run(plan, {.count = num_particles, .seed = ++seed}).to_double();

    expect_law(samples, mixture.diffuse(reached), to_string(mixture.covariance_type()));
  }
}

TEST(Moments, OfAStepThatIsAllNoise) {
  // From alpha = 0, DDIM with eta = 1 depends only on the mean of the data: x_s = alpha_s E[x_0] + sigma_s
  // eps.
  const ForwardProcess process{RectifiedFlow{}};
  const TimeGrid grid = TimeGrid::list(process, {1.0, 0.5});
  std::uint64_t seed = 400;
  for (const Mixture& mixture : mixture_of_every_structure()) {
    const Samples samples =
        sample(mixture, process, grid, Ddim{.eta = 1.0}, {.count = num_particles, .seed = ++seed});

    const Mixture law({1.0}, 0.5 * mixture.mean().transpose(), Covariance::spherical({0.25}));
    expect_law(samples.to_double(), law, to_string(mixture.covariance_type()));
  }
}

TEST(Moments, OfForwardPathsAtEachLevelAndBetweenLevels) {
  const ForwardProcess process = mild_process();
  const TimeGrid grid = TimeGrid::list(process, {1.0, 0.6, 0.25, 0.0});
  std::uint64_t seed = 500;
  for (const Mixture& mixture : mixture_of_every_structure()) {
    const std::string structure = to_string(mixture.covariance_type());
    const Samples paths = forward(mixture, process, grid, {.count = num_particles, .seed = ++seed});
    for (int i = 0; i < 4; ++i) {
      expect_law(level_of_history(paths, 3 - i), mixture.diffuse(level_of(grid, i)),
                 structure + " level " + std::to_string(i));
    }

    // (x_s, x_t) for s = 0.25, t = 0.6: Cov(x_s, x_t) = alpha_{t|s} Cov(x_s).
    const Level s = level_of(grid, 2), t = level_of(grid, 1);
    Points pairs(num_particles, 4);
    pairs << level_of_history(paths, 1), level_of_history(paths, 2);
    Eigen::VectorXd mean(4);
    mean << s.alpha * mixture.mean(), t.alpha * mixture.mean();
    const Eigen::MatrixXd at_s = mixture.diffuse(s).covariance();
    Eigen::MatrixXd covariance(4, 4);
    covariance << at_s, t.alpha / s.alpha * at_s, t.alpha / s.alpha * at_s, mixture.diffuse(t).covariance();
    EXPECT_LT(test::largest_moment_z(pairs, mean, covariance), most_standard_errors)
        << structure << " between levels";
  }
}

TEST(Moments, OfForwardPathsFromGivenStates) {
  // x_t | x_0 ~ N(alpha x_0, sigma^2 I) for every process.
  for (const ForwardProcess& process :
       {mild_process(), ForwardProcess(Ve{}), ForwardProcess(RectifiedFlow{})}) {
    const TimeGrid grid = TimeGrid::list(process, {0.75 * process.T(), 0.5 * process.T()});
    const Mixture mixture = mixture_of_every_structure().front();
    Options options{.count = num_particles, .seed = 600};
    options.start = Points::Constant(num_particles, 2, 3.0);

    const Samples paths = forward(mixture, process, grid, options);

    const Level level = level_of(grid, 0);
    const Mixture law({1.0}, Points::Constant(1, 2, 3.0 * level.alpha),
                      Covariance::spherical({level.sigma * level.sigma}));
    expect_law(level_of_history(paths, 1), law, process.name());
  }
}

}  // namespace
}  // namespace gmdiff
