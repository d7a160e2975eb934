#pragma once

#include <gmdiff/model/target.hpp>

#include "base/random.hpp"

// One overload for each target (mathematics.md §13): log-density and gradient of a point, and products with
// the Hessian. Expressions, observed mixtures, regularised and custom targets have none, because other
// classes compute them, and neither have the targets of compiled.hpp.

namespace gmdiff::targets {

/// @throws std::invalid_argument for a parameter out of range.
void check(const SinGaussian& target);
void check(const Banana& target);
void check(const Funnel& target);
void check(const ManyWell& target);
void check(const Logistic& target);
void check(const ObservedMixture& target);
void check(const Regularised& target);
void check(const CustomTarget& target);
void check(const StudentTMixture& target);
inline void check(const Seeds& /*target*/) {}
inline void check(const Brownian& /*target*/) {}

inline Eigen::Index dim_of(const auto& target) { return target.dim; }
inline Eigen::Index dim_of(const Logistic& target) { return target.data.cols(); }
inline Eigen::Index dim_of(const ObservedMixture& target) { return target.prior.dim(); }
inline Eigen::Index dim_of(const Regularised& target) { return target.observation.dim(); }

using Point = Eigen::Ref<const Eigen::VectorXd>;

/// l(x), and g <- grad l(x)
double evaluate(const SinGaussian& target, const Point& x, Eigen::VectorXd& g);
double evaluate(const Banana& target, const Point& x, Eigen::VectorXd& g);
double evaluate(const Funnel& target, const Point& x, Eigen::VectorXd& g);
double evaluate(const ManyWell& target, const Point& x, Eigen::VectorXd& g);
double evaluate(const Logistic& target, const Point& x, Eigen::VectorXd& g);

/// H(x) v
Eigen::VectorXd hessian_vp(const SinGaussian& target, const Point& x, const Point& v);
Eigen::VectorXd hessian_vp(const Banana& target, const Point& x, const Point& v);
Eigen::VectorXd hessian_vp(const Funnel& target, const Point& x, const Point& v);
Eigen::VectorXd hessian_vp(const ManyWell& target, const Point& x, const Point& v);
Eigen::VectorXd hessian_vp(const Logistic& target, const Point& x, const Point& v);

/// log Z; empty without a closed form, or where it overflows.
std::optional<double> log_normalizer(const SinGaussian& target);
std::optional<double> log_normalizer(const Banana& target);
std::optional<double> log_normalizer(const Funnel& target);
std::optional<double> log_normalizer(const ManyWell& target);
std::optional<double> log_normalizer(const Logistic& target);
inline std::optional<double> log_normalizer(const ExpressionTarget& /*target*/) { return {}; }
inline std::optional<double> log_normalizer(const ObservedMixture& /*target*/) { return {}; }
inline std::optional<double> log_normalizer(const Regularised& /*target*/) { return {}; }
inline std::optional<double> log_normalizer(const CustomTarget& /*target*/) { return {}; }
inline std::optional<double> log_normalizer(const StudentTMixture& /*target*/) { return 0.0; }
inline std::optional<double> log_normalizer(const Seeds& /*target*/) { return {}; }
inline std::optional<double> log_normalizer(const Brownian& /*target*/) { return {}; }

std::optional<CoordinateMoments> moments(const SinGaussian& target);
std::optional<CoordinateMoments> moments(const Banana& target);
std::optional<CoordinateMoments> moments(const Funnel& target);
std::optional<CoordinateMoments> moments(const ManyWell& target);
std::optional<CoordinateMoments> moments(const Logistic& target);
inline std::optional<CoordinateMoments> moments(const ExpressionTarget& /*target*/) { return {}; }
inline std::optional<CoordinateMoments> moments(const ObservedMixture& /*target*/) { return {}; }
inline std::optional<CoordinateMoments> moments(const Regularised& /*target*/) { return {}; }
inline std::optional<CoordinateMoments> moments(const CustomTarget& /*target*/) { return {}; }
std::optional<CoordinateMoments> moments(const StudentTMixture& target);
inline std::optional<CoordinateMoments> moments(const Seeds& /*target*/) { return {}; }
inline std::optional<CoordinateMoments> moments(const Brownian& /*target*/) { return {}; }

/// The covariance of a target with these moments.
Eigen::MatrixXd covariance(const StudentTMixture& target, const CoordinateMoments& moments);
/// @throws std::invalid_argument for a target that has no moments in closed form.
Eigen::MatrixXd covariance(const TargetDescription& description, const CoordinateMoments& moments);

/// Random numbers of one draw; number m of a stream is the same in whatever order the numbers are read.
class DrawStreams {
 public:
  DrawStreams(std::uint64_t seed, std::uint64_t index, std::uint32_t replicate);
  double normal(std::uint64_t m) { return normals_(m); }
  std::uint64_t uniform(std::uint64_t m) const { return uniform_u64(choice_, m); }
  /// Uniform number m as a double in (0, 1).
  double open_uniform(std::uint64_t m) const { return gmdiff::open_uniform(uniform(m)); }

 private:
  StreamKey choice_;
  NormalStream normals_;
};

using Row = Eigen::Ref<Eigen::RowVectorXd>;

/// x <- an exact draw. Targets without an overload have none.
void draw(const SinGaussian& target, DrawStreams& streams, Row x);
void draw(const Banana& target, DrawStreams& streams, Row x);
void draw(const Funnel& target, DrawStreams& streams, Row x);
void draw(const ManyWell& target, DrawStreams& streams, Row x);
void draw(const StudentTMixture& target, DrawStreams& streams, Row x);

template <class Description>
inline constexpr bool has_draws = requires(const Description& target, DrawStreams& streams, Row x) {
  draw(target, streams, x);
};

}  // namespace gmdiff::targets
