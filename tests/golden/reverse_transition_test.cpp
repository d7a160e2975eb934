#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/plan/plan.hpp>

#include "device/reference/steps.hpp"
#include "support/golden.hpp"

// golden/reverse_transition.json: the exact law of x_s given x_t, computed with the functions from which the
// reference device draws.

namespace gmdiff {
namespace {

using test::json;

constexpr double transition_tolerance = 1e-12;

MixtureTransition transition_of(const json& golden_case) {
  const Level t{golden_case["alpha_t"].get<double>(), golden_case["sigma_t"].get<double>()};
  const Level s{golden_case["alpha_s"].get<double>(), golden_case["sigma_s"].get<double>()};
  const double alpha_ts = t.alpha / s.alpha;
  return {t, s, alpha_ts, std::sqrt(t.sigma * t.sigma - alpha_ts * alpha_ts * s.sigma * s.sigma)};
}

/// V_k, computed from the device's results for each unit vector of noise.
Eigen::MatrixXd component_covariance(reference::TransitionUpdate& update, Eigen::Index k, Eigen::Index dim) {
  Eigen::MatrixXd root = Eigen::MatrixXd::Zero(dim, dim);
  for (Eigen::Index i = 0; i < dim; ++i) {
    const Eigen::VectorXd z = Eigen::VectorXd::Unit(dim, i);
    update.add_component_noise(k, z.data(), root.col(i).data());
  }
  return root * root.transpose();
}

double scale(const Eigen::MatrixXd& expected) { return std::max(1.0, expected.cwiseAbs().maxCoeff()); }

class GoldenReverseTransition : public testing::TestWithParam<std::size_t> {
 protected:
  const json golden_case_ = test::load_golden("reverse_transition")["cases"][GetParam()];
  const Mixture mixture_ = test::mixture(golden_case_);
  const MixtureTable table_ = draw_plan(std::span(&mixture_, 1)).problems.front();
  const reference::Model model_{table_};
  const MixtureTransition transition_ = transition_of(golden_case_);
  reference::TransitionUpdate update_{transition_, model_};
  const Eigen::VectorXd x_ = test::vector(golden_case_["x_t"]);
};

TEST_P(GoldenReverseTransition, ComponentProbabilities) {
  Eigen::VectorXd probabilities(model_.num_components());

  update_.probabilities(x_.data(), probabilities.data());

  const Eigen::VectorXd expected = test::vector(golden_case_["component_probabilities"]);
  EXPECT_LE((probabilities - expected).cwiseAbs().maxCoeff(), transition_tolerance);
}

TEST_P(GoldenReverseTransition, ComponentMeansAndCovariances) {
  const Points means = test::matrix(golden_case_["component_means"]);
  const auto covariances = test::matrices(golden_case_["component_covariances"]);
  for (Eigen::Index k = 0; k < model_.num_components(); ++k) {
    Eigen::VectorXd mean(model_.dim());

    update_.component_mean(k, x_.data(), mean.data());
    const Eigen::MatrixXd covariance = component_covariance(update_, k, model_.dim());

    const Eigen::MatrixXd& expected = covariances[static_cast<std::size_t>(k)];
    EXPECT_LE((mean - means.row(k).transpose()).cwiseAbs().maxCoeff(), transition_tolerance * scale(means))
        << "component " << k;
    EXPECT_LE((covariance - expected).cwiseAbs().maxCoeff(), transition_tolerance * scale(expected))
        << "component " << k;
  }
}

TEST_P(GoldenReverseTransition, MeanIsThatOfTheAncestralStep) {
  // E[x_s | x_t] = a x + b D with a = alpha_ts sigma_s^2 / sigma_t^2, b = alpha_s sigma_ts^2 / sigma_t^2.
  const double variance = transition_.t.sigma * transition_.t.sigma;
  AffineStep ancestral;
  ancestral.evaluations = 1;
  ancestral.level1 = transition_.t;
  ancestral.a = transition_.alpha_ts * transition_.s.sigma * transition_.s.sigma / variance;
  ancestral.b_1 = transition_.s.alpha * transition_.sigma_ts * transition_.sigma_ts / variance;
  Eigen::VectorXd x = x_, previous = Eigen::VectorXd::Zero(x.size());

  reference::AffineUpdate(ancestral, model_).apply({x.data(), previous.data()}, nullptr, nullptr);

  const Eigen::VectorXd expected = test::vector(golden_case_["mean"]);
  EXPECT_LE((x - expected).cwiseAbs().maxCoeff(), transition_tolerance * scale(expected));
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenReverseTransition, testing::Range(std::size_t{0}, std::size_t{16}));

TEST(GoldenReverseTransitionFile, HasSixteenCases) {
  EXPECT_EQ(test::load_golden("reverse_transition")["cases"].size(), 16U);
}

}  // namespace
}  // namespace gmdiff
