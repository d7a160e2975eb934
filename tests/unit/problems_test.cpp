#include <gmdiff/io/problem_file.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/benchmark_mixtures.hpp>

#include "base/linear_algebra.hpp"
#include "unit/io_support.hpp"

namespace gmdiff {
namespace {

using test::error_of;

TEST(Problems, AreReadBackFromTheirFiles) {
  for (const Problem& problem : {tutorial_1d(), tutorial_2d(), bench_2d(), mcgdiff_problem({})}) {
    const Problem read = parse_problem(to_json(problem));

    EXPECT_TRUE(read.prior.weights().isApprox(problem.prior.weights(), 1e-15));
    EXPECT_EQ(read.prior.means(), problem.prior.means());
    EXPECT_EQ(read.prior.component_covariance(1), problem.prior.component_covariance(1));
    EXPECT_EQ(to_json(read.process), to_json(problem.process));
    EXPECT_EQ(to_json(read.grid), to_json(problem.grid));
    EXPECT_EQ(to_json(read.sampler), to_json(problem.sampler));
    EXPECT_EQ(read.observation.has_value(), problem.observation.has_value());
  }
}

TEST(Problems, HaveNamesAndCanBeReadBack) {
  for (const std::string& name : problem_names()) {
    const auto json_of = [](const AnyProblem& problem) {
      return std::visit([](const auto& alternative) { return to_json(alternative); }, problem);
    };
    const std::string text = json_of(ready_made_problem(name));
    std::istringstream in(text);
    EXPECT_EQ(json_of(read_any_problem(in, name, {})), text) << name;
  }
  EXPECT_EQ(error_of([] { ready_made_problem("tutorial-9d"); }),
            "ready_made_problem: unknown name tutorial-9d");
}

TEST(Problems, CourseSineLiesOnASine) {
  const auto problem = std::get<Problem>(ready_made_problem("course-sine"));
  const Points& means = problem.prior.means();
  ASSERT_EQ(means.rows(), 1000);
  EXPECT_LT((means.col(1) - means.col(0).array().sin().matrix()).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_NEAR(problem.prior.component_covariance(0)(0, 0), 4e-4, 1e-18);
}

TEST(Problems, Gmm40HasTheMixtureOfThePapers) {
  const auto problem = std::get<Problem>(ready_made_problem("gmm40"));
  EXPECT_EQ(problem.prior.means(), gmm40().means());
  EXPECT_EQ(problem.prior.num_components(), 40);
  EXPECT_LE(gmm40(7).means().cwiseAbs().maxCoeff(), 40.0);
  EXPECT_EQ(error_of([] { gmm40(0); }), "gmm40: dim must be at least 1, got 0");
}

TEST(Problems, TutorialsHaveTheTutorialsNumbers) {
  const Problem one = tutorial_1d();
  const Problem two = tutorial_2d();

  EXPECT_EQ(one.prior.num_components(), 3);
  EXPECT_EQ(one.prior.dim(), 1);
  EXPECT_EQ(one.observation->y()(0), 0.5);
  EXPECT_EQ(two.prior.means(), (Points{{0.0, 0.0}, {2.0, 2.0}}));
  EXPECT_EQ(two.prior.component_covariance(1), 0.8 * Eigen::MatrixXd::Identity(2, 2));
  EXPECT_NEAR(two.prior.weights()(0), 0.6, 1e-15);
  EXPECT_EQ(two.observation->A(), (Eigen::MatrixXd{{1.0, 0.0}}));
  EXPECT_EQ(two.observation->y()(0), 1.5);
  EXPECT_EQ(std::get<UniformGrid>(two.grid).steps, 300);
}

TEST(Problems, Bench2dHasTheDesignsNumbers) {
  const Problem problem = bench_2d();

  EXPECT_EQ(problem.prior.means(), (Points{{-1.0, -1.0}, {1.0, 1.0}, {2.0, -2.0}}));
  EXPECT_EQ(problem.prior.component_covariance(0), (Eigen::MatrixXd{{0.5, 0.1}, {0.1, 0.5}}));
  EXPECT_EQ(problem.prior.component_covariance(1), (Eigen::MatrixXd{{0.7, -0.1}, {-0.1, 0.7}}));
  EXPECT_EQ(problem.prior.component_covariance(2), (Eigen::MatrixXd{{0.3, 0.0}, {0.0, 1.0}}));
  EXPECT_EQ(to_json(problem.process),
            R"({"type":"vp","beta":{"type":"linear","min":0.02,"max":5.0},"T":2.0})");
  EXPECT_EQ(to_json(problem.grid), R"({"type":"uniform","steps":300,"t_end":0.001})");
  EXPECT_EQ(to_string(problem.sampler), "euler-maruyama");
  EXPECT_FALSE(problem.observation.has_value());
}

TEST(McgdiffProblem, HasTheModesOfThePaper) {
  const Problem problem = mcgdiff_problem({.dx = 6, .dy = 2, .seed = 3});

  EXPECT_EQ(problem.prior.num_components(), 25);
  EXPECT_EQ(problem.prior.means().row(0), (Points{{-16, -16, -16, -16, -16, -16}}).row(0));
  EXPECT_EQ(problem.prior.means().row(1), (Points{{-16, -8, -16, -8, -16, -8}}).row(0));
  EXPECT_EQ(problem.prior.means().row(24), (Points{{16, 16, 16, 16, 16, 16}}).row(0));
  EXPECT_EQ(problem.prior.covariance_type(), CovarianceType::spherical);
  EXPECT_TRUE((problem.prior.eigenvalues().array() == 1.0).all());
  EXPECT_EQ(to_json(problem.process), R"({"type":"ddpm","steps":999,"first":0.02,"last":0.0001})");
  EXPECT_EQ(to_json(problem.grid), R"({"type":"mcgdiff","points":21})");
}

TEST(McgdiffProblem, HasSingularValuesBelowOneAndNoiseBelowTheLargest) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const LinearObservation observation = *mcgdiff_problem({.dx = 8, .dy = 4, .seed = seed}).observation;

    const auto svd = linear_algebra::full_svd(observation.A());

    EXPECT_EQ(observation.A().rows(), 4);
    EXPECT_EQ(observation.A().cols(), 8);
    EXPECT_LT(svd.s(0), 1.0);
    EXPECT_GT(svd.s(3), 0.0);
    EXPECT_GT(observation.noise_std(), 0.0);
    EXPECT_LT(observation.noise_std(), svd.s(0));
  }
}

TEST(McgdiffProblem, ObservesAStateOfThePrior) {
  // |y| is |A x* + noise| with |x*| about 8 sqrt(2 dx): far outside unless y was computed from a mode. Under
  // the right law the residual to the best mode is noise: (y - A mu_k) has covariance A A^T + sigma_y^2 I.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Problem problem = mcgdiff_problem({.dx = 80, .dy = 4, .seed = seed});
    const auto& observation = *problem.observation;
    const Eigen::MatrixXd S = observation.A() * observation.A().transpose() +
                              std::pow(observation.noise_std(), 2) * Eigen::MatrixXd::Identity(4, 4);
    const Eigen::MatrixXd L = *linear_algebra::cholesky(S);

    double best = 1e300;
    for (Eigen::Index k = 0; k < 25; ++k) {
      const Eigen::VectorXd residual =
          observation.y() - observation.A() * problem.prior.means().row(k).transpose();
      best = std::min(best, linear_algebra::solve_lower(L, residual).squaredNorm());
    }
    EXPECT_LT(best, 40.0) << "chi-square with 4 degrees of freedom: beyond with probability 4e-8";
  }
}

