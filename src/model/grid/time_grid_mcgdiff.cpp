#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/grid/time_grid_levels.hpp"

// The grid adapted to an observation (mathematics.md §4): nearly equal decrements of alpha down to 0.01,
// equal index steps beyond, and every index tau_j at which an observed coordinate is as noisy as its
// observation.

namespace gmdiff {

namespace {

constexpr long double small_alpha = 0.01L;

/// An observation in the coordinates in which it is `y_j = s_j x_j + noise`, with equal variances of the
/// noise.
struct DecoupledNoise {
  Eigen::VectorXd singular_values;
  long double variance;
};

Eigen::VectorXd nonzero_singular_values(const Eigen::MatrixXd& A) {
  const linear_algebra::Svd svd = linear_algebra::full_svd(A);
  return svd.s.head(svd.rank());
}

DecoupledNoise decouple(const LinearObservation& observation) {
  if (observation.has_noise_std()) {
    const long double noise_std = observation.noise_std();
    return {.singular_values = nonzero_singular_values(observation.A()), .variance = noise_std * noise_std};
  }
  const auto factor = linear_algebra::cholesky(observation.noise_covariance());
  require(factor.has_value(),
          "McgdiffGrid: the noise covariance of the observation must be positive definite (noise_std = 0 if "
          "there is none)");
  return {.singular_values = nonzero_singular_values(linear_algebra::solve_lower(*factor, observation.A())),
          .variance = 1.0L};
}

/// alpha and sigma of the table at indices 0 (data) to M.
struct Table {
  std::vector<long double> alpha, sigma;

  explicit Table(const ForwardProcess& process) {
    const auto last = static_cast<int>(process.T());
    for (int i = 0; i <= last; ++i) {
      const ProcessValues v = process.values(i);
      alpha.push_back(v.alpha);
      sigma.push_back(v.sigma);
    }
  }
  int last() const { return static_cast<int>(alpha.size()) - 1; }
};

/// For each singular value s, the index where variance alpha_bar is closest to (1 - alpha_bar) s^2. Sorted,
/// without repetitions and without index 0.
std::vector<int> forced_indices(const Table& table, const DecoupledNoise& noise) {
  std::vector<int> forced;
  for (const double singular_value : noise.singular_values) {
    const long double s = singular_value;
    int closest = 0;
    long double smallest = noise.variance;
    for (int i = 1; i <= table.last(); ++i) {
      const long double alpha = table.alpha[static_cast<std::size_t>(i)],
                        sigma = table.sigma[static_cast<std::size_t>(i)];
      const long double distance = std::abs(noise.variance * alpha * alpha - sigma * sigma * s * s);
      if (distance < smallest) {
        smallest = distance;
        closest = i;
      }
    }
    if (closest > 0) forced.push_back(closest);
  }
  std::sort(forced.begin(), forced.end());
  forced.erase(std::unique(forced.begin(), forced.end()), forced.end());
  return forced;
}

/// The indices below `end` that are kept: index 0, the forced ones, and each at which alpha has fallen by
/// `delta` since the last kept index.
std::vector<int> kept_indices(const Table& table, const std::vector<int>& forced, long double delta,
                              int end) {
  std::vector<int> kept{0};
  for (int i = 1; i < end; ++i) {
    const long double fall =
        table.alpha[static_cast<std::size_t>(kept.back())] - table.alpha[static_cast<std::size_t>(i)];
    if (fall >= delta || std::binary_search(forced.begin(), forced.end(), i)) kept.push_back(i);
  }
  return kept;
}

/// Appends c + ceil(j (M - c) / m), j = 1..m, for the m points that are left after the last kept index c. At
/// least M itself is appended: with betas below the rounding of alpha every index may have been kept.
void append_equal_index_steps(std::vector<int>& indices, int points, int last) {
  const std::int64_t from = indices.back(),
                     left = std::max(points - static_cast<std::int64_t>(indices.size()), std::int64_t{1});
  for (std::int64_t j = 1; j <= left; ++j)
    indices.push_back(static_cast<int>(from + (j * (last - from) + left - 1) / left));
}

}  // namespace

std::vector<int> mcgdiff_indices(const ForwardProcess& process, const McgdiffGrid& grid,
                                 const LinearObservation* observation) {
  const int table_size = table_steps(process, "McgdiffGrid") + 1;
  require(observation != nullptr, "McgdiffGrid: needs an observation");
  require(grid.points >= 2 && grid.points <= table_size, "McgdiffGrid: points must lie between 2 and the ",
          table_size, " levels of the table, got ", grid.points);
  const Table table(process);
  const std::vector<int> forced = forced_indices(table, decouple(*observation));
  const auto num_forced = static_cast<int>(forced.size());
  require(grid.points - 1 - num_forced >= 1, "McgdiffGrid: points must be at least ", num_forced + 2,
          ", the observation forces ", num_forced, " levels, got ", grid.points);

  const auto below = std::find_if(table.alpha.begin(), table.alpha.end(),
                                  [](long double alpha) { return alpha < small_alpha; });
  const int end = below == table.alpha.end() ? table.last() : static_cast<int>(below - table.alpha.begin());
  const long double delta = (1.0L - table.alpha[static_cast<std::size_t>(end)]) /
                            static_cast<long double>(grid.points - 1 - num_forced);
  std::vector<int> indices = kept_indices(table, forced, delta, end);
  append_equal_index_steps(indices, grid.points, table.last());
  indices.insert(indices.end(), forced.begin(), forced.end());
  std::sort(indices.begin(), indices.end(), std::greater<>());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

}  // namespace gmdiff
