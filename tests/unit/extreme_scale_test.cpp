#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <Eigen/LU>

#include <gtest/gtest.h>

#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "metrics/scale.hpp"
#include "support/expect_invalid.hpp"
#include "support/mixtures.hpp"

// Coordinates whose squares overflow or underflow: distances are scaled, and densities still distinguish
// their components.

namespace gmdiff::test {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

constexpr double infinity = std::numeric_limits<double>::infinity();
const Points x = uniform_points(41, 3, 1);
const Points y = uniform_points(30, 3, 2, 1.5);
const std::vector<double> factors{0x1p-1000, 0x1p-560, 0x1p-300, 0x1p+300, 0x1p+560, 0x1p+1000};

Points times(double factor, const Points& points) { return factor * points; }

TEST(ExtremeScale, OrdinarySetsAreNotCopied) {
  const ScaledSets sets(x, y);

  EXPECT_EQ(&sets.x(), &x);
  EXPECT_EQ(&sets.y(), &y);
  EXPECT_EQ(sets.factor(), 1.0);
}

TEST(ExtremeScale, DistancesAreMultipliedAsThePointsAre) {
  for (const double f : factors) {
    const Points fx = times(f, x);
    const Points fy = times(f, y);
    for (const int p : {1, 2}) {
      EXPECT_EQ(sliced_wasserstein(fx, fy, {.p = p}), f * sliced_wasserstein(x, y, {.p = p})) << f;
      EXPECT_EQ(max_sliced_wasserstein(fx, fy, {.p = p}), f * max_sliced_wasserstein(x, y, {.p = p})) << f;
    }
    for (const EnergyForm form : {EnergyForm::u, EnergyForm::v})
      EXPECT_EQ(energy_distance(fx, fy, form), f * energy_distance(x, y, form)) << f;
    EXPECT_EQ(median_distance(fx, fy), f * median_distance(x, y)) << f;
    EXPECT_NEAR(mmd_squared(fx, fy), mmd_squared(x, y), 1e-14) << f;
  }
}

TEST(ExtremeScale, ACoordinateThatAllPointsShareDoesNotHideTheOthers) {
  Points far_x = times(1e-200, x);
  Points far_y = times(1e-200, y);
  far_x.col(0).setConstant(1e140);
  far_y.col(0).setConstant(1e140);
  Points near_x = x;
  Points near_y = y;
  near_x.col(0).setZero();
  near_y.col(0).setZero();

  EXPECT_NEAR(energy_distance(far_x, far_y) / 1e-200, energy_distance(near_x, near_y), 1e-12);
  EXPECT_NEAR(sliced_wasserstein(far_x, far_y) / 1e-200, sliced_wasserstein(near_x, near_y), 1e-12);
}

TEST(ExtremeScale, PowersBeyondTheLargestDoubleAreInfinite) {
  const std::vector<double> a{0.0, 1e160};
  const std::vector<double> b{0.0, 3e160};

  EXPECT_DOUBLE_EQ(wasserstein_1d(a, b, 1), 1e160);
  EXPECT_EQ(wasserstein_1d(a, b, 2), infinity);
  EXPECT_EQ(slice_wasserstein(times(1e160, x), y, Points::Identity(3, 3), 2)(0), infinity);
}

TEST(ExtremeScale, FarSamplesAreFarFromEveryLaw) {
  const Mixture law({0.5, 0.5}, Points{{-1.0, 0.0, 0.0}, {2.0, 1.0, 0.0}}, Covariance::spherical({1.0, 0.5}));
  const Points far = times(1e160, x);
  for (const Metric metric : {Metric::sliced_wasserstein, Metric::max_sliced_wasserstein,
                              Metric::energy_distance, Metric::moments}) {
    for (const int p : {1, 2}) {
      for (const Judgement& judgement : judge(far, law, {.metric = metric, .p = p, .repeats = 2})) {
        EXPECT_GT(judgement.value, 1e155) << judgement.quantity;
        EXPECT_GT(judgement.ratio, 1e150) << judgement.quantity;
        EXPECT_FALSE(std::isnan(judgement.value_sd)) << judgement.quantity;
      }
    }
  }
  EXPECT_GT(judge(far, law, {.metric = Metric::mmd_squared, .repeats = 2}).front().ratio, 5.0);
}

TEST(ExtremeScale, TinyLawsAreJudgedAsLargeOnes) {
  const auto law = [](double scale) {
    return Mixture({0.5, 0.5}, scale * Points{{-1.0, 0.0, 0.0}, {2.0, 1.0, 0.0}},
                   Covariance::spherical({scale * scale, scale * scale}));
  };
  for (const Metric metric : {Metric::sliced_wasserstein, Metric::energy_distance, Metric::moments}) {
    const JudgeOptions options{.metric = metric, .p = 2, .repeats = 3};
    for (const double f : {0x1p-500, 0x1p+500}) {
      const Judgement ordinary = judge(x, law(1.0), options).front();
      const Judgement scaled = judge(times(f, x), law(f), options).front();
      EXPECT_NEAR(scaled.value / f, ordinary.value, 1e-12 * ordinary.value) << f;
      EXPECT_NEAR(scaled.value_sd / f, ordinary.value_sd, 1e-12 * ordinary.value) << f;
      EXPECT_NEAR(scaled.ratio, ordinary.ratio, 1e-9) << f;
    }
  }
}

TEST(ExtremeScale, MomentsOfHugeAndTinySamples) {
  const Mixture law({1.0}, Points{{0.0, 0.0, 0.0}}, Covariance::spherical({1.0}));
  const MomentErrors ordinary = moment_errors(x, law);

  const MomentErrors huge = moment_errors(times(1e100, x), law);
  EXPECT_NEAR(huge.mean / 1e100, ordinary.mean, 1e-14);
  const MatrixXd covariance =
      (x.rowwise() - x.colwise().mean()).transpose() * (x.rowwise() - x.colwise().mean()) / 40.0;
  EXPECT_NEAR(huge.covariance / 1e200, covariance.norm() / std::sqrt(3.0), 1e-12);
  EXPECT_EQ(moment_errors(times(1e160, x), law).covariance, infinity);
  EXPECT_NEAR(moment_errors(times(1e-200, x), law).covariance, 1.0, 1e-15);
  const Mixture wide({0.5, 0.5}, Points{{-1e160, 0.0, 0.0}, {1e160, 0.0, 0.0}},
                     Covariance::spherical({1.0, 1.0}));
  EXPECT_THROW(moment_errors(x, wide), std::domain_error);
}

TEST(ExtremeScale, KlIsNeverMadeOfTwoInfinities) {
  const Mixture p({1.0}, Points{{0.0, 0.0, 0.0}}, Covariance::spherical({1.0}));
  const Mixture narrow({1.0}, Points{{0.0, 0.0, 0.0}}, Covariance::spherical({1e-300}));

  EXPECT_THROW(kl_divergence(times(1e160, x), p, p), std::domain_error);
  EXPECT_EQ(kl_divergence(times(1e10, x), p, narrow).value, infinity);
  const Mixture wide({1.0}, Points{{3e160, 0.0, 0.0}}, Covariance::spherical({1e300}));
  EXPECT_NEAR(kl_gaussian(p, wide) / 4.5e20, 1.0, 1e-12);
}

// --- densities ---------------------------------------------------------------------------------------------

/// The component that dominates in the direction u: it has the smallest u^T C^-1 u, and among equal ones the
/// largest u^T C^-1 mu.
Index winner(const Mixture& mixture, const Eigen::VectorXd& u) {
  Index best = 0;
  std::vector<std::pair<double, double>> keys;
  for (Index k = 0; k < mixture.num_components(); ++k) {
    const Eigen::VectorXd v = mixture.component_covariance(k).inverse() * u;
    keys.emplace_back(-u.dot(v), mixture.means().row(k).dot(v));
    const auto& [quadratic, linear] = keys[static_cast<std::size_t>(best)];
    const bool equal = std::abs(keys.back().first - quadratic) < 1e-12;
    if (equal ? keys.back().second > linear : keys.back().first > quadratic) best = k;
  }
  return best;
}

TEST(ExtremeScale, TheWinnerOfAFarPointTakesAll) {
  const Points directions = uniform_points(20, 3, 77);
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    for (const double far : {1e20, 1e100, 1e157, 1e200, 1e300}) {
      const Points points = times(far, directions);
      const Points r = mixture.responsibilities(points);
      const Points score = mixture.score(points);
      const Points denoiser = mixture.denoiser(points, {.alpha = 1.0, .sigma = 0.5});
      for (Index n = 0; n < points.rows(); ++n) {
        const Eigen::VectorXd u = directions.row(n);
        const Index k = winner(mixture, u);
        EXPECT_EQ(r(n, k), 1.0) << name << " " << far << ": " << r.row(n);
        expect_near(score.row(n) / far, -(mixture.component_covariance(k).inverse() * u).transpose(), 1e-12,
                    name);
        EXPECT_TRUE(denoiser.row(n).allFinite()) << name << " " << far;
      }
      const Eigen::VectorXd log_pdf = mixture.log_pdf(points);
      EXPECT_EQ((log_pdf.array() < 0.0).count(), 20) << name;
      EXPECT_EQ(log_pdf.maxCoeff() == -infinity, far > 1e156) << name << " " << far;
    }
  }
}

