#include "device/cuda/paths.hpp"

#include <algorithm>
#include <vector>

#include "base/machine.hpp"
#include "base/thread_pool.hpp"
#include "device/path_tables.hpp"
#include "device/path_weights.hpp"

namespace gmdiff::cuda {
namespace {

using kernels::Index;
using kernels::PathJob;

template <class T>
Buffer<T> uploaded(Gpu& gpu, const std::vector<T>& numbers) {
  if (numbers.empty()) return {};
  Buffer<T> buffer(gpu, numbers.size());
  buffer.upload(numbers.data());
  return buffer;
}

/// A network in a GPU's memory; without numbers where the method has none.
template <class Real>
class NetworkMemory {
 public:
  NetworkMemory(Gpu& gpu, const std::optional<PathNetworkTables<Real>>& tables) {
    if (!tables) return;
    numbers_ = uploaded(gpu, tables->weights.numbers);
    time_ = uploaded(gpu, tables->time);
    scale_ = uploaded(gpu, tables->scale);
    network_ = {.table = tables->weights.table, .time = time_.data(), .scale = scale_.data()};
    network_.table.numbers = numbers_.data();
  }
  const kernels::PathNetwork<Real>& network() const { return network_; }

 private:
  Buffer<Real> numbers_, time_, scale_;
  kernels::PathNetwork<Real> network_{};
};

template <class Real>
class GpuPaths final : public PathRunner {
 public:
  GpuPaths(Gpu& gpu, std::string name, const PathSource& source, PathTables tables,
           const PathNetworkPair<Real>& pair)
      : gpu_(gpu),
        name_(std::move(name)),
        source_(source),
        tables_(std::move(tables)),
        pool_(usable_processors()),
        forward_(gpu, pair.forward),
        backward_(gpu, pair.backward),
        mean_(uploaded(gpu, tables_.mean)),
        inverse_(uploaded(gpu, tables_.inverse)),
        precision_(uploaded(gpu, tables_.precision)),
        log_weight_(uploaded(gpu, tables_.log_weight)),
        beta_(uploaded(gpu, tables_.beta)),
        eta_(uploaded(gpu, tables_.eta)),
        noise_scale_(uploaded(gpu, tables_.noise_scale)) {}

  void run(std::int64_t first, std::int64_t count, std::uint64_t seed, const std::vector<int>& kept,
           double* x, double* log_weights) override {
    const std::int64_t values = std::ssize(kept) * tables_.dim;
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t paths = std::min(count - done, paths_at_once());
      run_part(first + done, paths, seed, kept, x + done * values, log_weights + done);
      done += paths;
    }
    check_log_weights(log_weights, first, count);
  }

 private:
  /// Arrays of a part: x, F, q, the target's score; log p0 and the log-ratios.
  std::size_t bytes_of_a_path() const {
    return static_cast<std::size_t>(4 * tables_.dim + 2) * sizeof(double);
  }
  std::int64_t paths_at_once() const {
    constexpr std::int64_t enough = 1 << 16;
    // Half of the memory is for the room of tiles that do not fit shared memory, and for others.
    const std::size_t fit = gpu_.free_memory() / 2 / bytes_of_a_path();
    if (fit == 0) throw out_of_memory(name_, 2 * bytes_of_a_path(), " for 1 path", gpu_.free_memory());
    return std::min(enough, static_cast<std::int64_t>(std::min<std::size_t>(fit, enough)));
  }

  /// Points of a part: those of the host are (count, d), those of the GPU (d, count).
  void upload(Buffer<double>& to, const Points& rows) const {
    const Points columns = rows.transpose();
    to.upload(columns.data());
  }
  Points download(const Buffer<double>& from, std::int64_t count) const {
    Points columns(tables_.dim, count);
    from.download(columns.data());
    return columns.transpose();
  }

  void run_part(std::int64_t first, std::int64_t count, std::uint64_t seed, const std::vector<int>& kept,
                double* to, double* log_weights) {
    const auto paths = static_cast<std::size_t>(count),
               numbers = paths * static_cast<std::size_t>(tables_.dim);
    Buffer<double> x(gpu_, numbers), F(gpu_, numbers), q(gpu_, numbers), log_p0(gpu_, paths),
        log_ratio(gpu_, paths), target_score;
    if (tables_.needs_target_score()) target_score = Buffer<double>(gpu_, numbers);
    PathJob<Real> job = make_job(seed, first, count);
    job.x = x.data();
    job.F = F.data();
    job.q = q.data();
    job.log_p0 = log_p0.data();
    job.log_ratio = log_ratio.data();
    job.target_score = target_score.data();
    upload(x, source_.starts(first, count, seed));
    Eigen::VectorXd log_rho(count);
    for (Index n = 0; n <= tables_.steps; n = job.last_state + 1) {
      const bool is_kept = std::find(kept.begin(), kept.end(), static_cast<int>(n)) != kept.end();
      if (is_kept || tables_.needs_target_score() || n == tables_.steps) {
        const Points rows = download(x, count);
        if (is_kept) keep(rows, n, kept, to);
        if (n == tables_.steps || tables_.needs_target_score()) {
          const Points score = evaluate_target(rows, first, n == tables_.steps ? &log_rho : nullptr);
          if (tables_.needs_target_score()) upload(target_score, score);
        }
      }
      job.first_state = n;
      job.last_state = last_state(n, kept);
      gpu_.launch(job);
    }
    give_log_weights(log_rho, log_p0, log_ratio, log_weights);
  }

