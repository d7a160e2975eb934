#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "device/reference/program.hpp"
#include "plan/program.hpp"
#include "support/golden.hpp"

// golden/guidance_denoisers.json and golden/guidance_steps.json: guided denoisers at given states, and single steps
// with given noise (mathematics.md §10), on the devices reference and cpu in double.

namespace gmdiff {
namespace {

using test::json;

constexpr double guidance_tolerance = 1e-9;  // of the largest entry; the files' own

struct GoldenProblem {
  Mixture prior;
  LinearObservation observation;

  explicit GoldenProblem(const json& problem)
      : prior(problem["weights"].get<std::vector<double>>(), test::matrix(problem["means"]),
              Covariance::full(test::matrices(problem["covariances"]))),
        observation(test::matrix(problem["A"]), test::vector(problem["y"]),
                    problem["sigma_y"].get<double>()) {}
};

Points result_of(const Plan& plan, const Points& x, const Device& device) {
  return run(plan, {.count = x.rows(), .device = device, .precision = Precision::f64, .start = x})
      .to_double();
}

void expect_near(const Points& result, const Points& expected, const std::string& name) {
  EXPECT_LT((result - expected).cwiseAbs().maxCoeff(), guidance_tolerance * expected.cwiseAbs().maxCoeff())
      << name;
}

class GoldenGuidance : public testing::TestWithParam<std::string> {
 protected:
  const Device device_ = Device::parse(GetParam());
};

TEST_P(GoldenGuidance, Denoisers) {
  for (const json& golden_case : test::load_golden("guidance_denoisers")["cases"]) {
    const GoldenProblem problem(golden_case["problem"]);
    for (const json& level : golden_case["levels"]) {
      const Points x = test::matrix(level["x_t"]);
      const auto check = [&](const char* key, const GuidedSampler& sampler) {
        if (!level.contains(key)) return;
        const Level at{level["alpha"].get<double>(), level["sigma"].get<double>()};
        const Plan plan = guided_denoiser_plan(problem.prior, problem.observation, at, sampler);
        expect_near(result_of(plan, x, device_), test::matrix(level[key]),
                    golden_case["problem"]["name"].get<std::string>() + ", " + key);
      };
      check("D_exact", ExactGuidance{});
      check("D_tmp", Tmp{});
      check("D_tmpd_rowsum", Tmp{.scale = Tmp::Scale::row_sum});
      check("D_tmp_diffuse", Tmp{.scale = Tmp::Scale::diffuse});
      check("D_pigdm_tau2_1", Pigdm{.tau2 = 1.0});
      check("D_pigdm_tau2", Pigdm{.tau2 = level["tau2"].get<double>()});
      check("D_dps_likelihood", DpsLikelihood{});
    }
  }
}

/// With one observed row A = v^T, y = <v, D> + 1 and w(r) = r, the guidance is C v.
TEST_P(GoldenGuidance, CovarianceProducts) {
  for (const json& golden_case : test::load_golden("guidance_denoisers")["cases"]) {
    const GoldenProblem problem(golden_case["problem"]);
    for (const json& golden_level : golden_case["levels"]) {
      const Level level{golden_level["alpha"].get<double>(), golden_level["sigma"].get<double>()};
      const Points x = test::matrix(golden_level["x_t"]);
      const Points v = test::matrix(golden_level["v"]);
      const Points D = test::matrix(golden_level["D"]);
      const Points expected = test::matrix(golden_level["cov_v"]);
      for (Eigen::Index n = 0; n < x.rows(); ++n) {
        Plan plan = guided_denoiser_plan(problem.prior, problem.observation, level, DpsLikelihood{});
        plan.guidance = {{.A = v.row(n),
                          .y = Eigen::VectorXd::Constant(1, v.row(n).dot(D.row(n)) + 1.0),
                          .singular_values = Eigen::VectorXd::Constant(1, v.row(n).norm()),
                          .noise_variance = 1.0,
                          .unexplained = 0.0}};
        auto& stages = std::get<Program>(plan.steps.front()).stages;
        stages.back() = Combine{.to = 0, .terms = {{2, 1.0}}};  // the guidance alone
        expect_near(result_of(plan, x.row(n), device_), expected.row(n),
                    golden_case["problem"]["name"].get<std::string>());
      }
    }
  }
}

/// A process that has level t at time 1 and level s at time 0.
ForwardProcess between(Level t, Level s) {
  return ForwardProcess(
      CustomProcess{.alpha = [=](double time) { return s.alpha + time * (t.alpha - s.alpha); },
                    .sigma = [=](double time) { return s.sigma + time * (t.sigma - s.sigma); }});
}

class GoldenStep {
 public:
  explicit GoldenStep(const json& golden_case)
      : case_(golden_case), problem_(problem_named(golden_case["problem"])) {}

