#include "model/expression/parser.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include "model/expression/lexer.hpp"
#include "model/expression/scope.hpp"

namespace gmdiff::expressions {
namespace {

constexpr long double pi = 3.14159265358979323846264338327950288420L;

/// Recursive descent with one member for each rule of the grammar (mathematics.md §13.1).
class Parser {
 public:
  Parser(Graph& graph, std::string_view text, const ExpressionVariables& variables)
      : graph_(graph), variables_(variables), lexer_(text) {}

  NodeId parse() {
    const NodeId value = sum();
    if (token().kind != Token::Kind::end) fail_expected("an operator or the end of the text");
    return value;
  }

 private:
  /// Counts the nesting of the text, which bounds the recursion.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : depth_(parser.depth_) {
      if (depth_ > Expression::max_nesting) {
        parser.lexer_.fail(parser.token().column, "the nesting is deeper than ", Expression::max_nesting);
      }
      ++depth_;
    }
    ~Nesting() { --depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    int& depth_;
  };

  const Token& token() const { return lexer_.token(); }

  [[noreturn]] void fail_expected(std::string_view expected) const {
    lexer_.fail(token().column, "expected ", expected, ", got ", describe(token()));
  }

  /// Skips a symbol, which must be next.
  void expect(char symbol, std::string_view expected) {
    if (!token().is(symbol)) fail_expected(expected);
    lexer_.advance();
  }

  /// Skips the next token and returns its column.
  std::size_t skip() {
    const std::size_t column = token().column;
    lexer_.advance();
    return column;
  }

  /// The node of an operation that stands at a column.
  NodeId checked(std::size_t column, NodeId id) const {
    if (graph_.operations() > Expression::max_operations) {
      lexer_.fail(column, "the expression has more than ", Expression::max_operations, " operations");
    }
    const long double* const constant = graph_.constant_at(id);
    if (constant != nullptr && !std::isfinite(static_cast<double>(*constant))) {
      lexer_.fail(column, "the result of this constant part is not finite");
    }
    return id;
  }

  NodeId sum() {
    NodeId result = product();
    while (token().is('+') || token().is('-')) {
      const bool is_plus = token().is('+');
      const std::size_t column = skip();
      const NodeId next = product();
      result = checked(column, is_plus ? graph_.add(result, next) : graph_.subtract(result, next));
    }
    return result;
  }

  NodeId product() {
    NodeId result = signed_power();
    while (token().is('*') || token().is('/')) {
      const bool is_times = token().is('*');
      const std::size_t column = skip();
      const NodeId next = signed_power();
      result = checked(column, is_times ? graph_.multiply(result, next) : graph_.divide(result, next));
    }
    return result;
  }

  /// All recursion passes through this rule.
  NodeId signed_power() {
    const Nesting nesting(*this);
    if (!token().is('-')) return power();
    const std::size_t column = skip();
    return checked(column, graph_.negate(signed_power()));
  }

  NodeId power() {
    const NodeId base = atom();
    if (!token().is('^')) return base;
    const std::size_t column = skip();
    return checked(column, graph_.power(base, signed_power()));
  }

  NodeId atom() {
    if (token().kind == Token::Kind::name) return named();
    if (token().kind == Token::Kind::number) {
      const double value = token().value;
      lexer_.advance();
      return graph_.constant(value);
    }
    expect('(', "a number, a name or '('");
    const NodeId inner = sum();
    expect(')', "an operator or ')'");
    return inner;
  }

  NodeId named() {
    const Token name = token();
    lexer_.advance();
    if (const Function* function = find_function(name.text)) return call(name, *function);
    if (name.text == "x") return single_coordinate(name);
    if (is_coordinate(name.text)) return coordinate(name);
    if (name.text == "t") return time(name);
    if (name.text == "pi") return graph_.constant(pi);
    const auto parameter = variables_.parameters.find(std::string(name.text));
    if (parameter != variables_.parameters.end()) return graph_.constant(parameter->second);
    if (token().is('(')) lexer_.fail(name.column, unknown_name("function", name.text, function_names()));
    lexer_.fail(name.column, unknown_name("name", name.text, known_names(variables_)));
  }

  NodeId single_coordinate(const Token& name) {
    if (variables_.dim == 1) return graph_.position(0);
    lexer_.fail(name.column, "x has ", variables_.dim, " coordinates: expected x1 to x", variables_.dim,
                ", got 'x'");
  }

  NodeId coordinate(const Token& name) {
    int j = 0;
    const std::string_view digits = name.text.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), j);
    if (error == std::errc() && digits[0] != '0' && j <= variables_.dim) return graph_.position(j - 1);
    const std::string known = variables_.dim == 1 ? "x" : "x1 to x" + std::to_string(variables_.dim);
    lexer_.fail(name.column, "expected a coordinate ", known, ", got ", describe(name));
  }

  NodeId time(const Token& name) {
    if (variables_.time) return graph_.time();
    lexer_.fail(name.column, "the name t is not available, because this function does not depend on time");
  }

  NodeId call(const Token& name, const Function& function) {
    expect('(', "'(' after " + std::string(name.text));
    switch (function.arguments) {
      case Function::Arguments::one:
        return checked(name.column, unary(function));
      case Function::Arguments::two_or_more:
        return extremum(name.column, function);
      case Function::Arguments::position:
        break;
    }
    return squared_norm(name.column);
  }

  NodeId unary(const Function& function) {
    const NodeId argument = sum();
    expect(')', "an operator or ')'");
    return graph_.function(function.primitive, argument);
  }

  NodeId extremum(std::size_t column, const Function& function) {
    NodeId result = sum();
    expect(',', "an operator or ','");
    result = checked(column, graph_.choose(function.primitive, result, sum()));
    while (token().is(',')) {
      lexer_.advance();
      result = checked(column, graph_.choose(function.primitive, result, sum()));
    }
    expect(')', "an operator, ',' or ')'");
    return result;
  }

  /// norm2(x): the argument is the name of the whole point.
  NodeId squared_norm(std::size_t column) {
    if (token().kind != Token::Kind::name || token().text != "x") fail_expected("x, the argument of norm2");
    lexer_.advance();
    expect(')', "')'");
    NodeId result = graph_.constant(0.0L);
    for (int j = 0; j < variables_.dim; ++j) {
      const NodeId x = graph_.position(j);
      result = checked(column, graph_.add(result, graph_.multiply(x, x)));
    }
    return result;
  }

  Graph& graph_;
  const ExpressionVariables& variables_;
  Lexer lexer_;
  int depth_ = 0;
};

}  // namespace

NodeId parse(Graph& graph, std::string_view text, const ExpressionVariables& variables) {
  return Parser(graph, text, variables).parse();
}

}  // namespace gmdiff::expressions
