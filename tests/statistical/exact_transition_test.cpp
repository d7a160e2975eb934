#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "support/golden.hpp"
#include "support/statistics.hpp"

// The exact reverse transition has no discretisation error: 1e6 particles after few uneven steps are draws of
// the mixture. Judged by the Kolmogorov-Smirnov test on 32 projections against their closed-form cdf, by the
// variances of the same projections, and by how often each component is the most responsible one; family-wise
// p > 1e-6. The same judgement must reject noise that is 1 % off and a weight that is 2 % off.
//
// The samplers that draw x_0 at every level are equally exact: 1e5 particles after 1, 3 and 10 steps.

namespace gmdiff {
namespace {

constexpr std::int64_t num_particles = 1'000'000;
constexpr int num_projections = 32;
constexpr int few_projections = 4;  // enough to find a planted bias, at an eighth of the time

struct Component {
  double weight;
  Eigen::Vector2d mean;
  Eigen::Matrix2d covariance;
};

/// Three overlapping components in the plane.
const std::array<Component, 3> components{{
    {0.3, {-1.0, -1.0}, Eigen::Matrix2d{{0.5, 0.1}, {0.1, 0.5}}},
    {0.4, {1.0, 1.0}, Eigen::Matrix2d{{0.7, -0.1}, {-0.1, 0.7}}},
    {0.3, {2.0, -2.0}, Eigen::Matrix2d{{0.3, 0.0}, {0.0, 1.0}}},
}};

/// The mixture with its first weight multiplied by `factor`; the second weight keeps the sum 1.
Mixture mixture(double factor = 1.0) {
  std::vector<double> weights;
  Points means(3, 2);
  std::vector<Eigen::MatrixXd> covariances;
  for (std::size_t k = 0; k < components.size(); ++k) {
    weights.push_back(components[k].weight);
    means.row(static_cast<Eigen::Index>(k)) = components[k].mean;
    covariances.emplace_back(components[k].covariance);
  }
  weights[1] -= (factor - 1.0) * weights[0];
  weights[0] *= factor;
  return {weights, means, Covariance::full(covariances)};
}

// --- how often a component is the most responsible one -----------------------------------------------------

double log_term(const Component& component, const Eigen::Vector2d& x) {
  const Eigen::Matrix2d& S = component.covariance;
  const Eigen::Vector2d v = x - component.mean;
  const double determinant = S(0, 0) * S(1, 1) - S(0, 1) * S(0, 1);
  const double quadratic =
      (S(1, 1) * v(0) * v(0) - 2.0 * S(0, 1) * v(0) * v(1) + S(0, 0) * v(1) * v(1)) / determinant;
  return std::log(component.weight) - 0.5 * quadratic - 0.5 * std::log(determinant);
}

std::size_t most_responsible(const Eigen::Vector2d& x) {
  std::array<double, 3> terms{};
  for (std::size_t k = 0; k < 3; ++k) terms[k] = log_term(components[k], x);
  return static_cast<std::size_t>(std::max_element(terms.begin(), terms.end()) - terms.begin());
}

/// Appends the points on the line of the given first coordinate at which two components are equally
/// responsible; their terms differ by a quadratic in the second coordinate.
void append_boundaries(const Component& one, const Component& other, double x,
                       std::vector<double>& boundaries) {
  const auto difference = [&](double y) { return log_term(one, {x, y}) - log_term(other, {x, y}); };
  const double c = difference(0.0);
  const double a = 0.5 * (difference(1.0) + difference(-1.0)) - c;
  const double b = 0.5 * (difference(1.0) - difference(-1.0));
  const double discriminant = b * b - 4.0 * a * c;
  if (discriminant < 0.0) return;
  const double q = -0.5 * (b + std::copysign(std::sqrt(discriminant), b));
  if (a != 0.0) boundaries.push_back(q / a);
  if (q != 0.0) boundaries.push_back(c / q);
}

/// p(x, low < y < high) of the mixture.
double strip(double x, double low, double high) {
  double sum = 0.0;
  for (const Component& component : components) {
    const Eigen::Matrix2d& S = component.covariance;
    const double mean = component.mean(1) + S(0, 1) / S(0, 0) * (x - component.mean(0));
    const double sd = std::sqrt(S(1, 1) - S(0, 1) * S(0, 1) / S(0, 0));
    const auto cdf = [&](double y) { return 0.5 * std::erfc(-(y - mean) / (sd * std::numbers::sqrt2)); };
    const double v = x - component.mean(0);
    sum += component.weight * std::exp(-0.5 * v * v / S(0, 0)) / std::sqrt(2.0 * std::numbers::pi * S(0, 0)) *
           (cdf(high) - cdf(low));
  }
  return sum;
}

/// P(component k is the most responsible one): exact along y between the boundaries, trapezoidal rule along
/// x.
Eigen::Vector3d mode_probabilities() {
  constexpr double reach = 12.0, spacing = 1.0 / 256.0;
  Eigen::Vector3d probabilities = Eigen::Vector3d::Zero();
  for (double x = -reach; x <= reach; x += spacing) {
    std::vector<double> y{-reach, reach};
    for (std::size_t k = 0; k < 3; ++k) append_boundaries(components[k], components[(k + 1) % 3], x, y);
    std::erase_if(y, [](double value) { return !(std::abs(value) <= reach); });
    std::sort(y.begin(), y.end());
    for (std::size_t i = 0; i + 1 < y.size(); ++i) {
      const std::size_t k = most_responsible({x, 0.5 * (y[i] + y[i + 1])});
      probabilities(static_cast<Eigen::Index>(k)) += spacing * strip(x, y[i], y[i + 1]);
    }
  }
  return probabilities;
}

// --- the judgement -----------------------------------------------------------------------------------------

/// z of the sample variance against the exact one, standard error from the sample's fourth moment.
double variance_z(const Eigen::ArrayXd& values, double mean, double variance) {
  const Eigen::ArrayXd squares = (values - mean).square();
  const double average = squares.mean();
  const double spread = (squares - average).square().mean();
  return (average - variance) / std::sqrt(spread / static_cast<double>(values.size()));
}

/// Family-wise p-value of "these points are draws of the mixture".
double p_of_points(const Points& points, int projections = num_projections) {
  const Mixture law = mixture();
  std::vector<double> p_values;
  const Points directions = test::directions_in_the_plane(projections);
  for (const auto& direction : directions.rowwise()) {
    const Mixture projected = law.project(direction.transpose());
    const Eigen::VectorXd values = points * direction.transpose();
    const Eigen::VectorXd cdf = projected.cdf(values);
    p_values.push_back(test::kolmogorov_smirnov_p({cdf.begin(), cdf.end()}));
    p_values.push_back(
        test::normal_two_sided_p(variance_z(values, projected.mean()(0), projected.covariance()(0, 0))));
  }

  Eigen::VectorXd counts = Eigen::VectorXd::Zero(3);
  for (const auto& point : points.rowwise())
    counts(static_cast<Eigen::Index>(most_responsible(point.transpose()))) += 1.0;
  p_values.push_back(test::chi_square_p(counts, mode_probabilities()));
  return test::family_wise_p(p_values);
}

Plan plan_on(const std::vector<double>& times, const Mixture& law = mixture(),
             const Sampler& sampler = ExactTransition{}) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 5.0});
  return sampling_plan(std::span(&law, 1), process, TimeGrid::list(process, times), sampler);
}

