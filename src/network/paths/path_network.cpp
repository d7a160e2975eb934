#include "network/paths/path_network.hpp"

#include "network/tree.hpp"

namespace gmdiff::network {

namespace {

/// w_j = 0.1 + 99.9 j / (H - 1)
Eigen::VectorXd step_frequencies(Eigen::Index hidden) {
  Eigen::VectorXd w(hidden);
  for (Eigen::Index j = 0; j < hidden; ++j)
    w(j) = 0.1 + 99.9 * static_cast<double>(j) / static_cast<double>(hidden - 1);
  return w;
}

}  // namespace

template <class Real>
PathNetwork<Real>::PathNetwork(const NetworkShape& shape, Eigen::Index steps, const DenseUnit<Real>& unit,
                               ThreadPool& pool)
    : weights_(shape),
      unit_(unit),
      pool_(pool),
      table_(weights_, unit, step_frequencies(shape.hidden), pool) {
  times_.reserve(static_cast<std::size_t>(steps + 1));
  for (Eigen::Index n = 0; n <= steps; ++n) times_.push_back(static_cast<double>(n));
}

template <class Real>
void PathNetwork<Real>::assign(const Eigen::VectorXd& parameters) {
  weights_.assign(parameters);
  table_.tabulate(times_, parameters.head(weights_.layout().shape.hidden));  // the phases come first
}

template <class Real>
void PathNetwork<Real>::start_gradient(Eigen::Index blocks) {
  for (std::vector<std::vector<Real>>* buffers : {&of_states_, &of_tables_, &of_scales_})
    buffers->resize(static_cast<std::size_t>(blocks));
}

template <class Real>
void PathNetwork<Real>::start_block(Eigen::Index block) {
  const Layout& places = weights_.layout();
  const auto b = static_cast<std::size_t>(block);
  of_states_[b].assign(static_cast<std::size_t>(places.size - places.time_size), Real(0));
  of_tables_[b].assign(times_.size() * static_cast<std::size_t>(places.width), Real(0));
  if (has_scales())
    of_scales_[b].assign(times_.size() * static_cast<std::size_t>(places.output_width), Real(0));
}

template <class Real>
void PathNetwork<Real>::gather(double* gradient) {
  sum_tree(of_tables_, 0, of_tables_[0].size());
  if (has_scales()) sum_tree(of_scales_, 0, of_scales_[0].size());
  gather_gradient(weights_.layout(),
                  table_.backward(of_tables_[0].data(), has_scales() ? of_scales_[0].data() : nullptr),
                  of_states_, pool_, gradient);
}

template class PathNetwork<float>;
template class PathNetwork<double>;

}  // namespace gmdiff::network
