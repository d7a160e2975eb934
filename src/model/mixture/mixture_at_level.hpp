#pragma once

#include <cstddef>
#include <limits>

#include "model/mixture/mixture_data.hpp"

namespace gmdiff {

/// Basis in which the covariances are diagonal: the coordinates of the points, one shared basis, or one basis
/// per component.
enum class Basis { none, shared, own };

/// Values at one level that evaluations need and that do not depend on the points: `C_k = alpha^2 Sigma_k +
/// sigma^2 I` in its eigenbasis (mathematics.md §2.1).
///
/// Tables have shape (d, K), or (d, 1) when the covariances are equal. In the tables a component of weight 0
/// has l = 0 and c = 1, so that its responsibility is 0 and none of its values is NaN.
struct MixtureAtLevel {
  /// Keeps a reference to `data`.
  /// @throws std::invalid_argument when alpha or sigma is negative, not finite or has a square that is not
  ///   a normal double, or when both are 0.
  MixtureAtLevel(const Mixture::Data& data, Level level);

  Eigen::Index dim() const { return data.means.cols(); }
  Eigen::Index num_components() const { return data.means.rows(); }
  bool has_weight(Eigen::Index k) const {
    return data.log_weights(k) > -std::numeric_limits<double>::infinity();
  }
  /// Column of component k in the tables.
  Eigen::Index column(Eigen::Index k) const { return equal ? 0 : k; }
  /// U_k; only for structures with a basis.
  const Eigen::MatrixXd& rotation(Eigen::Index k) const {
    return data.bases[data.bases.size() == 1 ? 0 : static_cast<std::size_t>(k)];
  }
  /// mu_k as columns, (d, K).
  Eigen::Map<const Eigen::MatrixXd> means() const { return {data.means.data(), dim(), num_components()}; }
  /// U_k^T (mu_k - centre) as columns, (d, K).
  Eigen::Map<const Eigen::MatrixXd> centred_means() const {
    return {data.centred_means.data(), dim(), num_components()};
  }
  /// @throws std::domain_error when some C_k of weight > 0 is singular: the diffused law has no density.
  void require_density() const;

  const Mixture::Data& data;
  double alpha;
  double sigma;
  Basis basis;
  bool equal;                    ///< all components have the same covariance
  Eigen::MatrixXd l;             ///< eigenvalues of Sigma_k
  Eigen::MatrixXd c;             ///< alpha^2 l + sigma^2
  Eigen::MatrixXd gain;          ///< alpha l / c: m_k = mu_k + U_k (gain z_k)
  Eigen::VectorXd half_log_det;  ///< 1/2 log det C_k
};

/// Checks a level as the constructor of `MixtureAtLevel` does.
void check_level(Level level);

}  // namespace gmdiff
