#include "network/state_block.hpp"

#include <algorithm>

#include "particle/dense.hpp"

namespace gmdiff::network {

template <class Real>
StateBlock<Real>::StateBlock(const Weights<Real>& weights, const DenseUnit<Real>& unit, Real bound)
    : weights_(weights), unit_(unit), bound_(bound) {
  const auto numbers = [](Eigen::Index width) { return static_cast<std::size_t>(block_rows * width); };
  const Layout& places = layout();
  for (std::vector<Real>* array : {&input_, &output_, &clipped_, &cotangent_, &input_cotangent_})
    array->assign(numbers(places.output_width), Real(0));
  for (std::vector<Real>* array : {&sums_, &of_hidden_}) array->assign(numbers(places.width), Real(0));
  const auto layers = static_cast<std::size_t>(places.shape.layers);
  hidden_.assign(layers, std::vector<Real>(numbers(places.width)));
  slopes_ = hidden_;
}

template <class Real>
void StateBlock<Real>::forward(Eigen::Index rows, const Real* T, const int* time) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  for (Eigen::Index r = 0; r < rows; ++r) std::copy_n(T + time[r] * width, width, sums_.data() + r * width);
  unit_.multiply_add(product_of_rows(rows, input_.data(), places.output_width, places.shape.dim,
                                     weights_[places.Kx], width, sums_.data()));
  unit_.gelu(sums_.data(), rows * width, hidden(0), slopes_[0].data());
  for (std::size_t l = 1; l < hidden_.size(); ++l) {
    for (Eigen::Index r = 0; r < rows; ++r)
      std::copy_n(weights_[places.c[l - 1]], width, sums_.data() + r * width);
    unit_.multiply_add(
        product_of_rows(rows, hidden(l - 1), width, H, weights_[places.V[l - 1]], width, sums_.data()));
    unit_.gelu(sums_.data(), rows * width, hidden(l), slopes_[l].data());
  }
  for (Eigen::Index r = 0; r < rows; ++r)
    std::copy_n(weights_[places.c_last], places.output_width, output_.data() + r * places.output_width);
  unit_.multiply_add(product_of_rows(rows, hidden(hidden_.size() - 1), width, H, weights_[places.U],
                                     places.output_width, output_.data()));
  clip(rows);
}

template <class Real>
void StateBlock<Real>::clip(Eigen::Index rows) {
  for (Eigen::Index j = 0; j < rows * layout().output_width; ++j) {
    const auto i = static_cast<std::size_t>(j);
    clipped_[i] = particle::clipped(output_[i], bound_);
  }
}

template <class Real>
void StateBlock<Real>::through_gelu(Eigen::Index rows, std::size_t layer) {
  const Real* slope = slopes_[layer].data();
  Real* of = of_hidden_.data();
  for (Eigen::Index j = 0; j < rows * layout().width; ++j) of[j] *= slope[j];
}

template <class Real>
void StateBlock<Real>::add_gradient(Real* gradient, const Place& matrix, const Real* inputs,
                                    Eigen::Index input_pitch, const Real* outputs, Eigen::Index rows) {
  unit_.multiply_add({.m = matrix.rows,
                      .n = matrix.pitch,
                      .k = rows,
                      .a = inputs,
                      .a_row = 1,
                      .a_column = input_pitch,
                      .b = outputs,
                      .b_row = matrix.pitch,
                      .c = gradient + (matrix.offset - layout().time_size),
                      .c_row = matrix.pitch});
}

template <class Real>
void StateBlock<Real>::add_bias_gradient(Real* gradient, const Place& bias, const Real* outputs,
                                         Eigen::Index rows) {
  Real* to = gradient + (bias.offset - layout().time_size);
  for (Eigen::Index r = 0; r < rows; ++r) {
    for (Eigen::Index j = 0; j < bias.pitch; ++j) to[j] += outputs[r * bias.pitch + j];
  }
}

template <class Real>
void StateBlock<Real>::backward(Eigen::Index rows, Real* gradient, Real* of_time) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  const std::size_t layers = hidden_.size();
  for (Eigen::Index j = 0; j < rows * places.output_width; ++j) {
    const auto i = static_cast<std::size_t>(j);
    if (!particle::passes_clip(output_[i], bound_)) cotangent_[i] = Real(0);
  }
  if (gradient != nullptr) {
    add_gradient(gradient, places.U, hidden(layers - 1), width, cotangent_.data(), rows);
    add_bias_gradient(gradient, places.c_last, cotangent_.data(), rows);
  }
  std::fill_n(of_hidden_.begin(), rows * width, Real(0));
  unit_.multiply_add(product_of_rows(rows, cotangent_.data(), places.output_width, places.shape.dim,
                                     weights_.transposed(places.U), width, of_hidden_.data()));
  for (std::size_t l = layers - 1; l > 0; --l) {
    through_gelu(rows, l);
    if (gradient != nullptr) {
      add_gradient(gradient, places.V[l - 1], hidden(l - 1), width, of_hidden_.data(), rows);
      add_bias_gradient(gradient, places.c[l - 1], of_hidden_.data(), rows);
    }
    std::fill_n(sums_.begin(), rows * width, Real(0));
    unit_.multiply_add(product_of_rows(rows, of_hidden_.data(), width, H,
                                       weights_.transposed(places.V[l - 1]), width, sums_.data()));
    std::swap(sums_, of_hidden_);
  }
  through_gelu(rows, 0);
  if (gradient != nullptr)
    add_gradient(gradient, places.Kx, input_.data(), places.output_width, of_hidden_.data(), rows);
  if (of_time != nullptr) std::copy_n(of_hidden_.data(), rows * width, of_time);
}

template <class Real>
void StateBlock<Real>::backward_input(Eigen::Index rows) {
  const Layout& places = layout();
  std::fill_n(input_cotangent_.begin(), rows * places.output_width, Real(0));
  unit_.multiply_add(product_of_rows(rows, of_hidden_.data(), places.width, places.shape.hidden,
                                     weights_.transposed(places.Kx), places.output_width,
                                     input_cotangent_.data()));
}

template <class Real>
void StateBlock<Real>::forward_tangents(Eigen::Index rows) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  std::fill_n(of_hidden_.begin(), rows * width, Real(0));
  unit_.multiply_add(product_of_rows(rows, cotangent_.data(), places.output_width, places.shape.dim,
                                     weights_[places.Kx], width, of_hidden_.data()));
  through_gelu(rows, 0);
  for (std::size_t l = 1; l < hidden_.size(); ++l) {
    std::fill_n(sums_.begin(), rows * width, Real(0));
    unit_.multiply_add(
        product_of_rows(rows, of_hidden_.data(), width, H, weights_[places.V[l - 1]], width, sums_.data()));
    std::swap(sums_, of_hidden_);
    through_gelu(rows, l);
  }
  std::fill_n(input_cotangent_.begin(), rows * places.output_width, Real(0));
  unit_.multiply_add(product_of_rows(rows, of_hidden_.data(), width, H, weights_[places.U],
                                     places.output_width, input_cotangent_.data()));
  for (Eigen::Index j = 0; j < rows * places.output_width; ++j) {
    const auto i = static_cast<std::size_t>(j);
    if (!particle::passes_clip(output_[i], bound_)) input_cotangent_[i] = Real(0);
  }
}

template class StateBlock<float>;
template class StateBlock<double>;

}  // namespace gmdiff::network
