#include "device/cuda/distances.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "device/cuda/law_slices.hpp"
#include "device/cuda/projections.hpp"

namespace gmdiff::cuda {

namespace {

using kernels::Index;
using kernels::PairSumJob;
using kernels::Rows;
using kernels::TransportJob;

constexpr double operations_per_launch = 1e12;  // some tenths of a second

/// Adds the numbers of a buffer in ascending order.
long double add_up(const Buffer<double>& buffer, std::vector<double>& numbers) {
  numbers.resize(buffer.size());
  buffer.download(numbers.data());
  long double total = 0.0L;
  for (const double number : numbers) total += static_cast<long double>(number);
  return total;
}

// --- slices ------------------------------------------------------------------------------------------------

/// Computes W_p^p along each direction, with as many directions at once as fit. x is the larger set, so that
/// a run of its points overlaps with at most twice as many pieces of mass.
class Slices {
 public:
  Slices(Gpu& gpu, const std::string& name, const Points& x, const Points& y, const Points& directions, int p)
      : gpu_(gpu),
        directions_(directions),
        p_(p),
        n_(x.rows()),
        m_(y.rows()),
        runs_(kernels::pieces_of(n_, kernels::run_points)),
        piece_size_(points_per_upload(gpu, n_, x.cols())),
        at_once_(slices_at_once(name, n_, m_, directions.rows(), memory(), usable_memory(gpu))),
        piece_(gpu, piece_size_, x.cols()),
        some_directions_(gpu, at_once_, x.cols()),
        x_(gpu, x, at_once_),
        y_(gpu, y, at_once_),
        sums_(gpu, to_size(at_once_ * runs_)) {}

  Eigen::VectorXd operator()() {
    Eigen::VectorXd result(directions_.rows());
    for (Index first = 0; first < directions_.rows(); first += at_once_) {
      const Rows some = some_directions_.upload(directions_, first);
      const double* const x = x_.compute(some, piece_);
      launch_transport(x, y_.compute(some, piece_), some.count);
      add_runs(result.segment(first, some.count));
    }
    return result;
  }

 private:
  SliceMemory memory() const {
    const Index dim = directions_.cols();
    return {.fixed = sizeof(double) * to_size(piece_size_ * dim),
            .slice = sizeof(double) * to_size(2 * (n_ + m_) + runs_ + dim)};
  }

  std::uint64_t mass_x() const { return static_cast<std::uint64_t>(m_ / std::gcd(n_, m_)); }

  void launch_transport(const double* x, const double* y, Index slices) {
    gpu_.launch(TransportJob{.x = x,
                             .y = y,
                             .n = n_,
                             .m = m_,
                             .slices = slices,
                             .mass_x = mass_x(),
                             .mass_y = static_cast<std::uint64_t>(n_ / std::gcd(n_, m_)),
                             .p = p_,
                             .sums = sums_.data()});
  }

  /// For sets of equal size the sums and their order are those of the host, and therefore the bits too.
  void add_runs(Eigen::Ref<Eigen::VectorXd> result) {
    host_sums_.resize(sums_.size());
    sums_.download(host_sums_.data());
    for (Index s = 0; s < result.size(); ++s) {
      long double total = 0.0L;
      for (const double sum : std::span(host_sums_).subspan(to_size(s * runs_), to_size(runs_)))
        total += static_cast<long double>(sum);
      result(s) =
          static_cast<double>(total / static_cast<long double>(n_) / static_cast<long double>(mass_x()));
    }
  }

  Gpu& gpu_;
  const Points& directions_;
  int p_;
  Index n_, m_, runs_;
  Index piece_size_, at_once_;
  Piece piece_;
  Piece some_directions_;
  SortedProjections x_, y_;
  Buffer<double> sums_;
  std::vector<double> host_sums_;
};

// --- pairs -------------------------------------------------------------------------------------------------

/// Sums over pairs, for two pieces of the sets at a time; the pieces are as large as fit.
class PairSums {
 public:
  PairSums(Gpu& gpu, const std::string& name, Index dim, Index most, const PairTerm& term)
      : gpu_(gpu),
        dim_(dim),
        term_(term),
        size_(piece_size(gpu, name, dim, most)),
        x_(gpu, size_, dim),
        y_(gpu, size_, dim) {}

  long double cross(const Points& x, const Points& y) {
    long double total = 0.0L;
    for (Index i = 0; i < x.rows(); i += size_) {
      const Rows piece = x_.upload(x, i);
      for (Index j = 0; j < y.rows(); j += size_) total += add(piece, y_.upload(y, j), /*upper=*/false);
    }
    return total;
  }

