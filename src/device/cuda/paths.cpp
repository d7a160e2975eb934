#include "device/cuda/paths.hpp"

#include <algorithm>
#include <vector>

#include "base/machine.hpp"
#include "device/cuda/path_memory.hpp"
#include "device/cuda/path_target.hpp"
#include "device/path_weights.hpp"

namespace gmdiff::cuda {
namespace {

using kernels::Index;
using kernels::PathJob;

template <class Real>
class GpuPaths final : public PathRunner {
 public:
  GpuPaths(Gpu& gpu, std::string name, const PathSource& source, PathTables tables)
      : gpu_(gpu),
        name_(std::move(name)),
        source_(source),
        tables_(std::move(tables)),
        pool_(usable_processors()) {
    memory_.assign(gpu, tables_);
  }

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
    upload_points(gpu_, x.data(), source_.starts(first, count, seed));
    Eigen::VectorXd log_rho(count);
    for (Index n = 0; n <= tables_.steps; n = job.last_state + 1) {
      const bool is_kept = std::find(kept.begin(), kept.end(), static_cast<int>(n)) != kept.end();
      if (is_kept || tables_.needs_target_score() || n == tables_.steps) {
        const Points rows = download_points(gpu_, x.data(), count, tables_.dim);
        if (is_kept) keep(rows, n, kept, to);
        if (n == tables_.steps || tables_.needs_target_score()) {
          const Points score =
              target_scores(tables_.target, pool_, rows, first, n == tables_.steps ? &log_rho : nullptr);
          if (tables_.needs_target_score()) upload_points(gpu_, target_score.data(), score);
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

  PathJob<Real> make_job(std::uint64_t seed, std::int64_t first, std::int64_t count) {
    PathJob<Real> job = memory_.job();
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
  PathMemory<Real> memory_;
  Buffer<std::byte> room_;
};

}  // namespace

std::unique_ptr<PathRunner> paths_on(Gpu& gpu, const std::string& name, const PathSource& source) {
  const PathTables tables = source.tables();
  return std::visit(
      [&]<class Real>(const PathNetworkPair<Real>& /*pair*/) -> std::unique_ptr<PathRunner> {
        return std::make_unique<GpuPaths<Real>>(gpu, name, source, tables);
      },
      tables.networks);
}

}  // namespace gmdiff::cuda
