#include "device/cpu/slices.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "device/cpu/dispatch.hpp"
#include "device/cpu/parallel.hpp"
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

/// Computes W_p^p along each direction, in rounds of as many directions as memory holds projections of. A
/// round first projects the points, tile by tile, then sorts and compares the projections on each direction.
class Slices {
 public:
  Slices(const Points& x, const Points& y, const Points& directions, int p, ThreadPool& pool)
      : x_(x),
        y_(y),
        directions_(directions),
        p_(p),
        pool_(pool),
        unit_(cpu::distance_unit(cpu::chosen_instruction_set())) {}

  Eigen::VectorXd operator()() {
    constexpr Eigen::Index memory = Eigen::Index{64} << 20;
    const Eigen::Index bytes = static_cast<Eigen::Index>(sizeof(double)) * (x_.rows() + y_.rows()) * tile;
    const Eigen::Index tiles =
        std::clamp<Eigen::Index>(memory / bytes, 1, (directions_.rows() + tile - 1) / tile);
    Eigen::VectorXd result(directions_.rows());
    std::vector<std::vector<std::uint64_t>> work(static_cast<std::size_t>(pool_.threads()));
    for (Eigen::Index first = 0; first < directions_.rows(); first += tiles * tile) {
      const Eigen::Index count = std::min(tiles * tile, directions_.rows() - first);
      project(x_, first, count, projected_x_);
      project(y_, first, count, projected_y_);
      const double operations =
          100.0 * static_cast<double>(x_.rows() + y_.rows()) * static_cast<double>(count);
      for_each_piece(pool_, count, operations, [&](int thread, std::int64_t s) {
        std::vector<std::uint64_t>& memory_of_thread = work[static_cast<std::size_t>(thread)];
        const std::span<double> x = sorted(projected_x_, x_.rows(), s, memory_of_thread);
        const std::span<double> y = sorted(projected_y_, y_.rows(), s, memory_of_thread);
        result(first + s) = sorted_wasserstein(x, y, p_);
      });
    }
    return result;
  }

 private:
  static constexpr Eigen::Index tile = cpu::directions_per_tile;

  /// Projects on directions [first, first + count); the projections on one direction are contiguous.
  void project(const Points& points, Eigen::Index first, Eigen::Index count, std::vector<double>& out) const {
    constexpr Eigen::Index piece = 512;
    const Eigen::Index n = points.rows();
    const Eigen::Index d = points.cols();
    const Eigen::Index tiles = (count + tile - 1) / tile;
    std::vector<double> transposed(static_cast<std::size_t>(tiles * d * tile), 0.0);
    for (Eigen::Index s = 0; s < count; ++s) {
      for (Eigen::Index i = 0; i < d; ++i) {
        transposed[static_cast<std::size_t>((s / tile * d + i) * tile + s % tile)] =
            directions_(first + s, i);
      }
    }
    out.resize(static_cast<std::size_t>(tiles * tile * n));
    const double operations = static_cast<double>(n) * static_cast<double>(d) * static_cast<double>(count);
    for_each_piece(pool_, (n + piece - 1) / piece, operations, [&](int /*thread*/, std::int64_t number) {
      const Eigen::Index begin = number * piece;
      for (Eigen::Index t = 0; t < tiles; ++t) {
        unit_.project(points.row(begin).data(), std::min(piece, n - begin), d,
                      transposed.data() + t * d * tile, out.data() + t * tile * n + begin, n);
      }
    });
  }

  static std::span<double> sorted(std::vector<double>& projected, Eigen::Index n, std::int64_t s,
                                  std::vector<std::uint64_t>& work) {
    const std::span<double> values(projected.data() + s * n, static_cast<std::size_t>(n));
    sort_numbers(values, work);
    return values;
  }

  const Points& x_;
  const Points& y_;
  const Points& directions_;
  int p_;
  ThreadPool& pool_;
  cpu::DistanceUnit unit_;
  std::vector<double> projected_x_, projected_y_;
};

}  // namespace

Eigen::VectorXd host_slices(const Points& x, const Points& y, const Points& directions, int p,
                            ThreadPool& pool) {
  return Slices(x, y, directions, p, pool)();
}

}  // namespace gmdiff
