#include "device/cpu/slices.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "device/cpu/parallel.hpp"
#include "device/cpu/projections.hpp"
#include "device/cpu/sort.hpp"

namespace gmdiff {
namespace {

/// W_p^p of sorted sets of equal size: the mean of |x_(i) - y_(i)|^p. The sums of runs are added in long
/// double.
double paired_wasserstein(std::span<const double> x, std::span<const double> y, int p) {
  constexpr std::size_t run = 128;
  long double total = 0.0L;
  for (std::size_t begin = 0; begin < x.size(); begin += run) {
    double sum = 0.0;
    for (std::size_t i = begin; i < std::min(begin + run, x.size()); ++i) {
      const double distance = std::abs(x[i] - y[i]);
      sum += p == 1 ? distance : distance * distance;
    }
    total += static_cast<long double>(sum);
  }
  return static_cast<double>(total / static_cast<long double>(x.size()));
}

}  // namespace

// In units of g / (n m), with g = gcd(n, m), every x has the mass m / g and every y the mass n / g. A piece
// between break points is the mass that both numbers of the current pair still have, so that all masses are
// exact integers and no product n m is formed.
double sorted_wasserstein(std::span<const double> x, std::span<const double> y, int p) {
  if (x.size() == y.size()) return paired_wasserstein(x, y, p);
  const std::uint64_t g = std::gcd<std::uint64_t, std::uint64_t>(x.size(), y.size());
  const std::uint64_t mass_x = y.size() / g;
  const std::uint64_t mass_y = x.size() / g;

  long double total = 0.0L;
  std::uint64_t left_x = mass_x;
  std::uint64_t left_y = mass_y;
  for (std::size_t i = 0, j = 0; i < x.size() && j < y.size();) {
    const std::uint64_t piece = std::min(left_x, left_y);
    const double distance = std::abs(x[i] - y[j]);
    total += static_cast<long double>(piece) * (p == 1 ? distance : distance * distance);
    if ((left_x -= piece) == 0) left_x = mass_x, ++i;
    if ((left_y -= piece) == 0) left_y = mass_y, ++j;
  }
  return static_cast<double>(total / static_cast<long double>(x.size()) / static_cast<long double>(mass_x));
}

namespace {

/// Sorts the projections on direction s of a round.
std::span<double> sorted_projections(std::vector<double>& projected, Eigen::Index n, std::int64_t s,
                                     std::vector<std::uint64_t>& work) {
  const std::span<double> values(projected.data() + s * n, static_cast<std::size_t>(n));
  sort_numbers(values, work);
  return values;
}

}  // namespace

// In rounds of as many directions as memory holds projections of. A round first projects the points, tile by
// tile, then sorts and compares the projections on each direction.
Eigen::VectorXd host_slices(const Points& x, const Points& y, const Points& directions, int p,
                            ThreadPool& pool) {
  const Eigen::Index points = x.rows() + y.rows();
  const Eigen::Index at_once = directions_at_once(points, directions.rows());
  Eigen::VectorXd result(directions.rows());
  std::vector<double> projected_x;
  std::vector<double> projected_y;
  std::vector<std::vector<std::uint64_t>> work(static_cast<std::size_t>(pool.threads()));
  for (Eigen::Index first = 0; first < directions.rows(); first += at_once) {
    const Eigen::Index count = std::min(at_once, directions.rows() - first);
    project_points(x, directions, first, count, pool, projected_x);
    project_points(y, directions, first, count, pool, projected_y);
    const double operations = 100.0 * static_cast<double>(points) * static_cast<double>(count);
    for_each_piece(pool, count, operations, [&](int thread, std::int64_t s) {
      std::vector<std::uint64_t>& memory = work[static_cast<std::size_t>(thread)];
      result(first + s) = sorted_wasserstein(sorted_projections(projected_x, x.rows(), s, memory),
                                             sorted_projections(projected_y, y.rows(), s, memory), p);
    });
  }
  return result;
}

}  // namespace gmdiff
