#include "device/path_moments.hpp"

#include <algorithm>
#include <optional>

#include <gmdiff/device/sample.hpp>

#include "base/check.hpp"

namespace gmdiff {
namespace {

/// Bytes of the states of a part.
constexpr std::int64_t part_bytes = 8 << 20;

/// Sums over paths, one after the other, at each of M times (§16.5): with D = x - m for the i-th path,
/// m <- m + D / i and Q <- Q + D (x - m)^T.
class PathSums {
 public:
  PathSums(Eigen::Index levels, Eigen::Index dim)
      : dim_(dim),
        has_covariance_(dim <= PathMoments::largest_covariance),
        mean_(Points::Zero(levels, dim)),
        Q_(Points::Zero(levels, has_covariance_ ? dim * dim : dim)),
        difference_(static_cast<std::size_t>(dim)) {}

  /// @param x the states of whole paths (paths M, d)
  void add(const Points& x) {
    const Eigen::Index levels = mean_.rows();
    for (Eigen::Index path = 0; path < x.rows() / levels; ++path) {
      ++count_;
      for (Eigen::Index level = 0; level < levels; ++level)
        add(x.row(path * levels + level).data(), mean_.row(level).data(), Q_.row(level).data());
    }
  }

  void give(PathMoments& moments) const {
    const double divisor = static_cast<double>(count_) - 1.0;
    moments.count = count_;
    moments.mean = mean_;
    moments.variance = Points(mean_.rows(), dim_);
    const Eigen::Index stride = has_covariance_ ? dim_ + 1 : 1;
    for (Eigen::Index j = 0; j < dim_; ++j) moments.variance.col(j) = Q_.col(j * stride) / divisor;
    moments.covariance = has_covariance_ ? Points(Q_ / divisor) : Points(mean_.rows(), 0);
  }

 private:
  void add(const double* x, double* m, double* Q) {
    const auto number = static_cast<double>(count_);
    for (Eigen::Index j = 0; j < dim_; ++j) {
      double& difference = difference_[static_cast<std::size_t>(j)];
      difference = x[j] - m[j];
      m[j] += difference / number;
    }
    for (Eigen::Index i = 0; i < dim_; ++i) {
      const double from_mean = x[i] - m[i];
      if (!has_covariance_) {
        Q[i] += difference_[static_cast<std::size_t>(i)] * from_mean;
        continue;
      }
      // D (x - m)^T is symmetric up to rounding; both halves get the bits of the lower one.
      for (Eigen::Index j = 0; j <= i; ++j) {
        Q[i * dim_ + j] += difference_[static_cast<std::size_t>(j)] * from_mean;
        Q[j * dim_ + i] = Q[i * dim_ + j];
      }
    }
  }

  Eigen::Index dim_;
  bool has_covariance_;
  std::int64_t count_ = 0;
  Points mean_, Q_;
  std::vector<double> difference_;
};

/// The options of the paths from number `done` on.
Options part_of(const Options& options, std::int64_t done, std::int64_t most) {
  Options part = options;
  part.first = options.first + done;
  part.count = std::min(most, options.count - done);
  part.keep_on_device = false;
  if (options.start) part.start = options.start->middleRows(done, part.count);
  if (options.progress) {
    part.progress = [&options, done](const Progress& progress) {
      options.progress({.done = done + progress.done, .total = options.count});
    };
  }
  return part;
}

/// Adds the provenance of a part.
void add_part(Provenance& whole, const Provenance& part, bool is_first) {
  if (is_first) {
    whole = part;
    return;
  }
  whole.seconds += part.seconds;
  whole.particle_steps += part.particle_steps;
}

}  // namespace

PathMoments path_moments(const Plan& plan, const Options& options, std::int64_t most) {
  require(plan.problems.size() == 1, "path_moments: expected a plan of one problem, got ",
          plan.problems.size());
  require(plan.times.size() >= 2, "path_moments: a plan without steps has no times");
  require(options.count >= 2, "path_moments: expected at least 2 paths, got ", options.count);
  require(!options.start || options.start->rows() == options.count, "path_moments: start has ",
          options.start ? options.start->rows() : 0, " rows, expected ", options.count);
  const auto levels = static_cast<int>(plan.times.size());
  Options all = options;
  if (all.history == 0) all.history = levels;
  PathMoments moments;
  std::optional<PathSums> sums;
  for (std::int64_t done = 0; done < options.count; done += most) {
    const Samples samples = run(plan, part_of(all, done, most));
    if (!sums) {
      moments.times = samples.times();
      sums.emplace(std::ssize(moments.times), plan.dim());
    }
    sums->add(samples.to_double());
    add_part(moments.provenance, samples.provenance(), done == 0);
  }
  sums->give(moments);
  return moments;
}

PathMoments path_moments(const Plan& plan, const Options& options) {
  const std::size_t levels =
      options.history > 0 ? static_cast<std::size_t>(options.history) : plan.times.size();
  const auto bytes_of_path =
      static_cast<std::int64_t>(std::max<std::size_t>(levels, 1) * sizeof(double)) * plan.dim();
  return path_moments(plan, options, std::max<std::int64_t>(1, part_bytes / bytes_of_path));
}

}  // namespace gmdiff
