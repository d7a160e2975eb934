#include <gmdiff/model/target.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>
#include <Eigen/Cholesky>

#include <gmdiff/device/tuned.hpp>

#include "support/expect_invalid.hpp"
#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::normal_points;

Logistic logistic() {
  return {.data = normal_points(12, 3, 3),
          .labels = Eigen::VectorXd{{0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0}},
          .prior_std = 1.5};
}

StudentTMixture student_t() {
  return {.components = 3, .nu = 4.0, .dim = 2, .locations = Points{{0.0, 1.0}, {-1.0, 0.5}, {2.0, -1.0}}};
}

/// The gradient and the Hessian by central differences.
TEST(Targets, HaveTheDerivativesOfTheirDensity) {
  constexpr double h = 1e-5;
  for (const Target& target : std::vector<Target>{
           SinGaussian{.amplitude = 0.7, .dim = 3}, Banana{.dim = 4}, Funnel{.scale = 1.5, .dim = 3},
           ManyWell{.wells = 2, .delta = 1.5, .dim = 3}, logistic(), student_t(), Seeds{}, Brownian{}}) {
    const Points x = normal_points(5, static_cast<Eigen::Index>(target.dim()), 4);
    const Points v = normal_points(5, static_cast<Eigen::Index>(target.dim()), 5);
    const Points up = x + h * v, down = x - h * v;
    const Eigen::VectorXd slope = (target.log_density(up) - target.log_density(down)) / (2.0 * h);
    const Eigen::VectorXd along = target.gradient(x).cwiseProduct(v).rowwise().sum();
    EXPECT_LT((slope - along).cwiseAbs().maxCoeff(), 1e-6 * (1.0 + along.cwiseAbs().maxCoeff()));
    const Points bend = (target.gradient(up) - target.gradient(down)) / (2.0 * h);
    const Points product = target.hessian_vp(x, v);
    EXPECT_LT((bend - product).cwiseAbs().maxCoeff(), 1e-6 * (1.0 + product.cwiseAbs().maxCoeff()));
  }
}

TEST(Targets, KnowNormalizersAndMomentsOnlyInClosedForm) {
  EXPECT_FALSE(Target(logistic()).log_normalizer());
  EXPECT_FALSE(Target(logistic()).moments());
  EXPECT_FALSE(Target(ManyWell{.delta = -1.0}).log_normalizer());
  EXPECT_FALSE(Target(ManyWell{.delta = -1.0}).moments());
  // The Bessel functions overflow.
  EXPECT_FALSE(Target(ManyWell{.delta = 60.0}).log_normalizer());
  EXPECT_EQ(Target(Funnel{}).log_normalizer(), 0.0);
  EXPECT_FALSE(Target(Seeds{}).log_normalizer());
  EXPECT_FALSE(Target(Brownian{}).moments());
  EXPECT_EQ(Target(StudentTMixture{}).log_normalizer(), 0.0);
  EXPECT_FALSE(Target(StudentTMixture{}).moments());
}

TEST(Targets, OfStudentHaveMeanAndVarianceOfTheirLocations) {
  const CoordinateMoments moments = *Target(student_t()).moments();
  // Each coordinate adds the variance nu / (nu - 2) = 2.
  EXPECT_NEAR(moments.mean(0), 1.0 / 3.0, 1e-15);
  EXPECT_NEAR(moments.variance(0), 2.0 + (0.0 + 1.0 + 4.0) / 3.0 - 1.0 / 9.0, 1e-14);
}

TEST(Targets, OfOneStudentLawHaveItsDensity) {
  // nu = 1 is Cauchy's law.
  const Target cauchy = StudentTMixture{.components = 1, .nu = 1.0, .dim = 1, .locations = Points{{0.5}}};
  EXPECT_NEAR(cauchy.log_density(Points{{2.5}})(0), -std::log(5.0 * 3.14159265358979324), 1e-14);
}

