#include "network/sweep.hpp"

#include <algorithm>

namespace gmdiff::network {

template <class Real>
Sweep<Real>::Sweep(const Weights<Real>& weights, const Eigen::VectorXd& frequencies, Real bound,
                   ThreadPool& pool, cpu::InstructionSet set)
    : weights_(weights),
      unit_(dense_unit<Real>(set)),
      bound_(bound),
      pool_(pool),
      table_(weights, unit_, frequencies, pool),
      of_thread_(static_cast<std::size_t>(pool.threads())) {}

template <class Real>
StateBlock<Real>& Sweep<Real>::block_of(int thread) {
  std::unique_ptr<Block>& block = of_thread_[static_cast<std::size_t>(thread)];
  if (!block) block = std::make_unique<Block>(weights_, unit_, bound_);
  return *block;
}

template <class Real>
void Sweep<Real>::take_block(int thread, Eigen::Index number, const std::vector<int>& time,
                             const Bodies& bodies, bool has_gradient) {
  const Layout& places = weights_.layout();
  const Eigen::Index first = number * block_rows, rows = std::min(block_rows, std::ssize(time) - first);
  Block& block = block_of(thread);
  bodies.fill(first, rows, block);
  const bool is_inference = !has_gradient && !bodies.take_input_gradient && !bodies.take_tangent;
  block.forward(rows, table_.rows(), time.data() + first,
                is_inference ? Block::Then::nothing : Block::Then::derivatives);
  bodies.take(first, rows, block);
  if (bodies.take_tangent) {
    block.forward_tangents(rows);
    bodies.take_tangent(first, rows, block);
  }
  if (!has_gradient && !bodies.take_input_gradient) return;
  Real* gradient = nullptr;
  if (has_gradient) {
    std::vector<Real>& buffer = state_gradients_[static_cast<std::size_t>(number)];
    buffer.assign(static_cast<std::size_t>(places.size - places.time_size), Real(0));
    gradient = buffer.data();
  }
  block.backward(rows, gradient);
  if (has_gradient)
    std::copy_n(block.time_cotangents(), rows * places.width, of_rows_.data() + first * places.width);
  if (!bodies.take_input_gradient) return;
  block.backward_input(rows);
  bodies.take_input_gradient(first, rows, block);
}

template <class Real>
void Sweep<Real>::run(const std::vector<int>& time, const Bodies& bodies, Eigen::VectorXd* gradient) {
  const Eigen::Index rows = std::ssize(time);
  if (gradient != nullptr) {
    state_gradients_.resize(static_cast<std::size_t>(blocks_of(rows)));
    of_rows_.resize(static_cast<std::size_t>(rows * weights_.layout().width));
  }
  pool_.run(blocks_of(rows), [&](int thread, std::int64_t block) {
    take_block(thread, block, time, bodies, gradient != nullptr);
  });
  if (gradient == nullptr) return;
  sum_times(time);
  gradient->resize(network_size(weights_.layout().shape));
  gather_gradient(weights_.layout(), table_.backward(of_T_.data()), state_gradients_, pool_,
                  gradient->data());
}

/// dL/dT of a time: the sum over its rows, in their order.
template <class Real>
void Sweep<Real>::sum_times(const std::vector<int>& time) {
  const Eigen::Index width = weights_.layout().width;
  of_T_.assign(static_cast<std::size_t>(table_.times() * width), Real(0));
  const Real* from = of_rows_.data();
  for (const int t : time) {
    Real* to = of_T_.data() + t * width;
    for (Eigen::Index j = 0; j < width; ++j) to[j] += from[j];
    from += width;
  }
}

template class Sweep<float>;
template class Sweep<double>;

}  // namespace gmdiff::network
