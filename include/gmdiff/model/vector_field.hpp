#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/custom_field.hpp>

// Vector fields: texts, one expression for each coordinate, numbers, or a function (mathematics.md §16).

namespace gmdiff {

class Turns;
namespace expressions {
struct Tape;
}  // namespace expressions

/// The coefficients of a field whose coordinate j is offset_j + slope_j x_j.
struct AffineField {
  std::vector<double> offset, slope;  ///< (d)
};

/// A function f(t, x) with d values of a point x in dimension d and of the time t. An object is immutable and
/// cheap to copy; all members may be called from several threads at once.
class VectorField {
 public:
  /// A field of d texts (mathematics.md §13.1), which may use x1 to xd, x if d is 1, t, and the parameters.
  /// All texts together have at most `Expression::max_operations` operations.
  /// @param name what the field is, in messages: "drift 2: expression ..." for its second text
  /// @throws std::invalid_argument without texts, and for a text or a parameter that `Expression` refuses; the
  ///   message gives the number of the text and the column.
  VectorField(std::vector<std::string> texts, std::string name,
              std::map<std::string, double> parameters = {});
  /// The constant field with these values (d), d >= 1.
  explicit VectorField(const std::vector<double>& values);
  /// A field that the calling program computes. It counts as a function of t and of all coordinates.
  /// @throws std::invalid_argument for a field without id or function, and for dim < 1.
  explicit VectorField(CustomField function);

  int dim() const { return dim_; }
  bool depends_on_time() const { return depends_on_time_; }
  bool depends_on_position() const { return depends_on_position_; }
  /// Whether f_j depends on no coordinate but x_j, for every j.
  bool is_diagonal() const { return is_diagonal_; }

  /// f(t, x), shape (n, d), at points (n, d). NaN where a text is not defined.
  /// @throws std::invalid_argument for points of another dimension. Passes on what a function throws.
  Points value(const Points& x, double t = 0.0) const;

  /// The field with the values df_j/dx_j. @throws std::invalid_argument for a function.
  VectorField diagonal_derivative() const;
  /// The coefficients, if every f_j is written as a linear function of x_j alone, without t.
  std::optional<AffineField> affine() const;
  /// The matrix df_i/dx_j (d, d), if the field is written as a linear function of x, without t.
  std::optional<Eigen::MatrixXd> constant_jacobian() const;

  /// The function of the calling program, or null for texts and numbers.
  const CustomField* custom() const { return custom_.get(); }
  /// The operations of all coordinates, for code inside the library. Not for functions.
  const expressions::Tape& tape() const { return *tape_; }

 private:
  class Compiler;
  explicit VectorField(int dim) : dim_(dim) {}

  std::vector<std::string> texts_;
  std::string name_;
  std::map<std::string, double> parameters_;
  int dim_;
  bool depends_on_time_ = false, depends_on_position_ = false, is_diagonal_ = true;
  std::shared_ptr<const expressions::Tape> tape_;  // null for a function
  std::shared_ptr<const CustomField> custom_;
  std::shared_ptr<Turns> turns_;  // of a function
};

/// The field with the values function(x_j) of one of the functions of expressions, such as exp.
VectorField elementwise(const std::string& function, int dim);

}  // namespace gmdiff
