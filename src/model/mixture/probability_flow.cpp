#include <gmdiff/model/probability_flow.hpp>

#include "base/check.hpp"

namespace gmdiff {
namespace {

/// Traces of the matrices M_n, from `product(v)`, whose row n is M_n v.
template <class Product>
Eigen::VectorXd traces(Eigen::Index n, Eigen::Index d, Product product) {
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(n);
  Points axis = Points::Zero(n, d);
  for (Eigen::Index j = 0; j < d; ++j) {
    axis.col(j).setOnes();
    sum += product(axis).col(j);
    axis.col(j).setZero();
  }
  return sum;
}

}  // namespace

ProbabilityFlow probability_flow(const Mixture& law, const ForwardProcess& process, const Points& x,
                                 double t) {
  require(process.has_derivatives(), "probability_flow: the process ", process.name(), " has no derivatives");
  const Level level = process.level(t);
  const auto d = static_cast<double>(law.dim());
  if (level.sigma < level.alpha) {
    const double f = process.drift(t), half = 0.5 * process.squared_diffusion(t);
    const auto hessian = [&](const Points& v) { return law.hessian_vp(x, v, level); };
    return {.velocity = f * x - half * law.score(x, level),
            .divergence = (d * f - half * traces(x.rows(), law.dim(), hessian).array()).matrix()};
  }
  const double p = process.p(t), q = process.q(t);
  const auto jacobian = [&](const Points& v) { return law.denoiser_jvp(x, v, level); };
  return {.velocity = p * x + q * law.denoiser(x, level),
          .divergence = (d * p + q * traces(x.rows(), law.dim(), jacobian).array()).matrix()};
}

}  // namespace gmdiff
