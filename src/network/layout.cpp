#include "network/layout.hpp"

#include <algorithm>
#include <map>

#include "base/check.hpp"

namespace gmdiff::network {

Layout::Layout(const NetworkShape& network)
    : shape(network),
      width(padded(network.hidden)),
      output_width(padded(network.dim)),
      wave_width(padded(2 * network.hidden)),
      U_head{},
      c_head{},
      time_size(0),
      size(0) {
  std::map<std::string, NetworkTensor> tensors;
  for (const NetworkTensor& tensor : network_tensors(network)) tensors.emplace(tensor.name, tensor);
  const auto next = [&](const std::string& name) {
    const NetworkTensor& tensor = tensors.at(name);
    const Place place{tensor.rows, tensor.cols, padded(tensor.cols), size, tensor.offset};
    size += place.rows * place.pitch;
    all.push_back(place);
    return place;
  };
  phase = next("phase");
  K1 = next("K1");
  b1 = next("b1");
  K2 = next("K2");
  b2 = next("b2");
  Kt = next("Kt");
  c1 = next("c1");
  for (int l = 0; network.langevin && l <= network.layers; ++l) {
    G.push_back(next(concat("G", l)));
    g.push_back(next(concat("g", l)));
  }
  if (network.langevin) {
    U_head = next("GU");
    c_head = next("gU");
  }
  time_size = size;
  Kx = next("Kx");
  for (int l = 2; l <= network.layers; ++l) {
    V.push_back(next(concat("V", l)));
    c.push_back(next(concat("c", l)));
  }
  U = next("U");
  c_last = next("cU");
}

template <class Real>
Weights<Real>::Weights(const NetworkShape& shape) : layout_(shape) {
  const auto rows_of = [](Eigen::Index rows, Eigen::Index pitch) {
    return std::vector<Real>(static_cast<std::size_t>(rows * weight_pitch<Real>(pitch)), Real(0));
  };
  values_.reserve(layout_.all.size());
  transposes_.reserve(layout_.all.size());
  for (const Place& place : layout_.all) {
    values_.push_back(rows_of(place.rows, place.pitch));
    transposes_.push_back(rows_of(place.cols, padded(place.rows)));
  }
}

template <class Real>
void Weights<Real>::assign(const Eigen::VectorXd& parameters) {
  for (std::size_t number = 0; number < layout_.all.size(); ++number) {
    const Place& place = layout_.all[number];
    const double* from = parameters.data() + place.flat;
    Real* rows = values_[number].data();
    Real* columns = transposes_[number].data();
    const Eigen::Index row_pitch = weight_pitch<Real>(place.pitch);
    const Eigen::Index column_pitch = weight_pitch<Real>(padded(place.rows));
    for (Eigen::Index i = 0; i < place.rows; ++i) {
      for (Eigen::Index j = 0; j < place.cols; ++j) {
        const Real value = static_cast<Real>(from[i * place.cols + j]);
        rows[i * row_pitch + j] = value;
        columns[j * column_pitch + i] = value;
      }
    }
  }
}

template <class Real>
std::size_t Weights<Real>::number(const Place& place) const {
  const auto found = std::find_if(layout_.all.begin(), layout_.all.end(),
                                  [&](const Place& other) { return other.offset == place.offset; });
  return static_cast<std::size_t>(found - layout_.all.begin());
}

template class Weights<float>;
template class Weights<double>;

}  // namespace gmdiff::network
