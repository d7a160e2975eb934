#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/custom_target.hpp>
#include <gmdiff/model/expression.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/nonlinear_observation.hpp>
#include <gmdiff/model/sparse_prior.hpp>

// Targets of Markov chains that are no mixtures: log-densities l with gradient and Hessian in closed form
// (mathematics.md §13). S = x_2^2 + x_3^2 + ... below, and coordinates count from 1 as there.

namespace gmdiff {

class Turns;

/// l = -1/2 sum_j [x_j^2 + amplitude sin(phase + frequency x_j)].
struct SinGaussian {
  static constexpr const char* name = "sin-gaussian";
  double amplitude = 1.0, phase = 5.0, frequency = 5.0;
  int dim = 1;  ///< >= 1
};

/// Rosenbrock's banana: x_1 = scale z_1, x_2 = z_2 + curvature (x_1^2 - scale^2), x_j = z_j.
struct Banana {
  static constexpr const char* name = "banana";
  double scale = 10.0;  ///< > 0
  double curvature = 0.03;
  int dim = 2;  ///< >= 2
};

/// Neal's funnel: x_1 = scale z_1, x_j = exp(x_1 / 2) z_j.
struct Funnel {
  static constexpr const char* name = "funnel";
  double scale = 3.0;  ///< > 0
  int dim = 10;        ///< >= 2
};

/// l = -sum_{j <= wells} (x_j^2 - delta)^2 - 1/2 sum_{j > wells} x_j^2: 2^wells modes.
struct ManyWell {
  static constexpr const char* name = "many-well";
  int wells = 1;  ///< 1 to dim
  double delta = 2.0;
  int dim = 1;  ///< >= 1
};

/// Posterior of the weights w of a logistic regression with the prior N(0, prior_std^2 I).
struct Logistic {
  static constexpr const char* name = "logistic";
  Points data = {};             ///< (N, d)
  Eigen::VectorXd labels = {};  ///< (N), 0 or 1
  double prior_std = 1.0;       ///< > 0
};

/// l given as text (§13.1), for example "-(x^2 + sin(5 + 5*x))/2".
struct ExpressionTarget {
  static constexpr const char* name = "expression";
  std::string density = "0";
  int dim = 1;                                    ///< >= 1
  std::map<std::string, double> parameters = {};  ///< further names of the text
};

/// Posterior of a mixture under a nonlinear observation, l = log p(x) + log N(y; Phi(x), R) (§13.2). The
/// integral of exp(l) is the density of y.
struct ObservedMixture {
  static constexpr const char* name = "observed";
  Mixture prior;  ///< with positive definite covariances
  NonlinearObservation observation;
};

/// Posterior of a sparse prior, l = -weight sum_i psi((F x)_i) + log N(y; Phi(x), R) (§13.3). Its maximum is
/// the solution of a regularised inverse problem: of the lasso for F = I, of total-variation denoising for
/// differences. By default y = 0 observes x itself in 1-D, with noise of standard deviation 1. Without a
/// smoothing the gradient is a subgradient: 0 stands for the derivative of abs at 0.
struct Regularised {
  static constexpr const char* name = "regularised";
  SparsePrior prior = {};
  NonlinearObservation observation = NonlinearObservation(
      ElementwiseMap{.A = Eigen::MatrixXd::Identity(1, 1)}, Eigen::VectorXd::Zero(1), 1.0);
};

/// Mixture of products of Student's t-distributions around `components` locations, with equal weights:
/// l = log( (1/K) sum_k prod_j t_nu(x_j - location_kj) ). The variances are infinite for nu <= 2.
struct StudentTMixture {
  static constexpr const char* name = "student-t-mixture";
  int components = 10;    ///< K >= 1; the operations of the tape, K (6 dim + 4), are at most 4096
  double nu = 2.0;        ///< degrees of freedom, 0.1 to 1000
  int dim = 50;           ///< >= 1
  Points locations = {};  ///< (components, dim); empty: uniform on [-10, 10]^dim (`student_t_locations`)
};

/// Posterior of a random-effects logistic regression of the germination of 21 plates of seeds (Crowder 1978):
/// x = (a_0, a_1, a_12, a_2, b_1, ..., b_21, log tau).
struct Seeds {
  static constexpr const char* name = "seeds";
  static constexpr int dim = 26;
};

/// Posterior of a Brownian motion with unknown scales, of which 20 of 30 states are observed:
/// x = (u, w, l_1, ..., l_30), with the scales log(1 + e^u) of the motion and log(1 + e^w) of the noise.
struct Brownian {
  static constexpr const char* name = "brownian";
  static constexpr int dim = 32;
};

using TargetDescription =
    std::variant<SinGaussian, Banana, Funnel, ManyWell, Logistic, ExpressionTarget, ObservedMixture,
                 Regularised, CustomTarget, StudentTMixture, Seeds, Brownian>;

/// The locations of a mixture of Student's t-distributions, shape (K, d): its own, or else uniform numbers on
/// [-10, 10] (numerics.md §5, purpose 20), of which location k has the numbers k d, k d + 1, ...
Points student_t_locations(const StudentTMixture& target);

/// Mean and variance of each coordinate.
struct CoordinateMoments {
  Eigen::VectorXd mean, variance;  ///< (d)
};

/// Name of a description in messages and problem files.
const char* name_of(const TargetDescription& description);

/// A target, computed in double on the host.
class Target {
 public:
  /// @throws std::invalid_argument for a parameter out of range, and for a text that is no expression.
  Target(TargetDescription description);  // NOLINT(google-explicit-constructor): a description is a target
  template <class Description>
  requires(std::is_constructible_v<TargetDescription, Description> &&
           !std::is_same_v<Description, TargetDescription>)
      Target(Description description)  // NOLINT(google-explicit-constructor): as above
      : Target(TargetDescription(std::move(description))) {}

