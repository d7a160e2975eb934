#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gmdiff/model/expression.hpp>

#include "model/expression/primitive.hpp"

// The names of expressions (mathematics.md §13.1).

namespace gmdiff::expressions {

struct Function {
  enum class Arguments { one, two_or_more, position };
  std::string_view name;
  Arguments arguments;
  Primitive primitive;  ///< its operation; norm2 consists of several
};

/// The function of a name, or null.
const Function* find_function(std::string_view name);

/// Whether a name is x with an index, such as x12, which may be out of range.
bool is_coordinate(std::string_view name);

/// Names of all functions.
std::vector<std::string> function_names();
/// Names of coordinates, constants, parameters and functions. Of many coordinates only first and last.
std::vector<std::string> known_names(const ExpressionVariables& variables);

/// @throws std::invalid_argument for a dimension below 1, and for a parameter that is not finite or whose name
///   is taken or no name.
void check(const ExpressionVariables& variables);

}  // namespace gmdiff::expressions
