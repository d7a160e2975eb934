#include <gmdiff/model/benchmark_mixtures.hpp>

#include <vector>

#include "base/check.hpp"
#include "model/uniform_locations.hpp"

namespace gmdiff {

Mixture gmm40(int dim) {
  constexpr int K = 40;
  require(dim >= 1, "gmm40: dim must be at least 1, got ", dim);
  return {std::vector<double>(K, 1.0), uniform_locations(LocationStream::gmm40, K, dim, 40.0),
          Covariance::spherical(std::vector<double>(K, 1.0))};
}

}  // namespace gmdiff
