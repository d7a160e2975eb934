#include "network/time_block.hpp"

#include <algorithm>

#include "network/state_block.hpp"

namespace gmdiff::network {

template <class Real>
TimeBlock<Real>::TimeBlock(const Weights<Real>& weights, const DenseUnit<Real>& unit)
    : weights_(weights), unit_(unit) {
  const Layout& places = layout();
  for (std::vector<double>* array : {&sine_, &cosine_})
    array->assign(static_cast<std::size_t>(places.width), 0.0);
  for (std::vector<Real>* array : {&sums_, &q_, &slope_, &tau_, &of_tau_, &of_q_})
    array->assign(static_cast<std::size_t>(block_rows * places.width), Real(0));
  for (std::vector<Real>* array : {&waves_, &of_waves_})
    array->assign(static_cast<std::size_t>(block_rows * places.wave_width), Real(0));
  head_.assign(places.G.size(), std::vector<Real>(static_cast<std::size_t>(block_rows * places.width)));
  head_slopes_ = head_;
}

template <class Real>
void TimeBlock<Real>::forward(std::span<const double> times, const double* frequencies, const double* phases,
                              Real* T, Real* scale) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width, rows = std::ssize(times);
  for (Eigen::Index r = 0; r < rows; ++r) {
    unit_.waves(frequencies, phases, width, times[static_cast<std::size_t>(r)], sine_.data(), cosine_.data());
    Real* phi = waves_.data() + r * places.wave_width;
    std::copy_n(sine_.begin(), H, phi);
    std::copy_n(cosine_.begin(), H, phi + H);
  }
  unit_.multiply_add(with_bias(product_of_rows(rows, waves_.data(), places.wave_width, 2 * H,
                                               weights_[places.K1], width, sums_.data()),
                               weights_[places.b1]));
  unit_.gelu(sums_.data(), rows * width, q_.data(), slope_.data());
  unit_.multiply_add(
      with_bias(product_of_rows(rows, q_.data(), width, H, weights_[places.K2], width, tau_.data()),
                weights_[places.b2]));
  unit_.multiply_add(with_bias(product_of_rows(rows, tau_.data(), width, H, weights_[places.Kt], width, T),
                               weights_[places.c1]));
  if (scale != nullptr) forward_scale(rows, scale);
}

/// a_0 = phi G0 + g0,   a_l = gelu(a_{l-1}) G_l + g_l,   scale = a_layers GU + gU
template <class Real>
void TimeBlock<Real>::forward_scale(Eigen::Index rows, Real* scale) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  const std::size_t last = head_.size() - 1;
  const Real* from = waves_.data();
  for (std::size_t l = 0; l <= last; ++l) {
    Real* sums = l == last ? head_[l].data() : sums_.data();
    unit_.multiply_add(with_bias(product_of_rows(rows, from, l == 0 ? places.wave_width : width,
                                                 l == 0 ? 2 * H : H, weights_[places.G[l]], width, sums),
                                 weights_[places.g[l]]));
    if (l < last) unit_.gelu(sums, rows * width, head_[l].data(), head_slopes_[l].data());
    from = head_[l].data();
  }
  unit_.multiply_add(
      with_bias(product_of_rows(rows, from, width, H, weights_[places.U_head], places.output_width, scale),
                weights_[places.c_head]));
}

template <class Real>
void TimeBlock<Real>::add_gradient(Real* gradient, const Place& matrix, const Place& bias, const Real* inputs,
                                   Eigen::Index input_pitch, const Real* outputs, Eigen::Index rows) {
  unit_.multiply_add(gradient_product(rows, inputs, input_pitch, matrix.rows, outputs, matrix.pitch,
                                      gradient + matrix.offset));
  unit_.add_rows(outputs, rows, bias.pitch, gradient + bias.offset);
}

template <class Real>
void TimeBlock<Real>::backward(Eigen::Index rows, const Real* of_table, const Real* of_scale,
                               Real* gradient) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  add_gradient(gradient, places.Kt, places.c1, tau_.data(), width, of_table, rows);
  unit_.multiply_add(
      product_of_rows(rows, of_table, width, H, weights_.transposed(places.Kt), width, of_tau_.data()));
  add_gradient(gradient, places.K2, places.b2, q_.data(), width, of_tau_.data(), rows);
  unit_.multiply_add(with_factor(
      product_of_rows(rows, of_tau_.data(), width, H, weights_.transposed(places.K2), width, of_q_.data()),
      slope_.data()));
  add_gradient(gradient, places.K1, places.b1, waves_.data(), places.wave_width, of_q_.data(), rows);
  unit_.multiply_add(product_of_rows(rows, of_q_.data(), width, H, weights_.transposed(places.K1),
                                     places.wave_width, of_waves_.data()));
  if (of_scale != nullptr) backward_scale(rows, of_scale, gradient);
  // dp_j = sum_n (dphi_sin cos - dphi_cos sin)
  Real* of_phase = gradient + places.phase.offset;
  for (Eigen::Index r = 0; r < rows; ++r) {
    const Real* phi = waves_.data() + r * places.wave_width;
    const Real* of = of_waves_.data() + r * places.wave_width;
    for (Eigen::Index j = 0; j < H; ++j) of_phase[j] += of[j] * phi[H + j] - of[H + j] * phi[j];
  }
}

template <class Real>
void TimeBlock<Real>::backward_scale(Eigen::Index rows, const Real* of_scale, Real* gradient) {
  const Layout& places = layout();
  const Eigen::Index H = places.shape.hidden, width = places.width;
  const std::size_t last = head_.size() - 1;
  add_gradient(gradient, places.U_head, places.c_head, head_[last].data(), width, of_scale, rows);
  std::vector<Real>& da = of_tau_;
  std::vector<Real>& dh = of_q_;
  unit_.multiply_add(product_of_rows(rows, of_scale, places.output_width, places.shape.dim,
                                     weights_.transposed(places.U_head), width, da.data()));
  for (std::size_t l = last; l > 0; --l) {
    add_gradient(gradient, places.G[l], places.g[l], head_[l - 1].data(), width, da.data(), rows);
    unit_.multiply_add(with_factor(
        product_of_rows(rows, da.data(), width, H, weights_.transposed(places.G[l]), width, dh.data()),
        head_slopes_[l - 1].data()));
    std::swap(da, dh);
  }
  add_gradient(gradient, places.G[0], places.g[0], waves_.data(), places.wave_width, da.data(), rows);
  MatrixProduct<Real> of_waves = product_of_rows(rows, da.data(), width, H, weights_.transposed(places.G[0]),
                                                 places.wave_width, of_waves_.data());
  of_waves.start = of_waves.c;
  of_waves.start_row = of_waves.c_row;
  unit_.multiply_add(of_waves);
}

template class TimeBlock<float>;
template class TimeBlock<double>;

}  // namespace gmdiff::network
