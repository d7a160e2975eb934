#include <algorithm>
#include <span>

#include <gmdiff/network/trained_sampler.hpp>

#include "base/check.hpp"
#include "base/names.hpp"
#include "network/paths/path_unit.hpp"
#include "plan/hash.hpp"
#include "plan/tables.hpp"

// Mixtures as targets of trained samplers.

namespace gmdiff {

namespace {

using Eigen::Index;

void check_density(const Mixture& mixture) {
  const Points& eigenvalues = mixture.eigenvalues();
  for (Index k = 0; k < mixture.num_components(); ++k) {
    require(mixture.weights()(k) == 0.0 || eigenvalues.row(eigenvalues.rows() == 1 ? 0 : k).minCoeff() > 0.0,
            "trained sampler: component ", k,
            " of the mixture has a singular covariance, so the mixture has no density");
  }
}

std::string identity(const Mixture& mixture, double log_scale) {
  Hash hash;
  add(hash, mixture_tables(std::span(&mixture, 1)).front());
  hash.add(log_scale);
  return concat("mixture:", hex(hash.value()));
}

/// Calls body(first, count, points) for the rows of x in groups. The points always have as many rows as a
/// block of paths, since the rounding of the products inside a mixture may depend on their number.
template <class Body>
void for_whole_blocks(Index n, Index d, const double* x, Body body) {
  for (Index first = 0; first < n; first += network::block_paths) {
    const Index count = std::min<Index>(network::block_paths, n - first);
    Points points = Points::Zero(network::block_paths, d);
    std::copy_n(x + first * d, count * d, points.data());
    body(first, count, points);
  }
}

}  // namespace

Target mixture_target(const Mixture& mixture, double log_scale) {
  check_density(mixture);
  const Index d = mixture.dim();
  return CustomTarget{.dim = static_cast<int>(d),
                      .evaluate =
                          [=](Index n, const double* x, double* l, double* g) {
                            for_whole_blocks(n, d, x, [&](Index first, Index count, const Points& points) {
                              const Eigen::VectorXd log_density = mixture.log_pdf(points).array() + log_scale;
                              const Points score = mixture.score(points);
                              std::copy_n(log_density.data(), count, l + first);
                              std::copy_n(score.data(), count * d, g + first * d);
                            });
                          },
                      .hessian_vp =
                          [=](Index n, const double* x, const double* v, double* product) {
                            for_whole_blocks(n, d, x, [&](Index first, Index count, const Points& points) {
                              Points vectors = Points::Zero(points.rows(), d);
                              std::copy_n(v + first * d, count * d, vectors.data());
                              const Points products = mixture.hessian_vp(points, vectors);
                              std::copy_n(products.data(), count * d, product + first * d);
                            });
                          },
                      .id = identity(mixture, log_scale)};
}

}  // namespace gmdiff
