#include <gmdiff/model/expression.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/expression/evaluate.hpp"
#include "model/expression/fold.hpp"
#include "model/expression/tape.hpp"
#include "support/expect_invalid.hpp"
#include "support/point_sets.hpp"

namespace gmdiff::test {
namespace expressions_as_text {

using expressions::Primitive;
using expressions::Tape;

double value_at(const std::string& text, double x) {
  return Expression(text).value(Points::Constant(1, 1, x))(0);
}
double slope_at(const std::string& text, double x) {
  return Expression(text).gradient(Points::Constant(1, 1, x))(0, 0);
}
double bend_at(const std::string& text, double x) {
  return Expression(text).hessian_vp(Points::Constant(1, 1, x), Points::Ones(1, 1))(0, 0);
}

/// Operations of a tape that are no loads.
long operations(const Tape& tape) {
  return std::count_if(tape.operations.begin(), tape.operations.end(),
                       [](const auto& operation) { return expressions::arity(operation.primitive) > 0; });
}
long operations(const std::string& text, ExpressionVariables variables = {}) {
  return operations(Expression(text, std::move(variables)).tapes().value);
}

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

// ----- values

TEST(Expressions, FollowPrecedenceAndAssociativity) {
  const double x = 0.75;
  EXPECT_EQ(value_at("-x^2", x), -(x * x));
  EXPECT_EQ(value_at("(-x)^2", x), x * x);
  EXPECT_EQ(value_at("-2^2", x), -4.0);
  EXPECT_EQ(value_at("2^-1", x), 0.5);
  EXPECT_EQ(value_at("2^3^2", x), 512.0);
  EXPECT_EQ(value_at("(2^3)^2", x), 64.0);
  EXPECT_EQ(value_at("2^-1^2", x), 0.5);
  EXPECT_EQ(value_at("8 - 4 - 2", x), 2.0);
  EXPECT_EQ(value_at("8 - (4 - 2)", x), 6.0);
  EXPECT_EQ(value_at("8 / 4 / 2", x), 1.0);
  EXPECT_EQ(value_at("8 / 4 * 2", x), 4.0);
  EXPECT_EQ(value_at("1 + 2 * 3", x), 7.0);
  EXPECT_EQ(value_at("2 * 3^2", x), 18.0);
  EXPECT_EQ(value_at("2 * -3", x), -6.0);
  EXPECT_EQ(value_at("2 - -3", x), 5.0);
  EXPECT_EQ(value_at("--3", x), 3.0);
  EXPECT_EQ(value_at("-x - x * -x", x), -x + x * x);
  EXPECT_EQ(value_at("\t1.5e1 +\n.25 ", x), 15.25);
  EXPECT_EQ(value_at("x1 + x", x), 2.0 * x);
}

TEST(Expressions, ComputeTheirFunctions) {
  const auto log1pexp = [](double x) { return std::log1p(std::exp(x)); };
  for (const double x : {0.25, 0.9, 1.75, 3.0}) {
    EXPECT_DOUBLE_EQ(value_at("exp(x)", x), std::exp(x));
    EXPECT_DOUBLE_EQ(value_at("log(x)", x), std::log(x));
    EXPECT_DOUBLE_EQ(value_at("sqrt(x)", x), std::sqrt(x));
    EXPECT_DOUBLE_EQ(value_at("sin(x)", x), std::sin(x));
    EXPECT_DOUBLE_EQ(value_at("cos(x)", x), std::cos(x));
    EXPECT_DOUBLE_EQ(value_at("tanh(x)", x), std::tanh(x));
    EXPECT_DOUBLE_EQ(value_at("abs(x - 1)", x), std::abs(x - 1.0));
    EXPECT_DOUBLE_EQ(value_at("min(x, 1)", x), std::min(x, 1.0));
    EXPECT_DOUBLE_EQ(value_at("max(x, 1, 2)", x), std::max({x, 1.0, 2.0}));
    EXPECT_DOUBLE_EQ(value_at("sg(x)", x), 1.0 / (1.0 + std::exp(-x)));
    EXPECT_DOUBLE_EQ(value_at("sg(-x)", x), 1.0 / (1.0 + std::exp(x)));
    EXPECT_DOUBLE_EQ(value_at("sp(x)", x), log1pexp(x));
    EXPECT_DOUBLE_EQ(value_at("sp(-x)", x), log1pexp(-x));
    EXPECT_DOUBLE_EQ(value_at("norm2(x)", x), x * x);
    EXPECT_DOUBLE_EQ(value_at("x^5", x), x * x * x * x * x);
    EXPECT_DOUBLE_EQ(value_at("x^-3", x), 1.0 / (x * x * x));
    EXPECT_DOUBLE_EQ(value_at("x^2.5", x), std::exp(2.5 * std::log(x)));
    EXPECT_DOUBLE_EQ(value_at("x^x", x), std::exp(x * std::log(x)));
  }
  EXPECT_EQ(value_at("x^0", 0.0), 1.0);
  EXPECT_EQ(value_at("sp(x)", 1e3), 1e3);
  EXPECT_EQ(value_at("sg(x)", -1e3), 0.0);
  EXPECT_TRUE(std::isnan(value_at("log(x)", -1.0)));
  EXPECT_TRUE(std::isnan(value_at("sqrt(x)", -1.0)));
}

TEST(Expressions, FoldConstantsAsTheirFunctionsCompute) {
  for (const char* const name : {"exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "sg", "sp"}) {
    const std::string call(name);
    EXPECT_EQ(operations(call + "(1.75)"), 0) << name;
    EXPECT_DOUBLE_EQ(value_at(call + "(1.75)", 0.0), value_at(call + "(x)", 1.75)) << name;
    if (call == "log" || call == "sqrt") continue;
    EXPECT_DOUBLE_EQ(value_at(call + "(-1.75)", 0.0), value_at(call + "(x)", -1.75)) << name;
  }
  EXPECT_EQ(value_at("pi", 0.0), std::numbers::pi);
  EXPECT_EQ(value_at("min(2, 1) + max(3, 7)/2 - 1", 0.0), 3.5);
  // The sum is rounded once.
  EXPECT_EQ(value_at("(1 + 2^-60) - 1", 0.0), std::numeric_limits<long double>::digits >= 64 ? 0x1p-60 : 0.0);
  EXPECT_DOUBLE_EQ(value_at("2^0.5 * 3^-2", 0.0), std::sqrt(2.0) / 9.0);
}

TEST(Expressions, KnowTimeParametersAndCoordinates) {
  const Expression expression("a*x1 + b_2*x2^2 - t*x3",
                              {.dim = 3, .parameters = {{"a", 2.0}, {"b_2", -0.5}}, .time = true});
  EXPECT_TRUE(expression.depends_on_time());
  EXPECT_EQ(expression.dim(), 3);
  EXPECT_EQ(expression.parameters().at("b_2"), -0.5);
  const Points x{{1.0, 2.0, 3.0}, {0.0, 1.0, -1.0}};
  EXPECT_EQ(expression.value(x, 4.0), (Eigen::VectorXd{{-12.0, 3.5}}));
  EXPECT_EQ(expression.value(x), (Eigen::VectorXd{{0.0, -0.5}}));
  EXPECT_EQ(expression.gradient(x, 4.0), (Points{{2.0, -2.0, -4.0}, {2.0, -1.0, -4.0}}));
  EXPECT_EQ(expression.hessian_vp(x, x, 4.0), (Points{{0.0, -2.0, 0.0}, {0.0, -1.0, 0.0}}));
  EXPECT_FALSE(Expression("x", {.time = true}).depends_on_time());
  EXPECT_EQ(Expression("norm2(x)", {.dim = 3}).value(x), (Eigen::VectorXd{{14.0, 2.0}}));
}

// ----- derivatives

TEST(Expressions, HaveTheDerivativesOfTheirValue) {
  constexpr double h = 1e-5;
  for (const char* const text : {"exp(x1*x2)",
                                 "log(1 + x1^2 + x2^4)",
                                 "sqrt(1 + norm2(x))",
                                 "sin(x1)*cos(2*x2)",
                                 "tanh(x1 - x2*x1)",
                                 "abs(x1 - 3*x2)*x1",
                                 "min(x1*x2, x1 + 2)",
                                 "max(x1^2, x2^3, sin(x1))",
                                 "sg(x1*x2)*x1",
                                 "sp(3*x1 - x2^2)",
                                 "x1/(1 + x2^2)",
                                 "(1 + x1^2)/(x2^2 + 2)",
                                 "(1.5 + x1^2)^x2",
                                 "(2 + x2^2)^-1.5",
                                 "(2 + x1^2)^-3",
                                 "x1^7 - x2^5*x1",
                                 "2^x1/3^x2",
                                 "-(x1 - x2)/(-3) - -x2^2",
                                 "x1 - x1 + 0*x2 + x2*1",
                                 "-x1*-x2*(x1 - 1)/-(2 + sin(x2))",
                                 "a^x1*exp(-t*x2^2)"}) {
    const Expression expression(text, {.dim = 2, .parameters = {{"a", 1.25}}, .time = true});
    const Points x = normal_points(20, 2, 1);
    const Points v = normal_points(20, 2, 2);
    const Points up = x + h * v, down = x - h * v;
    const Eigen::VectorXd slope = (expression.value(up, 0.5) - expression.value(down, 0.5)) / (2.0 * h);
    const Eigen::VectorXd along = expression.gradient(x, 0.5).cwiseProduct(v).rowwise().sum();
    EXPECT_LT((slope - along).cwiseAbs().maxCoeff(), 1e-6 * (1.0 + along.cwiseAbs().maxCoeff())) << text;
    const Points bend = (expression.gradient(up, 0.5) - expression.gradient(down, 0.5)) / (2.0 * h);
    const Points product = expression.hessian_vp(x, v, 0.5);
    EXPECT_LT((bend - product).cwiseAbs().maxCoeff(), 1e-6 * (1.0 + product.cwiseAbs().maxCoeff())) << text;
  }
}

TEST(Expressions, TakeTheFirstArgumentAtTies) {
  EXPECT_EQ(slope_at("min(2*x, 5*x)", 0.0), 2.0);
  EXPECT_EQ(slope_at("min(5*x, 2*x)", 0.0), 5.0);
  EXPECT_EQ(slope_at("max(2*x, 5*x)", 0.0), 2.0);
  EXPECT_EQ(slope_at("max(5*x, 2*x, 3*x)", 0.0), 5.0);
  EXPECT_EQ(slope_at("max(x, 0)", 0.0), 1.0);
  EXPECT_EQ(slope_at("max(0, x)", 0.0), 0.0);
  EXPECT_EQ(bend_at("min(x^2, 3*x^2)", 0.0), 2.0);
  EXPECT_EQ(slope_at("abs(x)", 0.0), 0.0);
  EXPECT_EQ(bend_at("abs(x)*x", 0.0), 0.0);
  EXPECT_EQ(slope_at("abs(x)", -2.0), -1.0);
  // The other argument has no finite derivative here.
  EXPECT_EQ(slope_at("max(1 + x, log(x - 1))", 0.5), 1.0);
}

TEST(Expressions, HaveDerivativesFarOut) {
  EXPECT_EQ(slope_at("sp(x)", 1e3), 1.0);
  EXPECT_EQ(slope_at("sp(x)", -1e3), 0.0);
  EXPECT_EQ(bend_at("sp(x)", 1e3), 0.0);
  EXPECT_DOUBLE_EQ(bend_at("sp(x)", 40.0), std::exp(-40.0));
  EXPECT_EQ(slope_at("tanh(x)", 1e3), 0.0);
  EXPECT_TRUE(std::isinf(slope_at("sqrt(x)", 0.0)));
}

// ----- tapes

TEST(ExpressionTapes, HoldCommonPartsOnce) {
  EXPECT_EQ(operations("sin(x)*sin(x)"), 2);
  EXPECT_EQ(operations("exp(2*x) + exp(x*2)^2"), 4);
  EXPECT_EQ(operations("(x + 1)*(1 + x)"), 2);
  EXPECT_EQ(operations("-(x*exp(x)) + (-x)*exp(x)"), 3);
  EXPECT_EQ(operations("x^8"), 3);
  EXPECT_EQ(operations("x^15"), 6);
}

TEST(ExpressionTapes, AreSimplifiedOnlyWhereThisIsExact) {
  for (const char* const text : {"x*1", "1*x", "x + 0", "0 + x", "x - 0", "x/1", "x^1", "--x", "0*x + x"}) {
    EXPECT_EQ(operations(text), 0) << text;
  }
  EXPECT_EQ(operations("0*sin(x)"), 0);
  EXPECT_EQ(operations("x - x"), 0);
  EXPECT_EQ(operations("x/3"), 1);
  EXPECT_EQ(value_at("x/3", 5.0), 5.0 / 3.0);
  EXPECT_EQ(value_at("x/4", 5.0), 1.25);
  EXPECT_TRUE(std::isnan(value_at("x/x", 0.0)));
  EXPECT_EQ(value_at("(x + 1e20) - 1e20", 1.0), 0.0);
  EXPECT_EQ(value_at("0.1*(3*x)", 1.0), 0.1 * 3.0);
}

TEST(ExpressionTapes, HoldNoDeadOperations) {
  const Expression expression("x1^2 + exp(x2)", {.dim = 2});
  const auto& tapes = expression.tapes();
  EXPECT_EQ(operations(tapes.value), 3);
  EXPECT_EQ(operations(tapes.value_and_gradient), 4);
  EXPECT_EQ(operations(tapes.hessian_vp), 3);
  EXPECT_EQ(tapes.value_and_gradient.outputs.size(), 3u);
  EXPECT_EQ(tapes.hessian_vp.outputs.size(), 2u);
}

TEST(ExpressionTapes, UseFewSlots) {
  std::string text = "0";
  for (int j = 1; j <= 100; ++j) text += " + sin(x" + std::to_string(j) + ")^2";
  const Expression expression(text, {.dim = 100});
  const auto& tapes = expression.tapes();
  EXPECT_EQ(tapes.value.outputs.size(), 1u);
  EXPECT_LE(tapes.value.num_slots, 3);
  EXPECT_LE(tapes.hessian_vp.num_slots, 110);
  // The sines stay from the value to the gradient.
  EXPECT_LE(tapes.value_and_gradient.num_slots, 210);
  EXPECT_LE(Expression("norm2(x)", {.dim = 100}).tapes().value.num_slots, 3);
}

/// Slots are in range, and each is written before it is read.
void expect_sound(const Tape& tape) {
  std::vector<bool> written(static_cast<std::size_t>(tape.num_slots), false);
  for (const expressions::Operation& operation : tape.operations) {
    const std::vector<int> slots{operation.a, operation.b};
    for (int i = 0; i < expressions::arity(operation.primitive); ++i) {
      ASSERT_TRUE(written.at(static_cast<std::size_t>(slots[static_cast<std::size_t>(i)])));
    }
    written.at(static_cast<std::size_t>(operation.result)) = true;
  }
  for (const int output : tape.outputs) ASSERT_TRUE(written.at(static_cast<std::size_t>(output)));
}

// ----- errors

TEST(Expressions, NameTheColumnOfAnError) {
  const auto refused = [](const std::string& text, const std::string& message) {
    expect_invalid(
        [&] {
          Expression expression(text, {.dim = 2, .parameters = {{"scale", 2.0}}});
        },
        "expression \"" + text + "\": " + message);
  };
  const std::string operand = "expected a number, a name or '(', got ";
  refused("x1 + * 2", "column 6: " + operand + "'*'");
  refused("", "column 1: " + operand + "the end of the text");
  refused("x1 +  ", "column 7: " + operand + "the end of the text");
  refused("+x1", "column 1: " + operand + "'+'");
  refused("x1 * $", "column 6: " + operand + "'$'");
  refused("x1^", "column 4: " + operand + "the end of the text");
  refused("exp()", "column 5: " + operand + "')'");
  refused("2x1", "column 2: expected an operator or the end of the text, got 'x1'");
  refused("x1)", "column 3: expected an operator or the end of the text, got ')'");
  refused("1.2.3", "column 4: expected an operator or the end of the text, got '.3'");
  refused("x1(2)", "column 3: expected an operator or the end of the text, got '('");
  refused("(x1", "column 4: expected an operator or ')', got the end of the text");
  refused("(x1, 2)", "column 4: expected an operator or ')', got ','");
  refused("abs(x1, x2)", "column 7: expected an operator or ')', got ','");
  refused("min(x1)", "column 7: expected an operator or ',', got ')'");
  refused("max(x1, x2", "column 11: expected an operator, ',' or ')', got the end of the text");
  refused("sin x1", "column 5: expected '(' after sin, got 'x1'");
  refused("norm2(x1)", "column 7: expected x, the argument of norm2, got 'x1'");
  refused("norm2(x + 1)", "column 9: expected ')', got '+'");
  refused("1 + sinn(x1)", "column 5: unknown function \"sinn\"; did you mean \"sin\"?");
  refused("1 + scal",
          "column 5: unknown name \"scal\"; did you mean \"scale\"? (known: x1, x2, pi, scale, exp,");
  refused("x + 1", "column 1: x has 2 coordinates: expected x1 to x2, got 'x'");
  refused("x1 + x3", "column 6: expected a coordinate x1 to x2, got 'x3'");
  refused("x0", "column 1: expected a coordinate x1 to x2, got 'x0'");
  refused("x01", "column 1: expected a coordinate x1 to x2, got 'x01'");
  refused("x99999999999999", "column 1: expected a coordinate x1 to x2, got 'x99999999999999'");
  expect_invalid([] { Expression expression("x2"); }, "column 1: expected a coordinate x, got 'x2'");
  refused("x1*t", "column 4: the name t is not available, because this function does not depend on time");
  refused("x1 + 1e999", "column 6: the number '1e999' is out of range");
  refused("x1 + log(-1)", "column 6: the result of this constant part is not finite");
  refused("x1 + 1/0", "column 7: the result of this constant part is not finite");
  refused("10^400", "column 3: the result of this constant part is not finite");
}

TEST(Expressions, RefuseBadVariables) {
  const auto refused = [](const ExpressionVariables& variables, const std::string& message) {
    expect_invalid([&] { Expression expression("1", variables); }, message);
  };
  refused({.dim = 0}, "expression: dim must be at least 1, got 0");
  refused({.parameters = {{"2a", 1.0}}}, "expression: the parameter name \"2a\" must consist of letters");
  refused({.parameters = {{"", 1.0}}}, "expression: the parameter name \"\" must consist of letters");
  for (const char* const name : {"x", "x7", "t", "pi", "exp", "norm2"}) {
    refused({.parameters = {{name, 1.0}}}, "has another meaning in expressions");
  }
  refused({.parameters = {{"a", std::numeric_limits<double>::infinity()}}},
          "expression: the parameter \"a\" must be finite, got inf");
  refused({.parameters = {{std::string(65, 'a'), 1.0}}}, "has 65 characters, expected at most 64");
}

TEST(Expressions, RefusePointsOfAnotherShape) {
  const Expression expression("x1", {.dim = 2});
  const Points two = Points::Zero(3, 2), three = Points::Zero(3, 3), fewer = Points::Zero(2, 2);
  expect_invalid([&] { expression.value(three); }, "points have dimension 3, expected 2");
  expect_invalid([&] { expression.gradient(three); }, "points have dimension 3, expected 2");
  expect_invalid([&] { expression.hessian_vp(two, three); }, "vectors have dimension 3, expected 2");
  expect_invalid([&] { expression.hessian_vp(two, fewer); }, "3 points but 2 vectors");
  EXPECT_EQ(expression.gradient(Points::Zero(0, 2)).rows(), 0);
}

TEST(Expressions, KeepTheirLimits) {
  const auto nested = [](int depth) { return repeated("(", depth) + "x" + repeated(")", depth); };
  EXPECT_EQ(value_at(nested(64), 2.0), 2.0);
  expect_invalid([&] { Expression expression(nested(65)); }, "column 66: the nesting is deeper than 64");
  EXPECT_EQ(value_at(repeated("-", 64) + "x", 2.0), 2.0);
  expect_invalid([&] { Expression expression(repeated("-", 65) + "x"); }, "the nesting is deeper than 64");
  expect_invalid([&] { Expression expression(repeated("1^", 65) + "1"); }, "the nesting is deeper than 64");

  const std::string name(64, 'a');
  EXPECT_EQ(Expression(name, {.parameters = {{name, 2.0}}}).value(Points::Zero(1, 1))(0), 2.0);
  expect_invalid([&] { Expression expression("1 + a" + name); },
                 "column 5: a name has 65 characters, expected at most 64");

  const std::string longest = "x" + repeated("*x", 4096);
  EXPECT_EQ(operations(longest), 4096);
  EXPECT_EQ(slope_at(longest, 1.0), 4097.0);
  EXPECT_EQ(bend_at(longest, 1.0), 4097.0 * 4096.0);
  expect_invalid([&] { Expression expression(longest + "*x"); },
                 "column 8194: the expression has more than 4096 operations");
  expect_invalid([&] { Expression expression("norm2(x)", {.dim = 1000000}); }, "more than 4096 operations");
  // Constants need no operation.
  EXPECT_EQ(value_at("x" + repeated(" + 0*x", 20000), 1.5), 1.5);
}

// ----- random texts

/// A random text of the grammar.
std::string random_text(std::mt19937& engine, int depth) {
  const auto any_of = [&](std::initializer_list<const char*> choices) {
    return std::string(choices.begin()[engine() % choices.size()]);
  };
  if (depth == 0) return any_of({"x1", "x2", "x3", "t", "pi", "a", "2", "0.5", "0", "1", "norm2(x)"});
  const std::string first = random_text(engine, depth - 1), second = random_text(engine, depth - 1);
  const auto kind = engine() % 4;
  if (kind == 0)
    return any_of({"exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "sg", "sp"}) + "(" + first + ")";
  if (kind == 1) return any_of({"min(", "max("}) + first + ", " + second + ")";
  if (kind == 2) return "-" + first + any_of({"^2", "^-1", "^0.5", "^3"});
  return "(" + first + any_of({" + ", " - ", "*", "/"}) + second + ")";
}

const ExpressionVariables& random_variables() {
  static const ExpressionVariables variables{.dim = 3, .parameters = {{"a", 0.75}}, .time = true};
  return variables;
}

/// Compiles a text that may be in error; returns whether it is not.
bool compiles(const std::string& text) {
  try {
    const Expression expression(text, random_variables());
    const Points x = normal_points(2, 3, 1);
    const Points products = expression.hessian_vp(x, x, 0.5);
    EXPECT_EQ(products.rows(), 2);
    const auto& tapes = expression.tapes();
    for (const Tape* const tape : {&tapes.value, &tapes.value_and_gradient, &tapes.hessian_vp}) {
      expect_sound(*tape);
    }
    return true;
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find(": column "), std::string::npos) << error.what();
    return false;
  }
}

TEST(Expressions, SurviveRandomTexts) {
  std::mt19937 engine(7);
  int compiled = 0;
  for (int i = 0; i < 300; ++i) compiled += compiles(random_text(engine, 1 + i % 6)) ? 1 : 0;
  EXPECT_GT(compiled, 150);
  const std::string letters = "x123()+-*/^,. eptasinmaxlogn2$\x80";
  for (int i = 0; i < 1500; ++i) {
    std::string text = random_text(engine, i % 4);
    for (int change = 0; change < 2; ++change) {
      text[engine() % text.size()] = letters[engine() % letters.size()];
    }
    compiles(text);
  }
  for (const char* const part :
       {"(", "-", "2^", "sin(", "x1+", "min(x1,", "x1*", "norm2(", "9", "abs", ",", "."}) {
    compiles(repeated(part, 10000));
    compiles(repeated(part, 60) + "x1");
  }
}

// ----- arithmetic of single operations

TEST(ExpressionTapes, ComputeEveryOperationAsConstantsAreFolded) {
  for (int i = static_cast<int>(Primitive::negate); i <= static_cast<int>(Primitive::where); ++i) {
    const Primitive primitive{static_cast<std::uint8_t>(i)};
    for (const double a : {0.5, 2.0, 0.0}) {
      const Tape tape{.operations = {{Primitive::constant, 0, 0, 0},
                                     {Primitive::position, 1, 0, 0},
                                     {primitive, 0, 0, 1}},
                      .constants = {a},
                      .outputs = {0},
                      .num_slots = 2};
      const double b = 1.5;
      expressions::Evaluator evaluator(tape);
      evaluator.run({.x = &b});
      EXPECT_DOUBLE_EQ(evaluator.output(0), static_cast<double>(expressions::fold(primitive, a, b))) << i;
    }
  }
}

}  // namespace expressions_as_text
}  // namespace gmdiff::test
