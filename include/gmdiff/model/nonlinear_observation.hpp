#pragma once

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <Eigen/Core>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/custom_map.hpp>

// Observations y = Phi(x) + e of a state x by a nonlinear map Phi (mathematics.md §13.2).

namespace gmdiff {

namespace expressions {
struct Tape;
struct Tapes;
}  // namespace expressions
namespace observations {
class CalledLikelihood;
}  // namespace observations

/// The function f of an `ElementwiseMap`.
enum class MapFunction { identity, square, exp, tanh, sin };

/// Phi_i(x) = f(t_i), t = A x + b.
struct ElementwiseMap {
  MapFunction function = MapFunction::identity;
  Eigen::MatrixXd A = {};  ///< (dy, d) finite
  Eigen::VectorXd b = {};  ///< (dy) finite; empty for 0
};

/// Phi_i(x) = |x - a_i|, the distance to the anchor a_i. The derivative counts as 0 at the anchor itself.
struct RangeMap {
  Points anchors = {};  ///< (dy, d) finite
};

/// Phi_i given as text (mathematics.md §13.1). All texts together have at most `Expression::max_operations`
/// operations.
struct ExpressionMap {
  std::vector<std::string> texts = {};            ///< (dy)
  int dim = 1;                                    ///< d >= 1
  std::map<std::string, double> parameters = {};  ///< further names of the texts
};

using MapDescription = std::variant<ElementwiseMap, RangeMap, ExpressionMap, CustomMap>;

/// Name of a map in messages and problem files: "tanh", "range", "expression"; "custom" for a `CustomMap`.
const char* name_of(const MapDescription& map);
/// Names of the maps of problem files.
std::vector<std::string> map_names();

/// y = Phi(x) + e with e ~ N(0, R). An object is immutable and cheap to copy; all members may be called from
/// several threads at once.
class NonlinearObservation {
 public:
  /// R = noise_std^2 I.
  /// @param y (dy) finite. @param noise_std > 0, finite.
  /// @throws std::invalid_argument for arrays of other shapes or values, for a text that is no
  ///   expression, and for a `CustomMap` without id or without a function that it needs.
  NonlinearObservation(MapDescription map, Eigen::VectorXd y, double noise_std);
  /// General R, symmetric positive definite (dy, dy). It is checked like the dense matrices of a
  /// `Covariance`, and `relative_precision` has the same meaning.
  NonlinearObservation(MapDescription map, Eigen::VectorXd y, Eigen::MatrixXd noise_covariance,
                       double relative_precision = std::numeric_limits<double>::epsilon());

  const MapDescription& map() const { return map_; }
  const Eigen::VectorXd& y() const { return y_; }
  Eigen::Index dim() const { return dim_; }
  /// The map if it is a `CustomMap`, else null.
  const CustomMap* custom() const { return std::get_if<CustomMap>(&map_); }
  /// The standard deviation if R was given as its square, otherwise NaN.
  double noise_std() const { return noise_std_; }
  bool has_noise_std() const { return noise_covariance_.size() == 0; }
  /// R, shape (dy, dy).
  Eigen::MatrixXd noise_covariance() const;

  /// Phi, shape (n, dy), of points (n, d). NaN where a text is not defined.
  /// @throws std::invalid_argument for points of another dimension, here and below.
  Points value(const Points& x) const;
  /// J = dPhi/dx, shape (dy, d), at one point (d).
  Eigen::MatrixXd jacobian(const Eigen::VectorXd& x) const;
  /// log N(y; Phi(x), R), shape (n), of points (n, d).
  Eigen::VectorXd log_likelihood(const Points& x) const;
  /// Gradients of the log-likelihood, shape (n, d).
  Points gradient(const Points& x) const;
  /// The log-likelihoods (n) and their gradients (n, d), by one call of each function of a `CustomMap`.
  void evaluate(const Points& x, Eigen::VectorXd& log_likelihood, Points& gradient) const;
  /// H v, shape (n, d), with the Hessian H of the log-likelihood. For a `CustomMap` without `hessian`, H is
  /// -J^T R^-1 J (Gauss-Newton).
  Points hessian_vp(const Points& x, const Points& v) const;
  /// Whether `hessian_vp` has the Hessian itself, which a `CustomMap` without `hessian` has not.
  bool has_exact_hessian() const { return custom() == nullptr || custom()->hessian != nullptr; }
  /// Whether a point (d) is within 1e-8 of an anchor of a `RangeMap`, where Phi has no derivative.
  bool is_near_anchor(const Eigen::VectorXd& x) const;

  /// -1/2 log det R - dy/2 log(2 pi), the part of the log-likelihood that does not depend on x.
  double log_constant() const { return log_constant_; }
  /// The operations of the rest of the log-likelihood, -1/2 (y - Phi).R^-1 (y - Phi), and of its derivatives,
  /// for code inside the library. @throws std::invalid_argument for a `CustomMap`, here and below.
  const expressions::Tapes& likelihood() const;
  /// The operations of y - Phi (dy outputs), followed by J row by row (dy d outputs).
  const expressions::Tape& residual_and_jacobian() const;
  /// The operations of the whitened residual L^-1 (y - Phi), followed by L^-1 J row by row, where R = L L^T.
  const expressions::Tape& whitened_residual_and_jacobian() const;

 private:
  struct Programs;
  void compile();
  const Programs& programs() const;

  MapDescription map_;
  Eigen::VectorXd y_;
  double noise_std_;
  Eigen::MatrixXd noise_covariance_;  // empty when R = noise_std^2 I
  Eigen::Index dim_;
  double log_constant_ = 0.0;
  std::shared_ptr<const Programs> programs_;                      // null for a CustomMap
  std::shared_ptr<const observations::CalledLikelihood> called_;  // of a CustomMap
};

}  // namespace gmdiff