  const TargetDescription& description() const { return description_; }
  Eigen::Index dim() const { return dim_; }
  /// The expression of an `ExpressionTarget`, else null.
  const Expression* expression() const { return expression_ ? &*expression_ : nullptr; }
  /// The description if it is an `ObservedMixture`, else null.
  const ObservedMixture* observed() const { return std::get_if<ObservedMixture>(&description_); }
  /// The description if it is a `Regularised`, else null.
  const Regularised* regularised() const { return std::get_if<Regularised>(&description_); }
  /// The observation of an `ObservedMixture` or a `Regularised`, else null.
  const NonlinearObservation* observation() const;
  /// The description if it is a `CustomTarget`, else null.
  const CustomTarget* custom() const { return std::get_if<CustomTarget>(&description_); }
  /// Whether l is computed by functions of the calling program, those of a `CustomTarget` or of an
  /// observation's `CustomMap`. Then every device calls `evaluate`, or `CustomTarget::device`.
  bool calls_functions() const;
  /// Whether `hessian_vp` has the Hessian itself, not Gauss-Newton's (`CustomMap`).
  bool has_exact_hessian() const;
  /// A `Regularised` with the same l whose gradient is that of the log-likelihood alone: proximal chains
  /// (§12.1) treat the prior otherwise. @throws std::invalid_argument for other targets.
  Target with_likelihood_gradient() const;
  /// The operations of a target that is evaluated as a tape on every device, else null: of l itself, of an
  /// `ObservedMixture` those of the log-likelihood; in both without `log_constant`. Targets with text, with
  /// an observation, `StudentTMixture`, `Seeds` and `Brownian` have one, but not with a `CustomMap`. For code
  /// inside the library.
  const expressions::Tapes* tapes() const;
  /// The part of l, or of the log-likelihood of an observation, that does not depend on x and is not in
  /// `tapes`.
  double log_constant() const;

  /// l (n) and its gradient (n, d) of points (n, d), by one call of each function of a `CustomTarget` or
  /// `CustomMap`. @throws std::invalid_argument for points of another dimension.
  void evaluate(const Points& x, Eigen::VectorXd& l, Points& gradient) const;
  /// l, shape (n), of points (n, d). @throws std::invalid_argument for points of another dimension, here and
  ///   below.
  Eigen::VectorXd log_density(const Points& x) const;
  /// grad l, shape (n, d).
  Points gradient(const Points& x) const;
  /// H v, shape (n, d), with the Hessian H of l, which is Gauss-Newton's for a `CustomMap` without `hessian`.
  /// @throws std::invalid_argument for a custom target that has none.
  Points hessian_vp(const Points& x, const Points& v) const;

  /// log of the integral of exp(l), where it has a closed form.
  std::optional<double> log_normalizer() const;
  /// Exact moments of the coordinates, where they have a closed form.
  std::optional<CoordinateMoments> moments() const;

  /// Whether the target has exact draws: sin-gaussian, banana, funnel, many-well and student-t-mixture have.
  bool has_draws() const;
  /// Exact draws number `first`, `first` + 1, ..., shape (count, d). Draw n depends on seed, n and replicate
  /// only.
  /// @throws std::invalid_argument for a target without exact draws.
  Points draws(std::int64_t count, std::uint64_t seed, std::int64_t first = 0,
               std::uint32_t replicate = 0) const;

 private:
  TargetDescription description_;
  std::optional<Expression> expression_;
  /// Null for an expression, which has its own. With a `CustomMap`, of the prior of a `Regularised` alone.
  std::shared_ptr<const expressions::Tapes> tapes_;
  std::shared_ptr<Turns> turns_;  ///< of a custom target
  Eigen::Index dim_;
};

}  // namespace gmdiff