Points points_of(const Plan& plan, std::uint64_t seed, std::int64_t count = num_particles) {
  return run(plan, {.count = count, .seed = seed}).to_double();
}

const std::vector<double> uneven{1.0, 0.83, 0.5, 0.29, 0.04, 0.0};

TEST(ExactTransition, ModeProbabilitiesAddUpToOne) { EXPECT_NEAR(mode_probabilities().sum(), 1.0, 1e-12); }

TEST(ExactTransition, FiveUnevenStepsDrawTheMixture) {
  EXPECT_GT(p_of_points(points_of(plan_on(uneven), 1)), test::least_p);
}

TEST(ExactTransition, OneStepDrawsTheMixture) {
  EXPECT_GT(p_of_points(points_of(plan_on({1.0, 0.0}), 2)), test::least_p);
}

TEST(ExactTransition, TransitionNoiseOnePercentTooSmallIsFound) {
  Plan plan = plan_on(uneven);
  for (Step& step : plan.steps) std::get<MixtureTransition>(step).sigma_ts *= 0.99;

  EXPECT_LT(p_of_points(points_of(plan, 1), few_projections), test::least_p);
}

TEST(ExactTransition, AWeightTwoPercentTooLargeIsFound) {
  EXPECT_LT(p_of_points(points_of(plan_on({1.0, 0.0}, mixture(1.02)), 2), few_projections), test::least_p);
}

// --- draws of x_0 at every level ---------------------------------------------------------------------------

constexpr std::int64_t fewer_particles = 100'000;

std::vector<double> equal_times(int steps) {
  std::vector<double> times;
  for (int i = steps; i >= 0; --i) times.push_back(static_cast<double>(i) / steps);
  return times;
}

TEST(ExactDraws, OfTheDataDrawTheMixtureOnEveryGrid) {
  std::uint64_t seed = 10;
  for (const Sampler& sampler : {Sampler(ExactAncestral{}), Sampler(ExactAncestral{.eta = 0.5}),
                                 Sampler(ExactAncestral{.eta = 0.0}), Sampler(ExactDecoupled{})}) {
    for (const int steps : {1, 3, 10}) {
      const Plan plan = plan_on(equal_times(steps), mixture(), sampler);
      EXPECT_GT(p_of_points(points_of(plan, ++seed, fewer_particles)), test::least_p)
          << "sampler " << sampler.index() << ", " << steps << " steps";
    }
  }
}

