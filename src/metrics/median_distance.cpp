#include "metrics/median_distance.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/machine.hpp"
#include "device/cpu/pairwise.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"

namespace gmdiff {
namespace {

/// n (n - 1) / 2 for n points, without forming n (n - 1).
std::uint64_t num_pairs(const Points& points) {
  const auto n = static_cast<std::uint64_t>(points.rows());
  return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

/// Finds order statistics of the squared distances of all pairs without storing them. Non-negative doubles
/// have the order of their bits. Each pass over the pairs counts the values by their next 16 bits and keeps
/// the bucket that contains the rank; when few values are left, one more pass collects them.
class PairSelection {
 public:
  /// @param rank of the wanted value, counted from 0.
  PairSelection(const Points& points, std::uint64_t rank, ThreadPool& threads)
      : points_(points), tiles_(points, threads), rank_(rank), inside_(num_pairs(points)) {}

  /// Returns the values of rank and rank + 1; the latter is infinite when rank is the last one.
  std::array<double, 2> values() {
    while (inside_ > collect_limit && free_bits_ > 0) narrow();
    if (free_bits_ > 0) collect();
    // When all bits are fixed, the remaining values are equal.
    const double value = free_bits_ > 0 ? nth(rank_) : std::bit_cast<double>(prefix_);
    if (rank_ + 1 < inside_) return {value, free_bits_ > 0 ? nth(rank_ + 1) : value};
    return {value, smallest_above()};
  }

 private:
  static constexpr std::uint64_t collect_limit = std::uint64_t{1} << 20;
  static constexpr int digit_bits = 16;
  static constexpr std::size_t num_buckets = std::size_t{1} << digit_bits;

  /// The bits of a value that are already fixed.
  std::uint64_t head(std::uint64_t bits) const { return free_bits_ == 64 ? 0 : bits >> free_bits_; }

  /// Calls visit(thread, bits) for every pair, on several threads.
  template <class Visit>
  void visit_bits(Visit&& visit) {
    tiles_.visit_pairs(points_, [&](int thread, const auto& squares) {
      for (Eigen::Index j = 0; j < squares.size(); ++j)
        visit(static_cast<std::size_t>(thread), std::bit_cast<std::uint64_t>(squares(j)));
    });
  }

  /// Fixes the next 16 bits of the wanted value.
  void narrow() {
    std::vector<std::vector<std::uint64_t>> counts(num_threads_, std::vector<std::uint64_t>(num_buckets, 0));
    const int shift = free_bits_ - digit_bits;
    visit_bits([&](std::size_t thread, std::uint64_t bits) {
      if (head(bits) == prefix_) ++counts[thread][static_cast<std::size_t>(bits >> shift) % num_buckets];
    });
    const auto total = [&](std::size_t bucket) {
      std::uint64_t sum = 0;
      for (const auto& of_thread : counts) sum += of_thread[bucket];
      return sum;
    };
    std::size_t bucket = 0;
    while (rank_ >= total(bucket)) rank_ -= total(bucket++);
    inside_ = total(bucket);
    prefix_ = prefix_ << digit_bits | bucket;
    free_bits_ = shift;
  }

  void collect() {
    std::vector<std::vector<double>> found(num_threads_);
    visit_bits([&](std::size_t thread, std::uint64_t bits) {
      if (head(bits) == prefix_) found[thread].push_back(std::bit_cast<double>(bits));
    });
    for (const std::vector<double>& of_thread : found)
      collected_.insert(collected_.end(), of_thread.begin(), of_thread.end());
  }

  double nth(std::uint64_t rank) {
    const auto place = collected_.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(collected_.begin(), place, collected_.end());
    return *place;
  }

  double smallest_above() {
    std::vector<double> smallest(num_threads_, std::numeric_limits<double>::infinity());
    visit_bits([&](std::size_t thread, std::uint64_t bits) {
      if (head(bits) > prefix_) smallest[thread] = std::min(smallest[thread], std::bit_cast<double>(bits));
    });
    return *std::min_element(smallest.begin(), smallest.end());
  }

  const Points& points_;
  PairTiles tiles_;
  std::size_t num_threads_ = static_cast<std::size_t>(tiles_.threads());
  std::uint64_t rank_;    ///< among the values that remain
  std::uint64_t inside_;  ///< number of values whose fixed bits are the prefix
  std::uint64_t prefix_ = 0;
  int free_bits_ = 64;
  std::vector<double> collected_;
};

/// Median of the distances of all pairs and of `zeros` zeros.
double median_with_zeros(const PointSet& x, const PointSet& y, std::uint64_t zeros) {
  check_points("median_distance", x.points(), y.points());
  // The points of both sets, and the same rearranged in tiles.
  const std::uint64_t points = saturating_sum(static_cast<std::uint64_t>(x.points().rows()),
                                              static_cast<std::uint64_t>(y.points().rows()));
  require_memory(
      saturating_product(points, static_cast<std::uint64_t>(x.points().cols()), 2 * sizeof(double)),
      "the distances of ", points, " points");
  const ScaledSets sets(x.points(), y.points());
  Points pool(sets.x().rows() + sets.y().rows(), sets.x().cols());
  pool << sets.x(), sets.y();

  const std::uint64_t values = num_pairs(pool) + zeros;
  const std::uint64_t rank = (values - 1) / 2 - zeros;  // among the pairs
  const std::shared_ptr<const Session> cpu = thread_session(Device::cpu());
  const auto [lower, upper] = PairSelection(pool, rank, *cpu->executor().threads()).values();
  return (values % 2 == 1 ? std::sqrt(lower) : (std::sqrt(lower) + std::sqrt(upper)) / 2.0) / sets.factor();
}

}  // namespace

double median_distance(const PointSet& x, const PointSet& y) { return median_with_zeros(x, y, 0); }

double median_distance_with_zeros(const PointSet& x, const PointSet& y) {
  return median_with_zeros(x, y, static_cast<std::uint64_t>(x.points().rows() + y.points().rows()));
}

}  // namespace gmdiff
