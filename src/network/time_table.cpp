#include "network/time_table.hpp"

#include <algorithm>

#include "network/state_block.hpp"
#include "network/tree.hpp"

namespace gmdiff::network {

Eigen::Index blocks_of(Eigen::Index rows) { return (rows + block_rows - 1) / block_rows; }

template <class Real>
TimeTable<Real>::TimeTable(const Weights<Real>& weights, const DenseUnit<Real>& unit,
                           const Eigen::VectorXd& frequencies, ThreadPool& pool)
    : weights_(weights),
      unit_(unit),
      pool_(pool),
      frequencies_(static_cast<std::size_t>(weights.layout().width), 0.0) {
  std::copy_n(frequencies.data(), frequencies.size(), frequencies_.begin());
}

template <class Real>
void TimeTable<Real>::tabulate(const std::vector<double>& times, const Eigen::VectorXd& phases) {
  const Eigen::Index width = weights_.layout().width;
  times_ = std::ssize(times);
  const Eigen::Index output_width = weights_.layout().output_width;
  const bool has_scales = weights_.layout().shape.langevin;
  T_.resize(static_cast<std::size_t>(times_ * width));
  if (has_scales) scales_.resize(static_cast<std::size_t>(times_ * output_width));
  std::vector<double> padded_phases(static_cast<std::size_t>(width), 0.0);
  std::copy_n(phases.data(), phases.size(), padded_phases.begin());
  while (std::ssize(blocks_) < blocks_of(times_)) blocks_.emplace_back(weights_, unit_);
  pool_.run(blocks_of(times_), [&](int /*thread*/, std::int64_t block) {
    const Eigen::Index first = block * block_rows, count = std::min(block_rows, times_ - first);
    const std::span<const double> of_block(times.data() + first, static_cast<std::size_t>(count));
    blocks_[static_cast<std::size_t>(block)].forward(
        of_block, frequencies_.data(), padded_phases.data(), T_.data() + first * width,
        has_scales ? scales_.data() + first * output_width : nullptr);
  });
}

template <class Real>
std::vector<std::vector<Real>>& TimeTable<Real>::backward(const Real* of_table, const Real* of_scales) {
  const Layout& places = weights_.layout();
  gradients_.resize(static_cast<std::size_t>(blocks_of(times_)));
  pool_.run(blocks_of(times_), [&](int /*thread*/, std::int64_t number) {
    const Eigen::Index first = number * block_rows, count = std::min(block_rows, times_ - first);
    std::vector<Real>& buffer = gradients_[static_cast<std::size_t>(number)];
    buffer.assign(static_cast<std::size_t>(places.time_size), Real(0));
    const Real* of_block = of_scales == nullptr ? nullptr : of_scales + first * places.output_width;
    blocks_[static_cast<std::size_t>(number)].backward(count, of_table + first * places.width, of_block,
                                                       buffer.data());
  });
  return gradients_;
}

template <class Real>
void gather_gradient(const Layout& places, std::vector<std::vector<Real>>& of_times,
                     std::vector<std::vector<Real>>& of_rows, ThreadPool& pool, double* gradient) {
  pool.run(std::ssize(places.all), [&](int /*thread*/, std::int64_t number) {
    const Place& place = places.all[static_cast<std::size_t>(number)];
    const bool of_time = place.offset < places.time_size;
    std::vector<std::vector<Real>>& buffers = of_time ? of_times : of_rows;
    const auto begin = static_cast<std::size_t>(place.offset - (of_time ? 0 : places.time_size));
    sum_tree(buffers, begin, begin + static_cast<std::size_t>(place.rows * place.pitch));
    for (Eigen::Index i = 0; i < place.rows; ++i) {
      const Real* row = buffers[0].data() + begin + i * place.pitch;
      for (Eigen::Index j = 0; j < place.cols; ++j)
        gradient[place.flat + i * place.cols + j] = static_cast<double>(row[j]);
    }
  });
}

template class TimeTable<float>;
template class TimeTable<double>;
template void gather_gradient(const Layout&, std::vector<std::vector<float>>&,
                              std::vector<std::vector<float>>&, ThreadPool&, double*);
template void gather_gradient(const Layout&, std::vector<std::vector<double>>&,
                              std::vector<std::vector<double>>&, ThreadPool&, double*);

}  // namespace gmdiff::network
