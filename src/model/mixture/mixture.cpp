#include <gmdiff/model/mixture.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/infinity.hpp"
#include "base/linear_algebra.hpp"
#include "model/mixture/covariance_decomposition.hpp"
#include "model/mixture/mixture_data.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// The members of a mixture are computed with elementary functions in extended precision and rounded once,
// because glibc's double versions differ between CPUs (numerics.md §2).
struct NormalisedWeights {
  VectorXd weights;
  VectorXd log_weights;
};

NormalisedWeights normalised(const VectorXd& log_weights) {
  const auto largest = static_cast<long double>(log_weights.maxCoeff());
  long double sum = 0.0L;
  for (const double log_weight : log_weights)
    sum += extended::exp(static_cast<long double>(log_weight) - largest);
  const long double log_sum = largest + extended::log(sum);
  NormalisedWeights result{VectorXd(log_weights.size()), VectorXd(log_weights.size())};
  for (Index k = 0; k < log_weights.size(); ++k) {
    const long double log_weight = static_cast<long double>(log_weights(k)) - log_sum;
    result.weights(k) = static_cast<double>(extended::exp(log_weight));
    result.log_weights(k) = static_cast<double>(log_weight);
  }
  return result;
}

NormalisedWeights normalised(const std::vector<double>& weights) {
  // Extended precision has a wider range, so that the sum of finite doubles cannot overflow and their ratio
  // cannot underflow.
  long double sum = 0.0L;
  for (const double weight : weights) sum += static_cast<long double>(weight);
  const auto count = static_cast<Index>(weights.size());
  NormalisedWeights result{VectorXd(count), VectorXd(count)};
  for (Index k = 0; k < count; ++k) {
    const long double weight = static_cast<long double>(weights[static_cast<std::size_t>(k)]) / sum;
    result.weights(k) = static_cast<double>(weight);
    result.log_weights(k) = static_cast<double>(extended::log(weight));
  }
  return result;
}

void check_weights(const std::vector<double>& weights) {
  require(!weights.empty(), "Mixture: no components (weights are empty)");
  for (std::size_t k = 0; k < weights.size(); ++k) {
    require(weights[k] >= 0.0 && weights[k] < infinity, "Mixture: weight ", k, " is ", weights[k],
            ", expected finite and >= 0");
  }
  require(std::any_of(weights.begin(), weights.end(), [](double weight) { return weight > 0.0; }),
          "Mixture: all weights are zero");
}

void check_log_weights(const VectorXd& log_weights) {
  require(log_weights.size() > 0, "Mixture: no components (log-weights are empty)");
  for (Index k = 0; k < log_weights.size(); ++k) {
    require(log_weights(k) < infinity, "Mixture: log-weight ", k, " is ", log_weights(k), ", expected < inf");
  }
  require(log_weights.maxCoeff() > -infinity, "Mixture: all weights are zero (all log-weights are -inf)");
}

void check_means(const Points& means, Index num_components) {
  require(means.rows() == num_components, "Mixture: ", num_components, " weights but ", means.rows(),
          " means");
  require(means.cols() > 0, "Mixture: the means have dimension 0, expected at least 1");
  for (Index k = 0; k < means.rows(); ++k) {
    for (Index i = 0; i < means.cols(); ++i) {
      require(std::isfinite(means(k, i)), "Mixture: coordinate ", i, " of mean ", k, " is ", means(k, i),
              ", expected a finite number");
    }
  }
}

VectorXd weighted_mean(const VectorXd& weights, const Points& means) {
  VectorXd mean(means.cols());
  for (Index i = 0; i < means.cols(); ++i) {
    long double sum = 0.0L;
    for (Index k = 0; k < means.rows(); ++k)
      sum += static_cast<long double>(weights(k)) * static_cast<long double>(means(k, i));
    mean(i) = static_cast<double>(sum);
  }
  return mean;
}

// Transforms rows to coordinates in the bases: one basis for all rows, or one per row.
Points rotated(const Points& rows, const std::vector<MatrixXd>& bases) {
  if (bases.empty()) return rows;
  if (bases.size() == 1) return linear_algebra::product(rows, bases.front());
  Points result(rows.rows(), rows.cols());
  for (Index k = 0; k < rows.rows(); ++k) {
    result.row(k) = linear_algebra::product(rows.row(k), bases[static_cast<std::size_t>(k)]);
  }
  return result;
}

std::shared_ptr<const Mixture::Data> make_data(NormalisedWeights weights, Points means,
                                               const Covariance& covariance) {
  Mixture::Data data;
  CovarianceDecomposition decomposition = decompose(covariance, means.rows(), means.cols());
  data.weights = std::move(weights.weights);
  data.log_weights = std::move(weights.log_weights);
  data.means = std::move(means);
  data.type = covariance.type;
  data.eigenvalues = std::move(decomposition.eigenvalues);
  data.bases = std::move(decomposition.bases);
  data.dense = std::move(decomposition.dense);
  data.rotated_means = data.type == CovarianceType::full ? data.means : rotated(data.means, data.bases);
  data.centre = weighted_mean(data.weights, data.means);
  data.centred_means = rotated(data.means.rowwise() - data.centre.transpose(), data.bases);
  return std::make_shared<const Mixture::Data>(std::move(data));
}

}  // namespace

Mixture::Mixture(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

Mixture::Mixture(const std::vector<double>& weights, Points means, const Covariance& covariance) {
  check_weights(weights);
  check_means(means, static_cast<Index>(weights.size()));
  data_ = make_data(normalised(weights), std::move(means), covariance);
}

Mixture Mixture::from_log_weights(const VectorXd& log_weights, Points means, const Covariance& covariance) {
  check_log_weights(log_weights);
  check_means(means, log_weights.size());
  return Mixture(make_data(normalised(log_weights), std::move(means), covariance));
}

Index Mixture::dim() const { return data_->means.cols(); }
Index Mixture::num_components() const { return data_->means.rows(); }
const VectorXd& Mixture::weights() const { return data_->weights; }
const VectorXd& Mixture::log_weights() const { return data_->log_weights; }
const Points& Mixture::means() const { return data_->means; }
CovarianceType Mixture::covariance_type() const { return data_->type; }
const Points& Mixture::eigenvalues() const { return data_->eigenvalues; }
const std::vector<MatrixXd>& Mixture::bases() const { return data_->bases; }
const std::vector<MatrixXd>& Mixture::dense_covariances() const { return data_->dense; }

MatrixXd Mixture::component_covariance(Index k) const {
  require(k >= 0 && k < num_components(), "Mixture: component ", k, " does not exist, expected 0 <= k < ",
          num_components());
  const auto per_component = [k](const std::vector<MatrixXd>& matrices) {
    return matrices[matrices.size() == 1 ? 0 : static_cast<std::size_t>(k)];
  };
  if (!data_->dense.empty()) return per_component(data_->dense);
  VectorXd l(dim());
  for (Index i = 0; i < l.size(); ++i) l(i) = data_->eigenvalue(k, i);
  if (data_->bases.empty()) return l.asDiagonal();
  return linear_algebra::reconstruct(per_component(data_->bases), l);
}

}  // namespace gmdiff
