#include "model/target/normal_nodes.hpp"

#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "base/random.hpp"

namespace gmdiff::targets {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// The rule of Golub and Welsch (1969): eigenvalues of the matrix of the recurrence
/// He_{k+1} = x He_k - k He_{k-1}, and the squares of the first entries of its eigenvectors.
NormalNodes on_a_line(Index n) {
  MatrixXd recurrence = MatrixXd::Zero(n, n);
  for (Index k = 1; k < n; ++k) recurrence(k, k - 1) = std::sqrt(static_cast<double>(k));
  const auto eigen = linear_algebra::symmetric_eigen(recurrence);
  const VectorXd weights = eigen.U.row(0).cwiseAbs2();
  // The rule is even, which rounding must not change.
  return {.z = 0.5 * (eigen.l - eigen.l.reverse()),
          .weights = 0.5 * (weights + weights.reverse()) / weights.sum()};
}

}  // namespace

NormalNodes gauss_hermite(Index n, Index dim) {
  require(dim == 1 || dim == 2, "gauss_hermite: the dimension must be 1 or 2, got ", dim);
  NormalNodes line = on_a_line(n);
  if (dim == 1) return line;
  NormalNodes plane{.z = Points(n * n, 2), .weights = VectorXd(n * n)};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      plane.z.row(i * n + j) << line.z(i, 0), line.z(j, 0);
      plane.weights(i * n + j) = line.weights(i) * line.weights(j);
    }
  }
  return plane;
}

NormalNodes antithetic_draws(Index n, Index dim, std::uint64_t seed, std::uint64_t first) {
  NormalNodes nodes{.z = Points(n, dim), .weights = VectorXd::Constant(n, 1.0 / static_cast<double>(n))};
  for (Index pair = 0; pair < n / 2; ++pair) {
    NormalStream normals(
        {.seed = seed, .index = first + static_cast<std::uint64_t>(pair), .purpose = Purpose::proposal_noise},
        Precision::f64);
    for (Index j = 0; j < dim; ++j) {
      nodes.z(2 * pair, j) = normals(static_cast<std::uint64_t>(j));
      nodes.z(2 * pair + 1, j) = -nodes.z(2 * pair, j);
    }
  }
  return nodes;
}

NormalNodes whitened(NormalNodes nodes) {
  const Points weighted = nodes.weights.asDiagonal() * nodes.z;
  const MatrixXd covariance = weighted.transpose().lazyProduct(nodes.z);
  const auto L = linear_algebra::cholesky(covariance);
  require(L.has_value(), "gaussian_fit: ", nodes.z.rows(), " draws do not span dimension ", nodes.z.cols());
  nodes.z = linear_algebra::solve_lower(*L, nodes.z.transpose()).transpose().eval();
  return nodes;
}

}  // namespace gmdiff::targets