  long double pairs(const Points& x) {
    long double total = 0.0L;
    for (Index i = 0; i < x.rows(); i += size_) {
      const Rows piece = x_.upload(x, i);
      total += add(piece, piece, /*upper=*/true);
      for (Index j = i + size_; j < x.rows(); j += size_)
        total += add(piece, y_.upload(x, j), /*upper=*/false);
    }
    return total;
  }

 private:
  /// Whole strips where memory suffices for one, so that the sums of the thread blocks do not depend on the
  /// available memory.
  static Index piece_size(const Gpu& gpu, const std::string& name, Index dim, Index most) {
    constexpr std::size_t sums = 2 * sizeof(double);  // more than the sums of the thread blocks take
    const std::size_t point = sizeof(double) * 2 * to_size(dim) + sums;
    const std::size_t free = usable_memory(gpu);
    const std::size_t least = point * to_size(std::min(most, kernels::tile_side));
    if (free < least)
      throw out_of_memory(name, least,
                          concat(" for pairs of ", std::min(most, kernels::tile_side), " points"), free);
    const auto fast = static_cast<Index>(std::sqrt(operations_per_launch / static_cast<double>(dim + 16)));
    const Index fit = std::min(static_cast<Index>(free / point), std::max(fast, kernels::strip_points));
    if (fit >= most) return most;
    const Index whole = fit >= kernels::strip_points ? kernels::strip_points : 1;
    return fit / whole * whole;
  }

  long double add(const Rows& x, const Rows& y, bool upper) {
    PairSumJob job{.x = x, .y = y, .dim = dim_, .upper = upper, .term = term_, .sums = nullptr};
    const Buffer<double> sums(gpu_, static_cast<std::size_t>(num_blocks(job)));
    job.sums = sums.data();
    gpu_.launch(job);
    return add_up(sums, host_sums_);
  }

  Gpu& gpu_;
  Index dim_;
  PairTerm term_;
  Index size_;
  Piece x_, y_;
  std::vector<double> host_sums_;
};

class GpuSums final : public DistanceSums {
 public:
  GpuSums(std::shared_ptr<Gpu> gpu, std::string name) : gpu_(std::move(gpu)), name_(std::move(name)) {}

  Eigen::VectorXd slices(const Points& x, const Points& y, const Points& directions, int p) const override {
    const Resting resting(*gpu_);
    return x.rows() < y.rows() ? Slices(*gpu_, name_, y, x, directions, p)()
                               : Slices(*gpu_, name_, x, y, directions, p)();
  }
  Eigen::VectorXd law_slices(const Points& x, const Eigen::VectorXd& weights, const LineLaws& laws,
                             const Points& directions, int p) const override {
    const Resting resting(*gpu_);
    return gpu_law_slices(*gpu_, name_, x, weights, laws, directions, p);
  }
  long double sum_cross(const Points& x, const Points& y, const PairTerm& term) const override {
    const Resting resting(*gpu_);
    return PairSums(*gpu_, name_, x.cols(), std::max(x.rows(), y.rows()), term).cross(x, y);
  }
  long double sum_pairs(const Points& x, const PairTerm& term) const override {
    const Resting resting(*gpu_);
    return PairSums(*gpu_, name_, x.cols(), x.rows(), term).pairs(x);
  }

 private:
  std::shared_ptr<Gpu> gpu_;
  std::string name_;
};

}  // namespace

std::int64_t slices_at_once(const std::string& name, std::int64_t n, std::int64_t m, std::int64_t count,
                            const SliceMemory& memory, std::size_t free) {
  constexpr std::int64_t too_many = std::int64_t{1} << 32;
  require(std::max(n, m) < too_many, name, ": slices are of sets of fewer than ", too_many, " points, given ",
          std::max(n, m));
  const std::size_t least = memory.fixed + memory.slice;
  if (free < least)
    throw out_of_memory(name, least,
                        concat(" for a slice of ", n, m > 0 ? concat(" and ", m) : "", " points"), free);
  return std::min(count, static_cast<std::int64_t>((free - memory.fixed) / memory.slice));
}

std::unique_ptr<DistanceSums> make_distance_sums(std::shared_ptr<Gpu> gpu, std::string name) {
  return std::make_unique<GpuSums>(std::move(gpu), std::move(name));
}

}  // namespace gmdiff::cuda
