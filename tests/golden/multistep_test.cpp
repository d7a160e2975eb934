#include <cmath>

#include <gtest/gtest.h>

#include "plan/multistep.hpp"
#include "support/golden.hpp"
#include "support/golden_process.hpp"

// multistep3.json, from integrals of Lagrange polynomials and the linear system of UniPC in 50 digits: every
// factor of dpmpp-3m and unipc-3, 1e-13 relative to the value.

namespace gmdiff {
namespace {

using coefficients::LevelValues;
using test::json;

std::vector<LevelValues> levels_of(const json& golden_case) {
  const ForwardProcess process = test::process(golden_case);
  const TimeGrid grid = TimeGrid::list(process, golden_case["t"].get<std::vector<double>>());
  std::vector<LevelValues> levels;
  for (const GridLevel& level : grid.levels())
    levels.push_back(coefficients::level_values(process, level, false));
  return levels;
}

/// The combinations of a program, in order.
std::vector<Combine> combinations(const Program& program) {
  std::vector<Combine> result;
  for (const Stage& stage : program.stages)
    if (const auto* combine = std::get_if<Combine>(&stage)) result.push_back(*combine);
  return result;
}

/// [a, weights]; a step to sigma = 0 leaves out its factor 0 of the state.
void expect_row(const Combine& combine, const json& row) {
  std::vector<double> expected = row[1].get<std::vector<double>>();
  if (row[0] != 0.0) expected.insert(expected.begin(), row[0].get<double>());
  ASSERT_EQ(combine.terms.size(), expected.size());
  EXPECT_EQ(combine.noise, 0.0);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(combine.terms[i].factor, expected[i], 1e-13 * std::abs(expected[i]));
  }
}

/// Calls test(levels, i, rows of step i) for every step of every case.
template <class Test>
void for_every_step(const std::string& table, const Test& test) {
  for (const json& golden_case : test::load_golden("multistep3")["cases"]) {
    const std::vector<LevelValues> levels = levels_of(golden_case);
    const json& rows = golden_case["tables"][table];
    ASSERT_EQ(rows.size() + 1, levels.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      SCOPED_TRACE(golden_case["name"].get<std::string>() + " step " + std::to_string(i));
      test(levels, i, rows[i]);
    }
  }
}

TEST(MultistepRows, OfDpmpp3mAreTheGoldenOnes) {
  coefficients::Dpmpp3mSteps steps;
  for_every_step("dpmpp_3m", [&](const std::vector<LevelValues>& levels, std::size_t i, const json& row) {
    if (i == 0) steps = {};
    const Program program = steps.step(levels[i], levels[i + 1]);
    EXPECT_EQ(program.stages.size(), 2U);
    EXPECT_EQ(std::get<Evaluate>(program.stages[0]).level.sigma, levels[i].rounded().sigma);
    expect_row(combinations(program).at(0), row);
  });
}

TEST(MultistepRows, OfUnipc3AreTheGoldenOnes) {
  coefficients::Unipc3Steps steps;
  for_every_step("unipc_3", [&](const std::vector<LevelValues>& levels, std::size_t i, const json& rows) {
    if (i == 0) steps = {};
    const auto found = combinations(steps.step(levels[i], levels[i + 1], i + 2 == levels.size()));
    ASSERT_EQ(found.size(), rows["corrector"].is_null() ? 1U : 2U);
    expect_row(found[0], rows["predictor"]);
    if (found.size() == 2) expect_row(found[1], rows["corrector"]);
    EXPECT_EQ(found.back().to, 0);
  });
}

TEST(MultistepRows, Unipc3EvaluatesOnceAStep) {
  coefficients::Unipc3Steps steps;
  std::size_t evaluations = 0;
  for_every_step("unipc_3", [&](const std::vector<LevelValues>& levels, std::size_t i, const json&) {
    if (i == 0) {
      steps = {};
      evaluations = 0;
    }
    const bool is_last = i + 2 == levels.size();
    for (const Stage& stage : steps.step(levels[i], levels[i + 1], is_last).stages)
      evaluations += std::holds_alternative<Evaluate>(stage) ? 1 : 0;
    if (is_last) {
      EXPECT_EQ(evaluations, levels.size() - 1);
    }
  });
}

TEST(ExponentialQuadrature, IsExactForPolynomialsOverShortAndLongSteps) {
  const std::vector<long double> nodes{1.0L, 0.0L, -0.5L, -2.0L};
  const auto integral_of = [&](long double h, int degree) {
    const std::vector<long double> weights = coefficients::exponential_quadrature(h, nodes);
    long double sum = 0.0L;
    for (std::size_t j = 0; j < nodes.size(); ++j) sum += weights[j] * std::pow(nodes[j], degree);
    return static_cast<double>(sum);
  };
  for (const long double h : {1e-9L, 0.01L, 0.999L, 1.0L, 30.0L})
    EXPECT_NEAR(integral_of(h, 0), static_cast<double>(-std::expm1(-h)), 1e-15);
  // By parts: I_j = 1 - j / h I_(j - 1); at small h, I_3 = h / 4 - h^2 / 20 + ...
  for (const long double h : {0.999L, 1.0L, 30.0L})
    EXPECT_NEAR(integral_of(h, 3), 1.0 - 3.0 / static_cast<double>(h) * integral_of(h, 2), 1e-15);
  EXPECT_NEAR(integral_of(1e-9L, 3), 0.25e-9 - 0.05e-18, 1e-24);
}

}  // namespace
}  // namespace gmdiff
