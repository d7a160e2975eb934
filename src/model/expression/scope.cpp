#include "model/expression/scope.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.hpp"
#include "base/names.hpp"
#include "model/expression/lexer.hpp"

namespace gmdiff::expressions {
namespace {

using Arguments = Function::Arguments;

constexpr std::array<Function, 12> functions{{
    {"exp", Arguments::one, Primitive::exp},
    {"log", Arguments::one, Primitive::log},
    {"sqrt", Arguments::one, Primitive::sqrt},
    {"sin", Arguments::one, Primitive::sine},
    {"cos", Arguments::one, Primitive::cosine},
    {"tanh", Arguments::one, Primitive::tanh},
    {"abs", Arguments::one, Primitive::abs},
    {"sg", Arguments::one, Primitive::sigmoid},
    {"sp", Arguments::one, Primitive::softplus},
    {"min", Arguments::two_or_more, Primitive::minimum},
    {"max", Arguments::two_or_more, Primitive::maximum},
    {"norm2", Arguments::position, Primitive::add},
}};

bool is_name(std::string_view text) {
  return !text.empty() && begins_name(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return begins_name(c) || is_digit(c); });
}

bool is_taken(std::string_view name) {
  return name == "x" || name == "t" || name == "pi" || is_coordinate(name) || find_function(name) != nullptr;
}

void check_parameter(const std::string& name, double value) {
  require(name.size() <= std::size_t{Expression::max_name_length}, "expression: the parameter name ",
          in_quotes(name), " has ", name.size(), " characters, expected at most ",
          Expression::max_name_length);
  require(is_name(name), "expression: the parameter name ", in_quotes(name),
          " must consist of letters, digits and underscores and not begin with a digit");
  require(!is_taken(name), "expression: the parameter name ", in_quotes(name),
          " has another meaning in expressions");
  require(std::isfinite(value), "expression: the parameter ", in_quotes(name), " must be finite, got ",
          value);
}

}  // namespace

const Function* find_function(std::string_view name) {
  const auto found =
      std::find_if(functions.begin(), functions.end(), [&](const Function& f) { return f.name == name; });
  return found == functions.end() ? nullptr : &*found;
}

bool is_coordinate(std::string_view name) {
  return name.size() > 1 && name[0] == 'x' && std::all_of(name.begin() + 1, name.end(), &is_digit);
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  names.reserve(std::size(functions));
  for (const Function& function : functions) names.emplace_back(function.name);
  return names;
}

std::vector<std::string> known_names(const ExpressionVariables& variables) {
  constexpr int most_coordinates = 8;
  std::vector<std::string> names;
  if (variables.dim == 1) names.emplace_back("x");
  for (int j = 1; j <= variables.dim; ++j) {
    const bool is_listed = variables.dim <= most_coordinates || j == 1 || j == variables.dim;
    if (variables.dim > 1 && is_listed) names.push_back("x" + std::to_string(j));
  }
  if (variables.time) names.emplace_back("t");
  names.emplace_back("pi");
  for (const auto& [name, value] : variables.parameters) names.push_back(name);
  for (std::string& name : function_names()) names.push_back(std::move(name));
  return names;
}

void check(const ExpressionVariables& variables) {
  require(variables.dim >= 1, "expression: dim must be at least 1, got ", variables.dim);
  for (const auto& [name, value] : variables.parameters) check_parameter(name, value);
}

}  // namespace gmdiff::expressions