  /// The last state of a launch that begins with state n: before the next one that the host needs.
  Index last_state(Index n, const std::vector<int>& kept) const {
    if (n == tables_.steps || tables_.needs_target_score()) return n;
    const auto next = std::upper_bound(kept.begin(), kept.end(), static_cast<int>(n));
    return (next == kept.end() ? tables_.steps : std::min<Index>(*next, tables_.steps)) - 1;
  }

  void keep(const Points& rows, Index n, const std::vector<int>& kept, double* to) const {
    const auto slots = std::ssize(kept);
    const auto slot = std::lower_bound(kept.begin(), kept.end(), static_cast<int>(n)) - kept.begin();
    for (Index p = 0; p < rows.rows(); ++p) {
      for (Index j = 0; j < tables_.dim; ++j) to[(p * slots + slot) * tables_.dim + j] = rows(p, j);
    }
  }

  /// The scores of the target, and its log-densities unless null, on the threads of the host.
  Points evaluate_target(const Points& x, std::int64_t first, Eigen::VectorXd* log_rho) {
    // The blocks of paths of the host, so that the target sees the same rows together.
    constexpr std::int64_t block_paths = 64;
    const std::int64_t skipped = first % block_paths;
    Points score(x.rows(), x.cols());
    pool_.run((skipped + x.rows() + block_paths - 1) / block_paths, [&](int /*thread*/, std::int64_t block) {
      const Index begin = std::max<Index>(block * block_paths - skipped, 0);
      const Index end = std::min<Index>((block + 1) * block_paths - skipped, x.rows());
      const Points rows = x.middleRows(begin, end - begin);
      Points gradient;
      if (log_rho == nullptr) {
        gradient = tables_.target.gradient(rows);
      } else {
        Eigen::VectorXd l;
        tables_.target.evaluate(rows, l, gradient);
        log_rho->segment(begin, end - begin) = l;
      }
      score.middleRows(begin, end - begin) = gradient;
    });
    return score;
  }

  PathJob<Real> make_job(std::uint64_t seed, std::int64_t first, std::int64_t count) {
    PathJob<Real> job{};
    job.mixture = {.components = tables_.components,
                   .dim = tables_.dim,
                   .mean = mean_.data(),
                   .inverse = inverse_.data(),
                   .precision = precision_.data(),
                   .log_weight = log_weight_.data()};
    job.steps = tables_.steps;
    job.has_mixture_score = tables_.has_mixture_score;
    job.has_target_score = tables_.has_target_score;
    job.mirrored = tables_.mirrored;
    job.beta = beta_.data();
    job.eta = eta_.data();
    job.noise_scale = noise_scale_.data();
    job.forward = forward_.network();
    job.backward = backward_.network();
    job.seed = seed;
    job.first = static_cast<std::uint64_t>(first);
    job.count = count;
    job.geometry = kernels::geometry(job, gpu_.limits());
    if (job.geometry.room_bytes > room_.size()) room_ = Buffer<std::byte>(gpu_, job.geometry.room_bytes);
    job.room = room_.data();
    return job;
  }

  /// log w = log rho(x_N) - log p0(x_0) + the sum of the log-ratios
  void give_log_weights(const Eigen::VectorXd& log_rho, const Buffer<double>& log_p0,
                        const Buffer<double>& log_ratio, double* log_weights) const {
    Eigen::VectorXd p0(log_rho.size()), ratio(log_rho.size());
    log_p0.download(p0.data());
    log_ratio.download(ratio.data());
    for (Index i = 0; i < log_rho.size(); ++i) log_weights[i] = log_rho(i) - p0(i) + ratio(i);
  }

  Gpu& gpu_;
  std::string name_;
  const PathSource& source_;
  PathTables tables_;
  ThreadPool pool_;
  NetworkMemory<Real> forward_, backward_;
  Buffer<double> mean_, inverse_, precision_, log_weight_, beta_, eta_, noise_scale_;
  Buffer<std::byte> room_;
};

}  // namespace

std::unique_ptr<PathRunner> paths_on(Gpu& gpu, const std::string& name, const PathSource& source) {
  const PathTables tables = source.tables();
  return std::visit(
      [&]<class Real>(const PathNetworkPair<Real>& pair) -> std::unique_ptr<PathRunner> {
        return std::make_unique<GpuPaths<Real>>(gpu, name, source, tables, pair);
      },
      tables.networks);
}

}  // namespace gmdiff::cuda
