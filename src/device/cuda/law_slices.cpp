#include "device/cuda/law_slices.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "base/machine.hpp"
#include "base/thread_pool.hpp"
#include "device/cpu/law_slices.hpp"
#include "device/cuda/distances.hpp"
#include "device/cuda/projections.hpp"
#include "device/half_points.hpp"

namespace gmdiff::cuda {
namespace {

/// The laws of all directions in a GPU's memory.
class UploadedLaws {
 public:
  UploadedLaws(Gpu& gpu, const LineLaws& laws)
      : weights_(upload(gpu, laws.weights.data(), laws.weights.size())),
        means_(upload(gpu, laws.means.data(), laws.means.size())),
        deviations_(upload(gpu, laws.deviations.data(), laws.deviations.size())),
        rates_(upload(gpu, laws.rates.data(), laws.rates.size())),
        tables_(gpu, to_size(laws.means.rows())) {
    std::vector<particle::LineLaw> tables;
    for (Index s = 0; s < laws.means.rows(); ++s) {
      particle::LineLaw law = laws[s];
      law.weights = weights_.data();
      law.means = means_.data() + s * law.num_components;
      law.deviations = deviations_.data() + s * law.num_components;
      law.rates = rates_.data() + s * law.num_components;
      tables.push_back(law);
    }
    tables_.upload(tables.data());
  }

  const particle::LineLaw* from(Index slice) const { return tables_.data() + slice; }
  static std::size_t bytes(const LineLaws& laws) {
    return sizeof(double) * to_size(laws.weights.size() + 3 * laws.means.size()) +
           sizeof(particle::LineLaw) * to_size(laws.means.rows());
  }

 private:
  static Buffer<double> upload(Gpu& gpu, const double* numbers, Index count) {
    Buffer<double> buffer(gpu, to_size(count));
    buffer.upload(numbers);
    return buffer;
  }

  Buffer<double> weights_, means_, deviations_, rates_;
  Buffer<particle::LineLaw> tables_;
};

/// Adds the runs of each slice in ascending order, as the host does.
void add_line_runs(const Buffer<double>& sums, std::vector<double>& numbers,
                   Eigen::Ref<Eigen::VectorXd> result, Index runs) {
  numbers.resize(sums.size());
  sums.download(numbers.data());
  for (Index s = 0; s < result.size(); ++s) {
    long double total = 0.0L;
    for (const double sum : std::span(numbers).subspan(to_size(s * runs), to_size(runs)))
      total += static_cast<long double>(sum);
    result(s) = std::max(static_cast<double>(total), 0.0);
  }
}

Eigen::VectorXd law_slices(Gpu& gpu, const std::string& name, const Points& x, const LineLaws& laws,
                           const Points& directions, int p) {
  const Index n = x.rows();
  const Index dim = x.cols();
  const Index lower = lower_half(n, p);
  const Index runs = particle::num_line_runs({nullptr, n, nullptr, nullptr, lower}, p);
  const Index upload = points_per_upload(gpu, n, dim);
  const SliceMemory memory{.fixed = sizeof(double) * to_size(upload * dim) + UploadedLaws::bytes(laws),
                           .slice = sizeof(double) * to_size(2 * n + runs + dim)};
  const Index at_once = slices_at_once(name, n, 0, directions.rows(), memory, usable_memory(gpu));
  const UploadedLaws uploaded(gpu, laws);
  Piece piece(gpu, upload, dim);
  Piece some_directions(gpu, at_once, dim);
  SortedProjections sorted(gpu, x, at_once);
  const Buffer<double> sums(gpu, to_size(at_once * runs));
  std::vector<double> host_sums;
  Eigen::VectorXd result(directions.rows());
  for (Index first = 0; first < directions.rows(); first += at_once) {
    const Rows some = some_directions.upload(directions, first);
    gpu.launch(kernels::LineJob{.laws = uploaded.from(first),
                                .x = sorted.compute(some, piece),
                                .n = n,
                                .lower = lower,
                                .slices = some.count,
                                .p = p,
                                .sums = sums.data()});
    add_line_runs(sums, host_sums, result.segment(first, some.count), runs);
  }
  return result;
}

}  // namespace

Eigen::VectorXd gpu_law_slices(Gpu& gpu, const std::string& name, const Points& x,
                               const Eigen::VectorXd& weights, const LineLaws& laws, const Points& directions,
                               int p) {
  if (weights.size() == 0) return law_slices(gpu, name, x, laws, directions, p);
  ThreadPool pool(usable_processors());
  return host_law_slices(x, weights, laws, directions, p, pool);
}

}  // namespace gmdiff::cuda