TEST(Targets, NameBadParameters) {
  const auto refused = [](const TargetDescription& description, const std::string& message) {
    expect_invalid([&] { Target target(description); }, message);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused(SinGaussian{.dim = 0}, "sin-gaussian: dim must be at least 1, got 0");
  refused(SinGaussian{.frequency = nan}, "sin-gaussian: frequency must be finite, got nan");
  refused(Banana{.dim = 1}, "banana: dim must be at least 2, got 1");
  refused(Banana{.scale = 0.0}, "banana: scale must be positive, got 0");
  refused(Funnel{.scale = -1.0}, "funnel: scale must be positive, got -1");
  refused(ManyWell{.wells = 3, .dim = 2}, "many-well: wells must be in [1, 2], got 3");
  refused(Logistic{}, "logistic: data has shape (0, 0), expected one row and one column or more");
  Logistic bad = logistic();
  bad.labels(2) = 0.5;
  refused(bad, "logistic: label 2 must be 0 or 1, got 0.5");
  bad.labels.conservativeResize(3);
  refused(bad, "logistic: expected one label for each of the 12 rows of data, got 3");
  bad = logistic();
  bad.data(1, 1) = nan;
  refused(bad, "logistic: data must be finite");
  refused(StudentTMixture{.components = 0}, "student-t-mixture: components must be at least 1, got 0");
  refused(StudentTMixture{.dim = 0}, "student-t-mixture: dim must be at least 1, got 0");
  refused(StudentTMixture{.nu = 0.0}, "student-t-mixture: nu must be in [0.1, 1000], got 0");
  refused(StudentTMixture{.nu = nan}, "student-t-mixture: nu must be in [0.1, 1000], got nan");
  refused(StudentTMixture{.components = 20},
          "student-t-mixture: 20 components in dimension 50 take 6080 operations, more than 4096");
  StudentTMixture student = student_t();
  student.dim = 3;
  refused(student,
          "student-t-mixture: locations has shape (3, 2), expected (3, 3), the numbers components and dim");
  student = student_t();
  student.locations(0, 0) = nan;
  refused(student, "student-t-mixture: locations must be finite");
  const Target target = Banana{};
  expect_invalid([&] { target.log_density(Points::Zero(3, 5)); },
                 "Target: points have dimension 5, expected 2");
  expect_invalid([&] { target.hessian_vp(Points::Zero(3, 2), Points::Zero(2, 2)); },
                 "Target: 3 points but 2 vectors");
}

/// Given the scales the density of the states is normal: with l(0), gradient and Hessian at 0 its integral is
/// exact. The trapezoid rule over log s of both scales does the rest (docs/mathematics.md §13.5).
TEST(Targets, OfBrownianMotionHaveTheNormalizerOfTheDocumentation) {
  const Target target = Brownian{};
  constexpr Eigen::Index states = 30;
  constexpr int n = 40;
  constexpr double lower = -9.0, upper = 0.0, dx = (upper - lower) / n;
  const auto raw = [](double log_s) { return std::log(std::expm1(std::exp(log_s))); };
  double sum = 0.0;
  for (int i = 0; i < n * n; ++i) {
    const int row = i / n, column = i % n;
    const double a = lower + dx * row, b = lower + dx * column;
    Points x = Points::Zero(1, target.dim());
    x(0, 0) = raw(a);
    x(0, 1) = raw(b);
    const Eigen::VectorXd g = target.gradient(x).row(0).tail(states);
    Points units = Points::Zero(states, target.dim());
    units.rightCols(states).setIdentity();
    const Eigen::MatrixXd H = target.hessian_vp(x.replicate(states, 1), units).rightCols(states);
    const Eigen::LLT<Eigen::MatrixXd> L(-H);
    const double log_det = 2.0 * L.matrixLLT().diagonal().array().log().sum();
    const double log_mass = target.log_density(x)(0) + 0.5 * g.dot(L.solve(g)) +
                            0.5 * states * std::log(2.0 * std::numbers::pi) - 0.5 * log_det;
    // d raw / d log s = s / (1 - e^-s)
    sum += std::exp(log_mass) * std::exp(a) / -std::expm1(-std::exp(a)) * std::exp(b) /
           -std::expm1(-std::exp(b));
  }
  EXPECT_NEAR(std::log(sum * dx * dx), 1.1877, 5e-5);
}

TEST(Targets, WithoutExactDrawsSaySo) {
  const Target target = Seeds{};
  EXPECT_FALSE(target.has_draws());
  EXPECT_FALSE(Target(logistic()).has_draws());
  expect_invalid([&] { target.draws(3, 0); }, "seeds: this target has no exact draws");
  expect_invalid([&] { draw_plan(target); }, "draw: seeds has no exact draws");
  const Mala exact{.step = 0.1, .run = {.start = Start::exact}};
  expect_invalid([&] { mcmc_plan(target, exact); },
                 "mcmc_plan: seeds has no exact draws; its chains need the start gaussian");
  expect_invalid([&] { tuned(target, Mala{.run = exact.run}); }, "seeds: this target has no exact draws");
}

TEST(Targets, RefuseDrawsThatAreNoRangeOrNeverEnd) {
  const Target target = Funnel{};
  expect_invalid([&] { target.draws(0, 0); }, "Target: draws 0 to 0 + 0 are no range of draws");
  expect_invalid([&] { target.draws(1, 0, -1); }, "Target: draws -1 to -1 + 1 are no range of draws");
  const Target flat = SinGaussian{.amplitude = 100.0, .phase = 1.5707963267948966, .frequency = 0.0};
  expect_invalid([&] { flat.draws(1, 0); },
                 "sin-gaussian: no draw of coordinate 0 was accepted in 100000 trials; amplitude 100 is too "
                 "large for draws by rejection");
}

TEST(Targets, AreTunedFromTheirExactDraws) {
  // Chains in their stationary law accept at any step as often as the closed form of a Gaussian says.
  const Target gaussian = SinGaussian{.amplitude = 0.0};
  const Mala mala{.run = {.start = Start::exact}};
  EXPECT_NEAR(*std::get<Mala>(tuned(gaussian, mala).sampler).step, 3.4, 1.0);
}

TEST(Targets, AreTunedWithTheirScales) {
  const Target target = Banana{.scale = 3.0, .curvature = 0.0};
  const auto mala = std::get<Mala>(tuned(target, Mala{.run = {.start_std = 2.0}}).sampler);
  EXPECT_NEAR(mala.run.preconditioner(0) / mala.run.preconditioner(1), 3.0, 0.7);
}

TEST(Targets, AreCoveredByTheHashOfThePlan) {
  const Mala mala{.step = 0.1};
  const std::uint64_t hash = mcmc_plan(SinGaussian{}, mala).hash();
  EXPECT_NE(mcmc_plan(SinGaussian{.phase = 4.0}, mala).hash(), hash);
  EXPECT_NE(mcmc_plan(ManyWell{}, mala).hash(), hash);
  const std::uint64_t of_student = mcmc_plan(student_t(), mala).hash();
  StudentTMixture moved = student_t();
  moved.locations(1, 0) = 0.25;
  EXPECT_NE(mcmc_plan(moved, mala).hash(), of_student);
  StudentTMixture wider = student_t();
  wider.nu = 3.0;
  EXPECT_NE(mcmc_plan(wider, mala).hash(), of_student);
}

}  // namespace
}  // namespace gmdiff