  /// The step of a method without its noise.
  Plan plan(const GuidedSampler& sampler) const {
    const Level t{case_["alpha_t"].get<double>(), case_["sigma_t"].get<double>()};
    const Level s{case_["alpha_s"].get<double>(), case_["sigma_s"].get<double>()};
    const ForwardProcess process = between(t, s);
    Plan plan = guided_plan(problem_.prior, std::span(&problem_.observation, 1), process,
                            TimeGrid(process, ListGrid{.t = {1.0, 0.0}}), sampler);
    for (Stage& stage : std::get<Program>(plan.steps.front()).stages) {
      if (auto* combine = std::get_if<Combine>(&stage)) combine->noise = 0.0;
    }
    return plan;
  }

  void check(const char* key, const GuidedSampler& sampler, const Device& device) const {
    expect_near(result_of(plan(sampler), x(), device) + noise(), test::matrix(case_[key]["x_s"]),
                case_["problem"].get<std::string>() + ", " + key);
  }

  Points x() const { return test::matrix(case_["x_t"]); }
  Points noise() const { return case_["affine_eta1"][2].get<double>() * test::matrix(case_["z"]); }
  const json& values(const char* key) const { return case_[key]; }

 private:
  static GoldenProblem problem_named(const std::string& name) {
    for (const json& golden_case : test::load_golden("guidance_denoisers")["cases"]) {
      if (golden_case["problem"]["name"] == name) return GoldenProblem(golden_case["problem"]);
    }
    throw std::invalid_argument("no golden problem " + name);
  }

  const json& case_;
  GoldenProblem problem_;
};

TEST_P(GoldenGuidance, Steps) {
  for (const json& golden_case : test::load_golden("guidance_steps")["cases"]) {
    const GoldenStep step(golden_case);
    const auto number = [&](const char* method, const char* key) {
      return golden_case[method][key].get<double>();
    };
    step.check("dps", Dps{.zeta = number("dps", "zeta")}, device_);
    step.check("dps_diffuse",
               Dps{.zeta = number("dps_diffuse", "zeta"), .epsilon = number("dps_diffuse", "epsilon")},
               device_);
    step.check("pigdm_alg1", PigdmAlgorithm1{.tau2 = number("pigdm_alg1", "tau2")}, device_);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, GoldenGuidance, testing::Values("reference", "cpu"),
                         [](const auto& info) { return info.param; });

/// The directions are given, so only the reference's stages can be asked.
TEST(GoldenGuidanceSteps, DpsGsg) {
  for (const json& golden_case : test::load_golden("guidance_steps")["cases"]) {
    const GoldenStep step(golden_case);
    const json& values = step.values("dps_gsg");
    const std::vector<Eigen::MatrixXd> U = test::matrices(values["U"]);  // of [q][point]
    for (const auto& [key, pullback] : {std::pair("x_s_jacobian", DpsGsg::Pullback::jacobian),
                                        std::pair("x_s_alpha", DpsGsg::Pullback::alpha)}) {
      const Plan plan = step.plan(DpsGsg{.zeta = values["zeta"].get<double>(),
                                         .directions = static_cast<int>(U.size()),
                                         .epsilon = values["epsilon"].get<double>(),
                                         .pullback = pullback});
      const reference::Model model(plan.problems.front());
      Points x = step.x();
      Eigen::VectorXd direction;
      const auto given = [&](std::int64_t n, int q) {
        direction = U[static_cast<std::size_t>(q)].row(n).transpose();
        return direction.data();
      };
      reference::ProgramSteps steps(
          plan, model, &plan.guidance.front(), x,
          {.normals = nullptr, .choice = nullptr, .direction = given, .log_uniform = nullptr});
      steps.advance(std::get<Program>(plan.steps.front()), 0);
      expect_near(x + step.noise(), test::matrix(values[key]),
                  golden_case["problem"].get<std::string>() + key);
    }
  }
}

}  // namespace
}  // namespace gmdiff
