#include "network/state_block.hpp"

#include <algorithm>

#include "particle/dense.hpp"

namespace gmdiff::network {

template <class Real>
StateBlock<Real>::StateBlock(const Weights<Real>& weights, const DenseUnit<Real>& unit, Real bound)
    : weights_(weights), unit_(unit), bound_(bound) {
  const auto numbers = [](Eigen::Index width) { return static_cast<std::size_t>(block_rows * width); };
  const Layout& places = layout();
  for (std::vector<Real>* array : {&clipped_, &cotangent_, &input_cotangent_})
    array->assign(numbers(places.output_width), Real(0));
  for (std::vector<Real>* array : {&sums_, &of_hidden_}) array->assign(numbers(places.width), Real(0));
  hidden_.assign(layers(), std::vector<Real>(numbers(places.width)));
  slopes_ = hidden_;
  keep(1);
}

template <class Real>
std::uint64_t StateBlock<Real>::pass_bytes(const Layout& places) {
  return static_cast<std::uint64_t>(pass_size(places)) * sizeof(Real);
}

template <class Real>
void StateBlock<Real>::keep(Eigen::Index count) {
  passes_.resize(static_cast<std::size_t>(count * pass_size(layout())), Real(0));
  select(0);
}

template <class Real>
void StateBlock<Real>::forward(Eigen::Index rows, const Real* T, const int* time, Then then) {
  const Eigen::Index width = layout().width;
  for (Eigen::Index r = 0; r < rows; ++r) std::copy_n(T + time[r] * width, width, sums_.data() + r * width);
  run(rows, sums_.data(), width, then);
}

/// x Kx + T
template <class Real>
void StateBlock<Real>::add_input(Eigen::Index rows, const Real* T, Eigen::Index T_pitch) {
  const Layout& places = layout();
  MatrixProduct<Real> product = product_of_rows(rows, input(0), places.output_width, places.shape.dim,
                                                weights_[places.Kx], places.width, sums(0));
  product.start = T;
  product.start_row = T_pitch;
  unit_.multiply_add(product);
}

template <class Real>
void StateBlock<Real>::gelu(Eigen::Index rows, std::size_t layer, Then then) {
  Real* slope = then == Then::derivatives ? slopes_[layer].data() : nullptr;
  unit_.gelu(sums(layer), rows * layout().width, hidden_[layer].data(), slope);
}

template <class Real>
void StateBlock<Real>::return_to(Eigen::Index rows, const Real* T) {
  add_input(rows, T, 0);
  for (std::size_t l = 0; l < layers(); ++l) gelu(rows, l, Then::derivatives);
}

template <class Real>
void StateBlock<Real>::run(Eigen::Index rows, const Real* T, Eigen::Index T_pitch, Then then) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  add_input(rows, T, T_pitch);
  gelu(rows, 0, then);
  for (std::size_t l = 1; l < layers(); ++l) {
    unit_.multiply_add(
        with_bias(product_of_rows(rows, hidden(l - 1), width, H, weights_[places.V[l - 1]], width, sums(l)),
                  weights_[places.c[l - 1]]));
    gelu(rows, l, then);
  }
  unit_.multiply_add(with_bias(product_of_rows(rows, hidden(layers() - 1), width, H, weights_[places.U],
                                               places.output_width, output()),
                               weights_[places.c_last]));
  clip(rows);
}

template <class Real>
void StateBlock<Real>::clip(Eigen::Index rows) {
  unit_.clip(output(), rows * layout().output_width, bound_, clipped_.data());
}

template <class Real>
void StateBlock<Real>::stop_at_clip(Eigen::Index rows, std::vector<Real>& cotangents) {
  unit_.stop_at_clip(output(), rows * layout().output_width, bound_, cotangents.data());
}

template <class Real>
void StateBlock<Real>::add_gradient(Real* gradient, const Place& matrix, const Real* inputs,
                                    Eigen::Index input_pitch, const Real* outputs, Eigen::Index rows) {
  unit_.multiply_add(gradient_product(rows, inputs, input_pitch, matrix.rows, outputs, matrix.pitch,
                                      place_of(gradient, matrix)));
}

template <class Real>
void StateBlock<Real>::add_bias_gradient(Real* gradient, const Place& bias, const Real* outputs,
                                         Eigen::Index rows) {
  unit_.add_rows(outputs, rows, bias.pitch, place_of(gradient, bias));
}

template <class Real>
void StateBlock<Real>::backward(Eigen::Index rows, Real* gradient) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  stop_at_clip(rows, cotangent_);
  const std::size_t last = layers() - 1;
  if (gradient != nullptr) {
    add_gradient(gradient, places.U, hidden(last), width, cotangent_.data(), rows);
    add_bias_gradient(gradient, places.c_last, cotangent_.data(), rows);
  }
  // da of a layer is dh o gelu'(a).
  unit_.multiply_add(
      with_factor(product_of_rows(rows, cotangent_.data(), places.output_width, places.shape.dim,
                                  weights_.transposed(places.U), width, of_hidden_.data()),
                  slope(last)));
  for (std::size_t l = last; l > 0; --l) {
    if (gradient != nullptr) {
      add_gradient(gradient, places.V[l - 1], hidden(l - 1), width, of_hidden_.data(), rows);
      add_bias_gradient(gradient, places.c[l - 1], of_hidden_.data(), rows);
    }
    unit_.multiply_add(with_factor(product_of_rows(rows, of_hidden_.data(), width, H,
                                                   weights_.transposed(places.V[l - 1]), width, sums_.data()),
                                   slope(l - 1)));
    std::swap(sums_, of_hidden_);
  }
  if (gradient != nullptr)
    add_gradient(gradient, places.Kx, input(0), places.output_width, of_hidden_.data(), rows);
}

template <class Real>
void StateBlock<Real>::backward_input(Eigen::Index rows) {
  const Layout& places = layout();
  unit_.multiply_add(product_of_rows(rows, of_hidden_.data(), places.width, places.shape.hidden,
                                     weights_.transposed(places.Kx), places.output_width,
                                     input_cotangent_.data()));
}

template <class Real>
void StateBlock<Real>::forward_tangents(Eigen::Index rows) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  unit_.multiply_add(
      with_factor(product_of_rows(rows, cotangent_.data(), places.output_width, places.shape.dim,
                                  weights_[places.Kx], width, of_hidden_.data()),
                  slope(0)));
  for (std::size_t l = 1; l < layers(); ++l) {
    unit_.multiply_add(with_factor(
        product_of_rows(rows, of_hidden_.data(), width, H, weights_[places.V[l - 1]], width, sums_.data()),
        slope(l)));
    std::swap(sums_, of_hidden_);
  }
  unit_.multiply_add(product_of_rows(rows, of_hidden_.data(), width, H, weights_[places.U],
                                     places.output_width, input_cotangent_.data()));
  stop_at_clip(rows, input_cotangent_);
}

template class StateBlock<float>;
template class StateBlock<double>;

}  // namespace gmdiff::network