/// The plan with the mean E[x_0 | x_t] where it draws x_0.
Plan with_denoiser_for_draws(Plan plan) {
  for (Step& step : plan.steps) {
    auto* program = std::get_if<Program>(&step);
    if (program == nullptr) continue;
    for (Stage& stage : program->stages) {
      if (const auto* draw = std::get_if<Transition>(&stage))
        stage = Evaluate{.level = draw->t, .from = draw->from, .to = draw->to};
    }
  }
  return plan;
}

TEST(ExactDraws, ADenoiserThatReplacesTheDrawIsFound) {
  for (const Sampler& sampler : {Sampler(ExactAncestral{}), Sampler(ExactDecoupled{})}) {
    const Plan plan = with_denoiser_for_draws(plan_on(equal_times(10), mixture(), sampler));
    EXPECT_LT(p_of_points(points_of(plan, 3, fewer_particles), few_projections), test::least_p);
  }
}

TEST(ExactDraws, DataTwoPercentTooLargeAreFound) {
  Plan plan = plan_on(equal_times(10), mixture(), ExactDecoupled{});
  for (Step& step : plan.steps) {
    if (auto* program = std::get_if<Program>(&step))
      std::get<Combine>(program->stages.back()).terms.back().factor *= 1.02;
  }

  EXPECT_LT(p_of_points(points_of(plan, 4, fewer_particles), few_projections), test::least_p);
}

TEST(NaiveBackward, HasTheLawOfTheDataWithTwiceTheNoiseOfTheStart) {
  // The Ornstein-Uhlenbeck process up to T: the means are those of the data, and the excess of each variance
  // is 2 sigma_T^2 / alpha_T^2 on every grid.
  const ForwardProcess process(Ou{.T = 1.0});
  const Level start = process.level(1.0);
  const double excess = 2.0 * start.sigma * start.sigma / (start.alpha * start.alpha);
  const Mixture data({0.25, 0.75}, Points{{-2.0}, {1.0}}, Covariance::spherical({0.0625, 0.25}));
  const auto p_for = [&](double added) {
    const Mixture law({0.25, 0.75}, data.means(), Covariance::spherical({0.0625 + added, 0.25 + added}));
    const Samples samples = sample(data, process, TimeGrid::uniform(process, 7), NaiveBackward{},
                                   {.count = 100'000, .seed = 4, .precision = Precision::f64});
    const Eigen::VectorXd cdf = law.cdf(samples.to_double().col(0));
    return test::kolmogorov_smirnov_p({cdf.begin(), cdf.end()});
  };
  EXPECT_GT(p_for(excess), test::least_p);
  EXPECT_LT(p_for(0.9 * excess), test::least_p);  // planted
}

TEST(Annealed, LeavesTheSharesOfModesThatItsTransitionDensitiesGive) {
  const test::json& golden_case = test::load_golden("annealed")["cases"][1];
  const ForwardProcess process(Edm{});
  std::vector<double> t;
  const int last = golden_case["levels"].get<int>() - 1;
  const double n_max = golden_case["n_max"], n_min = golden_case["n_min"];
  t.reserve(static_cast<std::size_t>(last) + 1);
  for (int i = 0; i <= last; ++i) t.push_back(n_max * std::pow(n_min / n_max, static_cast<double>(i) / last));
  const Annealed sampler{
      .relative_step = golden_case["relative_step"], .inner = golden_case["inner"], .denoise = false};
  const Eigen::VectorXd x = sample(test::mixture(golden_case), process, TimeGrid::list(process, t), sampler,
                                   {.count = 20'000, .seed = 8, .precision = Precision::f64})
                                .to_double()
                                .col(0);
  const auto count = static_cast<double>(x.size());
  const auto left = static_cast<double>((x.array() < 0.0).count());
  // The number of states on the left is binomial.
  const auto share_p = [&](double share) {
    return test::normal_two_sided_p((left - count * share) / std::sqrt(count * share * (1.0 - share)));
  };
  EXPECT_GT(share_p(golden_case["share_left"]), test::least_p);
  EXPECT_LT(share_p(golden_case["weights"][0]), test::least_p);  // planted: shares do not freeze
  // The states on the right are nearly normal, so their variance has the relative error sqrt(2 / n).
  const auto is_right = (x.array() > 0.0).cast<double>();
  const double mean = (x.array() * is_right).sum() / is_right.sum();
  const double variance = ((x.array() - mean).square() * is_right).sum() / is_right.sum();
  const auto variance_p = [&](double sd) {
    return test::normal_two_sided_p((variance / (sd * sd) - 1.0) * std::sqrt(is_right.sum() / 2.0));
  };
  EXPECT_GT(variance_p(golden_case["sd_right"]), test::least_p);
  EXPECT_LT(variance_p(0.5), test::least_p);  // planted: that of the data
}

}  // namespace
}  // namespace gmdiff
