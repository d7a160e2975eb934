#include "device/cpu/law_slices.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "device/cpu/dispatch.hpp"
#include "device/cpu/parallel.hpp"
#include "device/cpu/projections.hpp"
#include "device/cpu/sort.hpp"
#include "device/half_points.hpp"
#include "particle/line_cost.hpp"

namespace gmdiff {
namespace {

/// Memory of a thread for the sorted points of a direction.
struct LineWork {
  std::vector<std::uint64_t> keys;
  std::vector<Eigen::Index> order;
  std::vector<double> sorted, mass_below, mass_above;
};

/// sums[j]: the weight of the first j points in the given order, added in long double.
template <class Order>
void add_masses(const Eigen::VectorXd& weights, const Order& order, std::vector<double>& sums) {
  sums.assign(1, 0.0);
  long double sum = 0.0L;
  for (const Eigen::Index i : order) {
    sum += static_cast<long double>(weights(i));
    sums.push_back(static_cast<double>(sum));
  }
  sums.back() = 1.0;
}

particle::LinePoints sorted_points(std::span<double> projected, int p, LineWork& work) {
  sort_numbers(projected, work.keys);
  const auto n = static_cast<Eigen::Index>(projected.size());
  return {.sorted = projected.data(),
          .count = n,
          .mass_below = nullptr,
          .mass_above = nullptr,
          .lower = lower_half(n, p)};
}

/// Sorts points together with their weights, whose sum is 1.
particle::LinePoints sorted_points(std::span<const double> projected, const Eigen::VectorXd& weights, int p,
                                   LineWork& work) {
  work.order.resize(projected.size());
  std::iota(work.order.begin(), work.order.end(), Eigen::Index{0});
  std::stable_sort(work.order.begin(), work.order.end(), [&](Eigen::Index i, Eigen::Index j) {
    return projected[static_cast<std::size_t>(i)] < projected[static_cast<std::size_t>(j)];
  });
  work.sorted.clear();
  for (const Eigen::Index i : work.order) work.sorted.push_back(projected[static_cast<std::size_t>(i)]);
  add_masses(weights, work.order, work.mass_below);
  std::reverse(work.order.begin(), work.order.end());
  add_masses(weights, work.order, work.mass_above);
  return {.sorted = work.sorted.data(),
          .count = std::ssize(work.sorted),
          .mass_below = work.mass_below.data(),
          .mass_above = work.mass_above.data(),
          .lower = lower_half(work.mass_below, p)};
}

double line_distance(const particle::LineLaw& law, const particle::LinePoints& points, int p,
                     const cpu::DistanceUnit& unit) {
  long double total = 0.0L;
  const Eigen::Index runs = particle::num_line_runs(points, p);
  for (Eigen::Index run = 0; run < runs; ++run)
    total += static_cast<long double>(unit.line_run(law, points, p, run));
  return std::max(static_cast<double>(total), 0.0);
}

}  // namespace

// In rounds, as the distances between two sets (slices.cpp).
Eigen::VectorXd host_law_slices(const Points& x, const Eigen::VectorXd& weights, const LineLaws& laws,
                                const Points& directions, int p, ThreadPool& pool) {
  const cpu::DistanceUnit unit = cpu::distance_unit(cpu::chosen_instruction_set());
  const Eigen::Index n = x.rows();
  const Eigen::Index at_once = directions_at_once(n, directions.rows());
  Eigen::VectorXd result(directions.rows());
  std::vector<double> projected;
  std::vector<LineWork> work(static_cast<std::size_t>(pool.threads()));
  for (Eigen::Index first = 0; first < directions.rows(); first += at_once) {
    const Eigen::Index count = std::min(at_once, directions.rows() - first);
    project_points(x, directions, first, count, pool, projected);
    const double operations = 100.0 * static_cast<double>(n * laws.weights.size() * count);
    for_each_piece(pool, count, operations, [&](int thread, std::int64_t s) {
      LineWork& memory = work[static_cast<std::size_t>(thread)];
      const std::span<double> line(projected.data() + s * n, static_cast<std::size_t>(n));
      const particle::LinePoints points =
          weights.size() == 0 ? sorted_points(line, p, memory) : sorted_points(line, weights, p, memory);
      result(first + s) = line_distance(laws[first + s], points, p, unit);
    });
  }
  return result;
}

}  // namespace gmdiff
