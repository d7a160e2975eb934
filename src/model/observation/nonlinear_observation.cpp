#include <gmdiff/model/nonlinear_observation.hpp>

#include <cmath>
#include <numbers>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/covariance_check.hpp"
#include "model/expression/derivatives.hpp"
#include "model/expression/evaluate.hpp"
#include "model/expression/liveness.hpp"
#include "model/observation/called_likelihood.hpp"
#include "model/observation/likelihood_nodes.hpp"
#include "model/observation/observation_map.hpp"

// Likelihoods of nonlinear observations (mathematics.md §13.2).

namespace gmdiff {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using expressions::Graph;
using expressions::NodeId;

struct NonlinearObservation::Programs {
  expressions::Tapes likelihood;
  expressions::Tape map, residual_and_jacobian, whitened_residual_and_jacobian;
};

namespace {

void check_observed(const MapDescription& map, const VectorXd& y, Index dy) {
  require(y.size() == dy, "NonlinearObservation: the map ", name_of(map), " has ", dy, " values, but y has ",
          y.size(), " entries");
  for (Index i = 0; i < y.size(); ++i)
    require(std::isfinite(y(i)), "NonlinearObservation: entry ", i, " of y must be finite, got ", y(i));
}

/// y - Phi, followed by the rows of J.
expressions::Tape tape_with_jacobian(Graph& graph, const std::vector<NodeId>& map,
                                     const std::vector<NodeId>& residual, int dim) {
  std::vector<NodeId> outputs = residual;
  for (const NodeId value : map) {
    const std::vector<NodeId> row = expressions::append_gradient(graph, value, dim);
    outputs.insert(outputs.end(), row.begin(), row.end());
  }
  return tape_of(graph, outputs);
}

/// -1/2 log det R - dy/2 log(2 pi) with R = L L^T
double log_constant_of(const MatrixXd& L) {
  return -L.diagonal().array().log().sum() -
         0.5 * static_cast<double>(L.rows()) * std::log(2.0 * std::numbers::pi);
}

void check_observed_points(const Points& x, Index dim, const char* what) {
  require(x.cols() == dim, "NonlinearObservation: ", what, " have dimension ", x.cols(), ", expected ", dim);
}

}  // namespace

NonlinearObservation::NonlinearObservation(MapDescription map, VectorXd y, double noise_std)
    : map_(std::move(map)), y_(std::move(y)), noise_std_(noise_std), dim_(observations::dim_of(map_)) {
  require(std::isfinite(noise_std) && noise_std > 0.0,
          "NonlinearObservation: noise_std must be positive, got ", noise_std);
  compile();
}

NonlinearObservation::NonlinearObservation(MapDescription map, VectorXd y, MatrixXd noise_covariance,
                                           double relative_precision)
    : map_(std::move(map)),
      y_(std::move(y)),
      noise_std_(std::numeric_limits<double>::quiet_NaN()),
      noise_covariance_(std::move(noise_covariance)),
      dim_(observations::dim_of(map_)) {
  MatrixXd& R = noise_covariance_;
  require(R.rows() == y_.size() && R.cols() == y_.size() && R.size() > 0,
          "NonlinearObservation: the noise covariance is ", R.rows(), "x", R.cols(), " but y has ", y_.size(),
          " entries");
  require(R.allFinite(), "NonlinearObservation: the noise covariance must be finite");
  MatrixXd symmetric = symmetrised(R);
  check_covariance(R, linear_algebra::symmetric_eigen(symmetric).l, relative_precision,
                   "NonlinearObservation: the noise covariance");
  R = std::move(symmetric);
  compile();
}

void NonlinearObservation::compile() {
  observations::check(map_);
  if (const CustomMap* map = custom()) {
    check_observed(map_, y_, map->outputs);
    const MatrixXd L = observations::noise_factor(*this);
    log_constant_ = log_constant_of(L);
    called_ = std::make_shared<const observations::CalledLikelihood>(*map, y_, L);
    return;
  }
  Graph graph;
  const std::vector<NodeId> map = observations::append(graph, map_);
  check_observed(map_, y_, static_cast<Index>(map.size()));
  const std::vector<NodeId> residual = observations::append_residual(graph, map, y_);
  const MatrixXd L = observations::noise_factor(*this);
  log_constant_ = log_constant_of(L);
  const std::vector<NodeId> whitened = observations::append_whitened(graph, residual, L);
  const NodeId likelihood = observations::append_quadratic(graph, whitened);
  const auto d = static_cast<int>(dim_);
  programs_ = std::make_shared<const Programs>(
      Programs{.likelihood = expressions::tapes_with_derivatives(graph, likelihood, d),
               .map = tape_of(graph, map),
               .residual_and_jacobian = tape_with_jacobian(graph, map, residual, d),
               .whitened_residual_and_jacobian =
                   tape_with_jacobian(graph, observations::append_whitened(graph, map, L), whitened, d)});
}

MatrixXd NonlinearObservation::noise_covariance() const {
  if (!has_noise_std()) return noise_covariance_;
  return noise_std_ * noise_std_ * MatrixXd::Identity(y_.size(), y_.size());
}

Points NonlinearObservation::value(const Points& x) const {
  check_observed_points(x, dim_, "points");
  if (called_) return called_->value(x);
  return expressions::outputs_at(programs_->map, x, nullptr, 0, y_.size());
}

MatrixXd NonlinearObservation::jacobian(const VectorXd& x) const {
  check_observed_points(Points(x.transpose()), dim_, "points");
  if (called_) return called_->jacobian(x);
  const Points rows = expressions::outputs_at(programs_->residual_and_jacobian, Points(x.transpose()),
                                              nullptr, static_cast<std::size_t>(y_.size()), y_.size() * dim_);
  return Eigen::Map<const Points>(rows.data(), y_.size(), dim_);
}

VectorXd NonlinearObservation::log_likelihood(const Points& x) const {
  check_observed_points(x, dim_, "points");
  if (called_) return called_->log_likelihood(x).array() + log_constant_;
  return expressions::outputs_at(programs_->likelihood.value, x, nullptr, 0, 1).col(0).array() +
         log_constant_;
}

Points NonlinearObservation::gradient(const Points& x) const {
  check_observed_points(x, dim_, "points");
  if (called_) return called_->gradient(x);
  return expressions::outputs_at(programs_->likelihood.value_and_gradient, x, nullptr, 1, dim_);
}

void NonlinearObservation::evaluate(const Points& x, VectorXd& log_likelihood, Points& gradient) const {
  check_observed_points(x, dim_, "points");
  if (called_) {
    called_->evaluate(x, log_likelihood, gradient);
    log_likelihood.array() += log_constant_;
  } else {
    log_likelihood = this->log_likelihood(x);
    gradient = this->gradient(x);
  }
}

Points NonlinearObservation::hessian_vp(const Points& x, const Points& v) const {
  check_observed_points(x, dim_, "points");
  check_observed_points(v, dim_, "vectors");
  require(x.rows() == v.rows(), "NonlinearObservation: ", x.rows(), " points but ", v.rows(), " vectors");
  if (called_) return called_->hessian_vp(x, v);
  return expressions::outputs_at(programs_->likelihood.hessian_vp, x, &v, 0, dim_);
}

bool NonlinearObservation::is_near_anchor(const VectorXd& x) const {
  constexpr double least_distance = 1e-8;
  const auto* range = std::get_if<RangeMap>(&map_);
  if (range == nullptr) return false;
  return (range->anchors.rowwise() - x.transpose()).rowwise().norm().minCoeff() <= least_distance;
}

const NonlinearObservation::Programs& NonlinearObservation::programs() const {
  require(programs_ != nullptr,
          "NonlinearObservation: a map given by functions (CustomMap) has no operations");
  return *programs_;
}

const expressions::Tapes& NonlinearObservation::likelihood() const { return programs().likelihood; }
const expressions::Tape& NonlinearObservation::residual_and_jacobian() const {
  return programs().residual_and_jacobian;
}
const expressions::Tape& NonlinearObservation::whitened_residual_and_jacobian() const {
  return programs().whitened_residual_and_jacobian;
}

}  // namespace gmdiff
