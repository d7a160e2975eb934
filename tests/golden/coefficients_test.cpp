#include <algorithm>
#include <cmath>
#include <functional>

#include <gtest/gtest.h>
#include <gmdiff/plan/plan.hpp>

#include "device/reference/steps.hpp"
#include "plan/coefficients.hpp"
#include "support/golden.hpp"
#include "support/golden_process.hpp"

// coefficients.json: every row of mathematics.md §5, within 1e-13 relative to max(1, |value|).

namespace gmdiff {
namespace {

using coefficients::LevelValues;
using test::json;

struct Case {
  ForwardProcess process;
  std::vector<LevelValues> levels;
};

Case read_case(const json& golden_case) {
  const json& name = golden_case["name"];
  Case result{
      name == "rectified_flow_from_pure_noise" ? ForwardProcess(RectifiedFlow{}) : test::process(golden_case),
      {}};
  const TimeGrid grid = TimeGrid::list(result.process, golden_case["t"].get<std::vector<double>>());
  for (const GridLevel& level : grid.levels())
    result.levels.push_back(coefficients::level_values(result.process, level, true));
  return result;
}

void expect_close(double actual, double expected) {
  EXPECT_NEAR(actual, expected, 1e-13 * std::max(1.0, std::abs(expected)));
}

/// [a, b, c, e], or [a1, b1, alpha_mid, sigma_mid, a, b, c, e] with nulls where the step has one stage.
void expect_row(const AffineStep& step, const json& row) {
  const bool two_stage_table = row.size() == 8;
  const std::size_t tail = two_stage_table ? 4 : 0;
  if (two_stage_table && !row[0].is_null()) {
    EXPECT_EQ(step.evaluations, 2);
    expect_close(step.p_x, row[0]);
    expect_close(step.p_1, row[1]);
    expect_close(step.level2.alpha, row[2]);
    expect_close(step.level2.sigma, row[3]);
  } else {
    EXPECT_EQ(step.evaluations, 1);
  }
  expect_close(step.a, row[tail]);
  expect_close(step.b_1, row[tail + 1]);
  expect_close(step.b_2 + step.b_p, row[tail + 2]);  // at most one of the two is in use
  expect_close(step.e, row[tail + 3]);
  EXPECT_EQ(step.c_n, 0.0);
}

using RowFunction = std::function<AffineStep(const Case&, std::size_t)>;

/// The function behind each table of the file.
RowFunction row_function(const std::string& table, const json& golden_case) {
  const auto pairwise = [](auto function, auto... arguments) -> RowFunction {
    return [=](const Case& c, std::size_t i) { return function(c.levels[i], c.levels[i + 1], arguments...); };
  };
  const auto after = [](auto function) -> RowFunction {
    return [=](const Case& c, std::size_t i) {
      const long double before = i == 0 ? 0.0L : c.levels[i].lambda() - c.levels[i - 1].lambda();
      return function(c.levels[i], c.levels[i + 1], before);
    };
  };
  if (table == "euler_maruyama_zeta1.0") return pairwise(coefficients::euler_maruyama, 1.0L);
  if (table == "euler_maruyama_zeta0.5") return pairwise(coefficients::euler_maruyama, 0.5L);
  if (table == "euler_maruyama_zeta0.0") return pairwise(coefficients::euler_maruyama, 0.0L);
  if (table == "ancestral") return pairwise(coefficients::ancestral, Ancestral::Variance::small);
  if (table == "ancestral_large_variance")
    return pairwise(coefficients::ancestral, Ancestral::Variance::large);
  if (table == "ddim_eta0") return pairwise(coefficients::ddim, 0.0L);
  if (table == "ddim_eta0.5") return pairwise(coefficients::ddim, 0.5L);
  if (table == "ddim_eta1") return pairwise(coefficients::ddim, 1.0L);
  if (table == "euler_ode") return pairwise(coefficients::euler);
  if (table == "heun") return pairwise(coefficients::heun_t);
  if (table == "heun_edm") return pairwise(coefficients::heun_n);
  if (table == "dpmpp_2m") return after(coefficients::dpmpp_2m);
  if (table == "sde_dpmpp_2m") return after(coefficients::sde_dpmpp_2m);
  if (table == "dpmpp_2s") {
    const long double r = golden_case["options"]["r"].get<double>();
    return [r](const Case& c, std::size_t i) {
      return coefficients::dpmpp_2s(c.process, c.levels[i], c.levels[i + 1], r);
    };
  }
  throw std::runtime_error("no function for table " + table);
}

TEST(Coefficients, EveryRowOfEveryTableIsTheGoldenOne) {
  std::size_t rows = 0;
  const json file = test::load_golden("coefficients");
  for (const json& golden_case : file["cases"]) {
    const Case c = read_case(golden_case);
    for (const auto& [table, expected] : golden_case["tables"].items()) {
      if (table.starts_with("churn")) continue;
      const RowFunction function = row_function(table, golden_case);
      for (std::size_t i = 0; i < expected.size(); ++i, ++rows) {
        SCOPED_TRACE(golden_case["name"].get<std::string>() + " " + table + " step " + std::to_string(i));
        expect_row(function(c, i), expected[i]);
      }
    }
  }
  EXPECT_GT(rows, 500U);
}

TEST(Coefficients, OfTheNaiveBackwardProcessAreTheGoldenOnes) {
  const auto level = [](const json& pair) {
    return LevelValues{0.0L, pair[0].get<double>(), pair[1].get<double>(), 0.0L, 0.0L};
  };
  for (const json& row : test::load_golden("naive_backward")["cases"][0]["rows"]) {
    const AffineStep step = coefficients::naive_backward(level(row["t"]), level(row["s"]));
    EXPECT_EQ(step.evaluations, 0);
    expect_close(step.a, row["a"]);
    expect_close(step.e, row["e"]);
  }
}

TEST(Coefficients, OfAnnealedLangevinMakeTheGoldenStep) {
  const json& golden_case = test::load_golden("annealed")["cases"][0];
  const Mixture mixture = test::mixture(golden_case);
  const ForwardProcess process(Edm{});
  const TimeGrid grid = TimeGrid::list(process, golden_case["t"].get<std::vector<double>>());
  const Annealed sampler{.relative_step = golden_case["relative_step"], .inner = 1, .denoise = false};
  const Plan plan = sampling_plan(std::span(&mixture, 1), process, grid, sampler);
  const auto& step = std::get<AffineStep>(plan.steps.front());
  const reference::Model model(plan.problems.front());
  const Eigen::VectorXd given = test::vector(golden_case["x"]), z = test::vector(golden_case["z"]);
  Eigen::VectorXd x = given, unused(2), D(2);
  reference::DiffusedMixture(model, step.level1).denoiser(x.data(), D.data());
  reference::AffineUpdate(step, model).apply({x.data(), unused.data()}, nullptr, z.data());
  for (Eigen::Index i = 0; i < 2; ++i) {
    const auto entry = static_cast<std::size_t>(i);
    expect_close(D(i), golden_case["denoised"][entry]);
    expect_close(x(i), golden_case["next"][entry]);
  }
}

TEST(Coefficients, ChurnReachesTheGoldenLevelWithTheGoldenNoise) {
  std::size_t rows = 0;
  const json file = test::load_golden("coefficients");
  for (const json& golden_case : file["cases"]) {
    if (!golden_case.contains("options")) continue;
    const Case c = read_case(golden_case);
    const json& expected = golden_case["tables"]["churn_gamma0.25"];
    for (std::size_t i = 0; i < expected.size(); ++i, ++rows) {
      SCOPED_TRACE(golden_case["name"].get<std::string>() + " step " + std::to_string(i));
      const coefficients::Churn churn = coefficients::churn(c.process, c.levels[i], 0.25L, 1.0L, true);
      expect_close(churn.c_x, expected[i][0]);
      expect_close(churn.c_n, expected[i][1]);
      expect_close(churn.level.rounded().alpha, expected[i][2]);
      expect_close(churn.level.rounded().sigma, expected[i][3]);
      EXPECT_NEAR(static_cast<double>(c.process.values_at_noise_to_signal(churn.level.n()).sigma),
                  churn.level.rounded().sigma, 1e-13);
    }
  }
  EXPECT_GT(rows, 40U);
}

}  // namespace
}  // namespace gmdiff
