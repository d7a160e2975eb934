#include <gmdiff/model/expression.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "support/golden.hpp"

// golden/expressions.json: functions given as text with their derivatives (mathematics.md §13.1).

namespace gmdiff::test {
namespace golden_expressions {

const json& find_case(const char* name) {
  for (const json& one : load_golden("expressions")["cases"]) {
    if (one["name"] == name) return one;
  }
  throw std::invalid_argument(name);
}

void expect_close(const Points& found, const json& expected, double size, const std::string& text) {
  const Eigen::RowVectorXd values = vector(expected).transpose();
  const double scale = std::max(size, values.cwiseAbs().maxCoeff());
  EXPECT_LT((found - values).cwiseAbs().maxCoeff(), 1e-13 * scale) << text;
}

TEST(GoldenExpressions, HaveTheExpectedValuesAndDerivatives) {
  int checked = 0;
  for (const json& one : find_case("expressions")["cases"]) {
    const std::string text = one["expression"];
    const Expression expression(text, {.dim = static_cast<int>(one["variables"].size())});
    for (const json& query : one["queries"]) {
      const Points x = vector(query["x"]).transpose();
      const Points v = vector(query["v"]).transpose();
      const double value = number(query["value"]);
      EXPECT_NEAR(expression.value(x)(0), value, 1e-13 * std::max(1.0, std::abs(value))) << text;
      expect_close(expression.gradient(x), query["gradient"], std::abs(value), text);
      expect_close(expression.hessian_vp(x, v), query["hessian_vp"], std::abs(value), text);
      ++checked;
    }
  }
  EXPECT_EQ(checked, 6);
}

TEST(GoldenExpressions, HaveTheExpectedGenerator) {
  int checked = 0;
  for (const json& row : find_case("generator")["rows"]) {
    const Expression F(row["F"].get<std::string>());
    const Points x = Points::Constant(1, 1, number(row["x"]));
    const double sigma = number(row["sigma"]);
    const double second = F.hessian_vp(x, Points::Ones(1, 1))(0, 0);
    const double LF = number(row["drift"]) * F.gradient(x)(0, 0) + 0.5 * sigma * sigma * second;
    EXPECT_NEAR(LF, number(row["LF"]), 1e-12 * std::abs(number(row["LF"])));
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

}  // namespace golden_expressions
}  // namespace gmdiff::test
