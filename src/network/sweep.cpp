#include "network/sweep.hpp"

#include <algorithm>

namespace gmdiff::network {

namespace {

Eigen::Index blocks(Eigen::Index rows) { return (rows + block_rows - 1) / block_rows; }

/// Sets [begin, end) of the first buffer to the sum over all, in a fixed tree: the pairs (0, 1), (2, 3), ...,
/// then pairs of these sums.
template <class Real>
void sum_tree(std::vector<std::vector<Real>>& buffers, std::size_t begin, std::size_t end) {
  for (std::size_t stride = 1; stride < buffers.size(); stride *= 2) {
    for (std::size_t b = 0; b + stride < buffers.size(); b += 2 * stride) {
      Real* to = buffers[b].data();
      const Real* from = buffers[b + stride].data();
      for (std::size_t i = begin; i < end; ++i) to[i] += from[i];
    }
  }
}

}  // namespace

template <class Real>
Sweep<Real>::Sweep(const Weights<Real>& weights, Eigen::VectorXd frequencies, Real bound, ThreadPool& pool,
                   cpu::InstructionSet set)
    : weights_(weights),
      unit_(dense_unit<Real>(set)),
      bound_(bound),
      pool_(pool),
      frequencies_(static_cast<std::size_t>(weights.layout().width), 0.0),
      of_thread_(static_cast<std::size_t>(pool.threads())) {
  std::copy_n(frequencies.data(), frequencies.size(), frequencies_.begin());
}

template <class Real>
StateBlock<Real>& Sweep<Real>::block_of(int thread) {
  std::unique_ptr<Block>& block = of_thread_[static_cast<std::size_t>(thread)];
  if (!block) block = std::make_unique<Block>(weights_, unit_, bound_);
  return *block;
}

template <class Real>
void Sweep<Real>::tabulate(const std::vector<double>& times, const Eigen::VectorXd& phases) {
  const Eigen::Index width = weights_.layout().width;
  times_ = std::ssize(times);
  T_.resize(static_cast<std::size_t>(times_ * width));
  std::vector<double> padded_phases(static_cast<std::size_t>(width), 0.0);
  std::copy_n(phases.data(), phases.size(), padded_phases.begin());
  while (std::ssize(time_blocks_) < blocks(times_)) time_blocks_.emplace_back(weights_, unit_);
  pool_.run(blocks(times_), [&](int /*thread*/, std::int64_t block) {
    const Eigen::Index first = block * block_rows, count = std::min(block_rows, times_ - first);
    const std::span<const double> of_block(times.data() + first, static_cast<std::size_t>(count));
    time_blocks_[static_cast<std::size_t>(block)].forward(of_block, frequencies_.data(), padded_phases.data(),
                                                          T_.data() + first * width);
  });
}

template <class Real>
void Sweep<Real>::take_block(int thread, Eigen::Index number, const std::vector<int>& time,
                             const Bodies& bodies, bool has_gradient) {
  const Layout& places = weights_.layout();
  const Eigen::Index first = number * block_rows, rows = std::min(block_rows, std::ssize(time) - first);
  Block& block = block_of(thread);
  bodies.fill(first, rows, block);
  block.forward(rows, T_.data(), time.data() + first);
  bodies.take(first, rows, block);
  if (!has_gradient && !bodies.take_input_gradient) return;
  Real* gradient = nullptr;
  Real* of_time = nullptr;
  if (has_gradient) {
    std::vector<Real>& buffer = state_gradients_[static_cast<std::size_t>(number)];
    buffer.assign(static_cast<std::size_t>(places.size - places.time_size), Real(0));
    gradient = buffer.data();
    of_time = of_rows_.data() + first * places.width;
  }
  block.backward(rows, gradient, of_time);
  if (!bodies.take_input_gradient) return;
  block.backward_input(rows);
  bodies.take_input_gradient(first, rows, block);
}

template <class Real>
void Sweep<Real>::run(const std::vector<int>& time, const Bodies& bodies, Eigen::VectorXd* gradient) {
  const Eigen::Index rows = std::ssize(time);
  if (gradient != nullptr) {
    state_gradients_.resize(static_cast<std::size_t>(blocks(rows)));
    of_rows_.resize(static_cast<std::size_t>(rows * weights_.layout().width));
  }
  pool_.run(blocks(rows), [&](int thread, std::int64_t block) {
    take_block(thread, block, time, bodies, gradient != nullptr);
  });
  if (gradient == nullptr) return;
  sum_times(time);
  backward_times();
  gather(*gradient);
}

/// dL/dT of a time: the sum over its rows, in their order.
template <class Real>
void Sweep<Real>::sum_times(const std::vector<int>& time) {
  const Eigen::Index width = weights_.layout().width;
  of_T_.assign(static_cast<std::size_t>(times_ * width), Real(0));
  const Real* from = of_rows_.data();
  for (const int t : time) {
    Real* to = of_T_.data() + t * width;
    for (Eigen::Index j = 0; j < width; ++j) to[j] += from[j];
    from += width;
  }
}

template <class Real>
void Sweep<Real>::backward_times() {
  const Layout& places = weights_.layout();
  time_gradients_.resize(static_cast<std::size_t>(blocks(times_)));
  pool_.run(blocks(times_), [&](int /*thread*/, std::int64_t number) {
    const Eigen::Index first = number * block_rows, count = std::min(block_rows, times_ - first);
    std::vector<Real>& buffer = time_gradients_[static_cast<std::size_t>(number)];
    buffer.assign(static_cast<std::size_t>(places.time_size), Real(0));
    time_blocks_[static_cast<std::size_t>(number)].backward(count, of_T_.data() + first * places.width,
                                                            buffer.data());
  });
}

template <class Real>
void Sweep<Real>::gather(Eigen::VectorXd& gradient) {
  const Layout& places = weights_.layout();
  gradient.resize(network_size(places.shape));
  pool_.run(std::ssize(places.all), [&](int /*thread*/, std::int64_t number) {
    const Place& place = places.all[static_cast<std::size_t>(number)];
    const bool of_time = place.offset < places.time_size;
    std::vector<std::vector<Real>>& buffers = of_time ? time_gradients_ : state_gradients_;
    const auto begin = static_cast<std::size_t>(place.offset - (of_time ? 0 : places.time_size));
    sum_tree(buffers, begin, begin + static_cast<std::size_t>(place.rows * place.pitch));
    for (Eigen::Index i = 0; i < place.rows; ++i) {
      const Real* row = buffers[0].data() + begin + i * place.pitch;
      for (Eigen::Index j = 0; j < place.cols; ++j)
        gradient(place.flat + i * place.cols + j) = static_cast<double>(row[j]);
    }
  });
}

template class Sweep<float>;
template class Sweep<double>;

}  // namespace gmdiff::network
