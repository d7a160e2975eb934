#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "device/reference/steps.hpp"

// The functions of the reference device in extreme cases: zero weights, far points, singular covariances,
// both ends of the noise levels.

namespace gmdiff::reference {
namespace {

MixtureTable table_of(const Mixture& mixture) { return draw_plan(std::span(&mixture, 1)).problems.front(); }

Mixture rotated(CovarianceType type) {
  const Eigen::MatrixXd U{{0.6, -0.8}, {0.8, 0.6}};
  const Points means{{0.0, 0.0}, {2.0, -1.0}};
  if (type == CovarianceType::tied)
    return {{0.3, 0.7}, means, Covariance::tied_eigen(U, Eigen::VectorXd{{0.5, 2.0}})};
  if (type == CovarianceType::common_basis)
    return {{0.3, 0.7}, means, Covariance::common_basis(U, Points{{0.5, 2.0}, {0.5, 2.0}})};
  return {{0.3, 0.7}, means, Covariance::full_eigen({U, U}, Points{{0.5, 2.0}, {0.5, 2.0}})};
}

Eigen::VectorXd denoiser(const Mixture& mixture, Level level, std::vector<double> x) {
  const MixtureTable table = table_of(mixture);
  const Model model(table);
  Eigen::VectorXd D(model.dim());
  DiffusedMixture(model, level).denoiser(x.data(), D.data());
  return D;
}

Eigen::VectorXd responsibilities(const Mixture& mixture, Level level, std::vector<double> x) {
  const MixtureTable table = table_of(mixture);
  const Model model(table);
  Eigen::VectorXd r(model.num_components());
  DiffusedMixture(model, level).responsibilities(x.data(), r.data());
  return r;
}

TEST(ReferenceDenoiser, OfAGaussianIsTheRegressionLine) {
  // x_0 ~ N(1, 4), x_t = 0.5 x_0 + eps: E[x_0 | x_t = 3] = 1 + 0.5 * 4 / (0.25 * 4 + 1) * (3 - 0.5)
  const Mixture gaussian({1.0}, Points{{1.0}}, Covariance::spherical({4.0}));

  EXPECT_NEAR(denoiser(gaussian, {0.5, 1.0}, {3.0})(0), 1.0 + 2.5, 1e-15);
}

TEST(ReferenceDenoiser, WithoutNoiseIsTheStateItself) {
  EXPECT_EQ(denoiser(rotated(CovarianceType::full), {0.5, 0.0}, {3.0, -2.0}), (Eigen::VectorXd{{6.0, -4.0}}));
}

TEST(ReferenceDenoiser, WithoutSignalIsTheMean) {
  for (const auto type : {CovarianceType::tied, CovarianceType::full, CovarianceType::common_basis}) {
    const Eigen::VectorXd D = denoiser(rotated(type), {0.0, 2.0}, {30.0, -2.0});

    EXPECT_NEAR(D(0), 1.4, 1e-15);
    EXPECT_NEAR(D(1), -0.7, 1e-15);
  }
}

TEST(ReferenceDenoiser, DoesNotDependOnHowTheCovarianceIsWritten) {
  const Eigen::VectorXd tied = denoiser(rotated(CovarianceType::tied), {0.75, 0.5}, {1.0, 0.5});

  for (const auto type : {CovarianceType::full, CovarianceType::common_basis}) {
    EXPECT_LT((denoiser(rotated(type), {0.75, 0.5}, {1.0, 0.5}) - tied).norm(), 1e-14);
  }
}

TEST(ReferenceDenoiser, IsFiniteFarFromTheModes) {
  const Mixture diagonal({0.5, 0.5}, Points{{-1.0, 0.0}, {1.0, 0.0}},
                         Covariance::diag(Points{{1.0, 0.5}, {0.25, 1.0}}));
  for (const Mixture& mixture : {diagonal, rotated(CovarianceType::tied), rotated(CovarianceType::full)}) {
    for (const double far : {1e6, -1e6, 1e150, 1e200}) {
      const Eigen::VectorXd r = responsibilities(mixture, {0.9, 0.01}, {far, 1.0});
      const Eigen::VectorXd D = denoiser(mixture, {0.9, 0.01}, {far, 1.0});

      EXPECT_NEAR(r.sum(), 1.0, 1e-14) << far;
      EXPECT_NEAR(D(0) / far, 1.0 / 0.9, 1e-3) << far;
    }
  }
}

TEST(ReferenceDenoiser, NeverMeetsAComponentOfWeightZero) {
  // The component's own terms would be inf / inf.
  const Mixture mixture({1.0, 0.0}, Points{{0.0, 0.0}, {1e300, 1e300}}, Covariance::spherical({1.0, 0.0}));

  EXPECT_EQ(responsibilities(mixture, {1.0, 1e-3}, {1e6, 0.0}), (Eigen::VectorXd{{1.0, 0.0}}));
  EXPECT_TRUE(denoiser(mixture, {1.0, 1e-3}, {1e6, 0.0}).allFinite());
}

TEST(ReferenceDenoiser, KnowsTheDirectionsInWhichNothingVaries) {
  // Sigma = 2 v v^T with v = (0.6, 0.8): in the direction (0.8, -0.6) x_0 is the mean, however small sigma
  // is.
  const Mixture line({1.0}, Points{{1.0, 1.0}},
                     Covariance::full({Eigen::MatrixXd{{0.72, 0.96}, {0.96, 1.28}}}));
  for (const double sigma : {1.0, 1e-4, 1e-9, 1e-12}) {
    const Eigen::VectorXd D =
        denoiser(line, {1.0, sigma}, {1.0 + 0.6 + 0.8 * sigma, 1.0 + 0.8 - 0.6 * sigma});

    EXPECT_NEAR(0.8 * D(0) - 0.6 * D(1), 0.2, 1e-11) << sigma;
    EXPECT_NEAR(0.6 * D(0) + 0.8 * D(1), 1.4 + 2.0 / (2.0 + sigma * sigma), 1e-11) << sigma;
  }
}

TEST(ReferenceDenoiser, TakesVarianceBelowRoundingFromFactors) {
  // In a dense matrix the variance 1e-20 would be lost in the rounding of the entries.
  const Eigen::MatrixXd U{{0.6, -0.8}, {0.8, 0.6}};
  const Mixture mixture({1.0}, Points{{0.0, 0.0}}, Covariance::full_eigen({U}, Points{{1.0, 1e-20}}));

  const Eigen::VectorXd D = denoiser(mixture, {1.0, 1e-10}, {-0.8e-10, 0.6e-10});

  EXPECT_NEAR(-0.8 * D(0) + 0.6 * D(1), 0.5e-10, 1e-22);
}

TEST(ChooseComponent, IsTheSmallestWhoseRunningSumExceedsTheUniform) {
  const std::vector<double> probabilities{0.25, 0.0, 0.5, 0.25, 0.0};
  const auto choose = [&](double u) { return choose_component(probabilities.data(), 5, u); };

  EXPECT_EQ(choose(0.0), 0);
  EXPECT_EQ(choose(std::nextafter(0.25, 0.0)), 0);
  EXPECT_EQ(choose(0.25), 2);
  EXPECT_EQ(choose(0.75), 3);
  EXPECT_EQ(choose(std::nextafter(1.0, 0.0)), 3);
}

TEST(ChooseComponent, NeverTakesWeightZeroAtEitherEnd) {
  const std::vector<double> probabilities{0.0, 0.25, 0.75, 0.0};

  EXPECT_EQ(choose_component(probabilities.data(), 4, 0.0), 1);
  EXPECT_EQ(choose_component(probabilities.data(), 4, 1.0),
            2);  // the last positive one, when no sum exceeds u
}

TEST(ChooseComponent, ComparesA64BitUniformWithTheThresholds) {
  const Mixture mixture({0.0, 0.5, 0.0, 0.5, 0.0}, Points::Zero(5, 1),
                        Covariance::spherical({1, 1, 1, 1, 1}));
  const MixtureTable table = table_of(mixture);
  const std::uint64_t half = std::uint64_t{1} << 63;

  EXPECT_EQ(choose_component(table, 0), 1);
  EXPECT_EQ(choose_component(table, half - 1), 1);
  EXPECT_EQ(choose_component(table, half), 3);
  EXPECT_EQ(choose_component(table, std::numeric_limits<std::uint64_t>::max()), 3);
}

TEST(ReferenceStep, WithoutEvaluationKeepsThePreviousDenoiser) {
  const Mixture mixture = rotated(CovarianceType::full);
  const MixtureTable table = table_of(mixture);
  const Model model(table);
  AffineStep scale;
  scale.a = 2.0;
  scale.b_p = 10.0;
  std::vector<double> x{1.0, 2.0}, previous{0.5, -0.5};

  AffineUpdate(scale, model).apply({x.data(), previous.data()}, nullptr, nullptr);

  EXPECT_EQ(x, (std::vector<double>{7.0, -1.0}));
  EXPECT_EQ(previous, (std::vector<double>{0.5, -0.5}));
}

TEST(ReferenceStep, NoiseIsThatOfTheCommonBasisIfThereIsOne) {
  AffineStep perturb;
  perturb.e = 2.0;
  const std::vector<double> z{1.0, 0.0};
  for (const auto type : {CovarianceType::tied, CovarianceType::common_basis, CovarianceType::full}) {
    const MixtureTable table = table_of(rotated(type));
    const Model model(table);
    std::vector<double> x{0.0, 0.0}, previous{0.0, 0.0};

    AffineUpdate(perturb, model).apply({x.data(), previous.data()}, nullptr, z.data());

    const Eigen::MatrixXd* U = model.common_basis();
    EXPECT_EQ(U == nullptr, type == CovarianceType::full);
    EXPECT_EQ(x[0], U == nullptr ? 2.0 : 2.0 * (*U)(0, 0));
    EXPECT_EQ(x[1], U == nullptr ? 0.0 : 2.0 * (*U)(1, 0));
  }
}

TEST(ReferenceStep, ExactTransitionFromPureNoiseToDataIsADraw) {
  // alpha_t = 0: x_t has no information; M_k = mu_k, V_k = Sigma_k.
  const Mixture mixture = rotated(CovarianceType::full);
  const MixtureTable table = table_of(mixture);
  const Model model(table);
  const MixtureTransition step{.t = {0.0, 1.0}, .s = {1.0, 0.0}, .alpha_ts = 0.0, .sigma_ts = 1.0};
  const std::vector<double> z{0.3, -1.2};
  for (const Eigen::Index k : {0, 1}) {
    std::vector<double> x{5.0, -7.0}, previous{0.0, 0.0}, drawn{0.0, 0.0};

    TransitionUpdate(step, model).apply({x.data(), previous.data()}, k == 0 ? 0.1 : 0.9, z.data());

    component_draw(model, {1.0, 0.0}, k, z.data(), drawn.data());
    EXPECT_NEAR(x[0], drawn[0], 1e-14);
    EXPECT_NEAR(x[1], drawn[1], 1e-14);
  }
}

}  // namespace
}  // namespace gmdiff::reference