TEST(ExtremeScale, HighNoiseDoesNotHideTheLargerCovariance) {
  const Mixture mixture({0.5, 0.5}, Points::Zero(2, 3), Covariance::spherical({1.0, 1.5}));

  EXPECT_EQ(mixture.responsibilities(times(1e200, x.topRows(1)), {.alpha = 1.0, .sigma = 1e10})(0, 1), 1.0);
}

TEST(ExtremeScale, ComponentsFarApartKeepTheirPoints) {
  const Points means{{-1e160, 1e159, 0.0}, {1e160, 0.0, 1.0}, {1e160, 0.0, -1.0}};
  const Points points{{-1e160, 1e159, 0.0}, {1e160, 0.0, 2.0}, {1e160, 0.0, -2.0}};
  for (const Covariance& covariance :
       {Covariance::spherical({1.0, 1.0, 1.0}), Covariance::spherical({1.0, 2.0, 2.0})}) {
    const Points r = Mixture({0.2, 0.4, 0.4}, means, covariance).responsibilities(points);

    EXPECT_EQ(r(0, 0), 1.0) << r;
    EXPECT_EQ(r(1, 0), 0.0) << r;
    EXPECT_GT(r(1, 1), 0.8) << r;
    EXPECT_GT(r(2, 2), 0.8) << r;
  }
}

TEST(ExtremeScale, DevicesEvaluateFarPointsAsMixturesDo) {
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const double far = precision == Precision::f32 ? 1e25 : 1e200;
      const Points points = times(far, uniform_points(5, 3, 78));
      const EvaluateOptions options{.log_density = true,
                                    .log_responsibilities = true,
                                    .score = true,
                                    .device = Device::cpu(1),
                                    .precision = precision};

      const Evaluation result = evaluate(mixture, points, {}, options);

      EXPECT_EQ(result.log_density, mixture.log_pdf(points)) << name;
      EXPECT_EQ(result.log_responsibilities, mixture.log_responsibilities(points)) << name;
      EXPECT_EQ(result.score, mixture.score(points)) << name;
    }
  }
}

}  // namespace
}  // namespace gmdiff::test
