#pragma once

#include <gmdiff/model/target.hpp>

// One overload for each target (mathematics.md §13): log-density and gradient of a point, and products with
// the Hessian.

namespace gmdiff::targets {

/// @throws std::invalid_argument for a parameter out of range.
void check(const SinGaussian& target);
void check(const Banana& target);
void check(const Funnel& target);
void check(const ManyWell& target);
void check(const Logistic& target);

inline Eigen::Index dim_of(const auto& target) { return target.dim; }
inline Eigen::Index dim_of(const Logistic& target) { return target.data.cols(); }

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

std::optional<CoordinateMoments> moments(const SinGaussian& target);
std::optional<CoordinateMoments> moments(const Banana& target);
std::optional<CoordinateMoments> moments(const Funnel& target);
std::optional<CoordinateMoments> moments(const ManyWell& target);
std::optional<CoordinateMoments> moments(const Logistic& target);

}  // namespace gmdiff::targets
