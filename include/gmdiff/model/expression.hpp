#pragma once

#include <map>
#include <memory>
#include <string>

#include <gmdiff/base/points.hpp>

// Functions of x that a user writes as text, with exact derivatives (mathematics.md §13.1).

namespace gmdiff {

namespace expressions {
struct Tapes;
}  // namespace expressions

/// The names that an expression may use in addition to its functions and to pi.
struct ExpressionVariables {
  int dim = 1;                                    ///< >= 1; names x1 to x<dim>, and x if dim is 1
  std::map<std::string, double> parameters = {};  ///< finite values of further names
  bool time = false;                              ///< whether the name t is available
};

/// A function of a point x, and possibly of the time t, given as text such as `-(x^2 + sin(5 + 5*x))/2`. An
/// object is immutable and cheap to copy; all members may be called from several threads at once.
class Expression {
 public:
  static constexpr int max_operations = 4096;  ///< of the value, after common parts have been joined
  static constexpr int max_nesting = 64;       ///< of parentheses, calls, signs and exponents
  static constexpr int max_name_length = 64;

  /// Parses the text and differentiates it.
  /// @throws std::invalid_argument for a text that is no expression, exceeds a limit or has a constant part
  ///   that is not finite; the message names the column, which counts bytes from 1. Also for a dimension below
  ///   1 and for a parameter with a bad name or a value that is not finite.
  explicit Expression(std::string text, ExpressionVariables variables = {});

  const std::string& text() const { return text_; }
  Eigen::Index dim() const { return variables_.dim; }
  const std::map<std::string, double>& parameters() const { return variables_.parameters; }
  const ExpressionVariables& variables() const { return variables_; }
  /// Whether the value depends on t.
  bool depends_on_time() const;

  /// Values, shape (n), at points (n, d) and time t. NaN where the function is not defined, such as the
  /// logarithm of a negative number. @throws std::invalid_argument for points of another dimension, here and
  ///   below.
  Eigen::VectorXd value(const Points& x, double t = 0.0) const;
  /// Gradients with respect to x, shape (n, d).
  Points gradient(const Points& x, double t = 0.0) const;
  /// H v, shape (n, d), with the Hessian H with respect to x.
  Points hessian_vp(const Points& x, const Points& v, double t = 0.0) const;

  /// The operations of value and derivatives, for code inside the library.
  const expressions::Tapes& tapes() const { return *tapes_; }

 private:
  std::string text_;
  ExpressionVariables variables_;
  std::shared_ptr<const expressions::Tapes> tapes_;
};

}  // namespace gmdiff