TEST(McgdiffProblem, DependsOnNothingButItsParameters) {
  const auto text = [](std::uint64_t seed, int dx = 8) {
    return to_json(mcgdiff_problem({.dx = dx, .dy = 2, .seed = seed}));
  };

  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
  // The weights have a stream of their own: they do not change with the dimension.
  EXPECT_EQ(mcgdiff_problem({.dx = 8, .dy = 2, .seed = 5}).prior.weights(),
            mcgdiff_problem({.dx = 80, .dy = 4, .seed = 5}).prior.weights());
}

TEST(McgdiffProblem, DrawsWeightsFromChiSquare) {
  // Before normalisation the weights are squares of standard normals; their share above the mean is P(z^2 >
  // 1) = 0.3173.
  int above = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Eigen::VectorXd w = mcgdiff_problem({.dx = 2, .dy = 1, .seed = seed}).prior.weights();
    above += static_cast<int>((w.array() > 1.0 / 25.0).count());
  }
  EXPECT_NEAR(above / 10'000.0, 0.32, 0.03);
}

TEST(McgdiffProblem, NamesParametersOutOfRange) {
  const auto message = [](const McgdiffProblem& parameters) {
    return error_of([&] { mcgdiff_problem(parameters); });
  };

  EXPECT_EQ(message({.dx = 3}), "mcgdiff_problem: dx must be even, from 2 to 10000, given 3");
  EXPECT_EQ(message({.dx = 0}), "mcgdiff_problem: dx must be even, from 2 to 10000, given 0");
  EXPECT_EQ(message({.dx = 20000}), "mcgdiff_problem: dx must be even, from 2 to 10000, given 20000");
  EXPECT_EQ(message({.dx = 8, .dy = 9}), "mcgdiff_problem: dy must be from 1 to dx = 8, given 9");
  EXPECT_EQ(message({.dx = 8, .dy = 0}), "mcgdiff_problem: dy must be from 1 to dx = 8, given 0");
  EXPECT_EQ(message({.dx = 8, .dy = 2, .seed = 0, .points = 1}),
            "mcgdiff_problem: points must be at least 2, given 1");
}

}  // namespace
}  // namespace gmdiff
