#include <gmdiff/model/generator.hpp>

#include "base/check.hpp"
#include "model/dynamics_fields.hpp"

namespace gmdiff {

Eigen::VectorXd generator(const Dynamics& dynamics, const Expression& F, const Points& x, double t) {
  require(!dynamics.named,
          "generator: expected drift and noise as numbers, texts or functions, given the "
          "dynamics ",
          dynamics.named ? name_of(*dynamics.named) : "");
  const DynamicsFields fields = fields_of(dynamics);
  const Eigen::Index d = fields.drift.dim();
  require(F.dim() == d, "generator: the function has dimension ", F.dim(), ", the dynamics ", d);
  require(!F.depends_on_time(), "generator: the function must not depend on t");
  require(x.cols() == d, "generator: points have dimension ", x.cols(), ", expected ", d);
  Eigen::VectorXd sum = fields.drift.value(x, t).cwiseProduct(F.gradient(x)).rowwise().sum();
  Points sigma = Points::Constant(x.rows(), d, fields.number() != nullptr ? *fields.number() : 0.0);
  if (fields.field() != nullptr) sigma = fields.field()->value(x, t);
  Points axis = Points::Zero(x.rows(), d);
  for (Eigen::Index j = 0; j < d; ++j) {
    axis.col(j).setOnes();
    sum += 0.5 * sigma.col(j).cwiseAbs2().cwiseProduct(F.hessian_vp(x, axis).col(j));
    axis.col(j).setZero();
  }
  return sum;
}

}  // namespace gmdiff
