#include <algorithm>

#include <gtest/gtest.h>
#include <gmdiff/plan/plan.hpp>

#include "device/reference/steps.hpp"
#include "support/golden_process.hpp"

// golden/trajectories.json: whole trajectories with given starts and noises, through the plan and the steps
// of the reference device.

namespace gmdiff {
namespace {

using test::json;

constexpr double trajectory_tolerance = 1e-11;

Sampler sampler_of(const std::string& name, int num_steps) {
  static const std::map<std::string, Sampler> samplers = {
      {"euler_ode", Euler{.finish = Finish::step}},
      {"heun", Heun{.finish = Finish::step}},
      {"heun_edm", Heun{.variable = Heun::Variable::n}},
      {"ddim_eta0", Ddim{}},
      {"dpmpp_2s", Dpmpp2s{}},
      {"dpmpp_2m", Dpmpp2m{}},
      {"euler_maruyama", EulerMaruyama{.finish = Finish::step}},
      {"ancestral", Ancestral{}},
      {"ddim_eta0.5", Ddim{.eta = 0.5}},
      {"sde_dpmpp_2m", SdeDpmpp2m{}},
  };
  if (name == "ddim_eta0_churn0.25") return Ddim{.churn = 0.25 * num_steps};  // gamma = churn / N = 0.25
  return samplers.at(name);
}

/// The trajectory of one particle, (N + 1, d).
Points walk(const Plan& plan, const Eigen::RowVectorXd& start, const std::vector<Eigen::MatrixXd>& noise,
            const std::vector<Eigen::MatrixXd>& churn_noise, Eigen::Index particle) {
  const reference::Model model(plan.problems.front());
  Points path(static_cast<Eigen::Index>(plan.steps.size()) + 1, start.size());
  path.row(0) = start;
  Eigen::VectorXd x = start, previous = Eigen::VectorXd::Zero(start.size());
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const Eigen::VectorXd z = noise[s].row(particle), churn_z = churn_noise[s].row(particle);
    reference::AffineUpdate step(std::get<AffineStep>(plan.steps[s]), model);
    step.apply({x.data(), previous.data()}, churn_z.data(), z.data());
    path.row(static_cast<Eigen::Index>(s) + 1) = x;
  }
  return path;
}

TEST(GoldenTrajectories, OfEverySampler) {
  int compared = 0;
  const json golden = test::load_golden("trajectories");
  for (const json& golden_case : golden["cases"]) {
    const Mixture mixture = test::mixture(golden_case);
    const ForwardProcess process = test::process(golden_case);
    const TimeGrid grid = TimeGrid::list(process, golden_case["t"].get<std::vector<double>>());
    const Points start = test::matrix(golden_case["x_start"]);
    const auto noise = test::matrices(golden_case["eps"]);
    const auto churn_noise = test::matrices(golden_case["eps_churn"]);

    for (const auto& [name, expected] : golden_case["trajectories"].items()) {
      const Plan plan =
          sampling_plan(std::span(&mixture, 1), process, grid, sampler_of(name, grid.num_steps()));
      const auto levels = test::matrices(expected);
      for (Eigen::Index n = 0; n < start.rows(); ++n) {
        const Points path = walk(plan, start.row(n), noise, churn_noise, n);
        for (std::size_t level = 0; level < levels.size(); ++level) {
          const double error =
              (path.row(static_cast<Eigen::Index>(level)) - levels[level].row(n)).cwiseAbs().maxCoeff();
          EXPECT_LE(error, trajectory_tolerance * std::max(1.0, levels[level].row(n).cwiseAbs().maxCoeff()))
              << golden_case["name"] << " " << name << " particle " << n << " level " << level;
          ++compared;
        }
      }
    }
  }
  EXPECT_EQ(compared, (8 + 8 + 9) * 3 * 11);
}

}  // namespace
}  // namespace gmdiff
