#pragma once

#include "device/denoiser_network.hpp"
#include "network/layout.hpp"

namespace gmdiff::network {

/// The weights of a network without its time encoder, as devices take them. @param bound of its outputs
template <class Real>
NetworkWeights<Real> network_weights(const Weights<Real>& weights, Real bound) {
  const Layout& places = weights.layout();
  NetworkWeights<Real> of{.table = {.dim = places.shape.dim,
                                    .hidden = places.shape.hidden,
                                    .layers = places.shape.layers,
                                    .width = places.width,
                                    .output_width = places.output_width,
                                    .bound = bound,
                                    .numbers = nullptr},
                          .numbers = {}};
  of.numbers.reserve(static_cast<std::size_t>(of.table.size()));
  const auto append = [&](const Real* from, Eigen::Index rows, Eigen::Index pitch) {
    for (Eigen::Index i = 0; i < rows; ++i, from += weight_pitch<Real>(pitch))
      of.numbers.insert(of.numbers.end(), from, from + pitch);
  };
  // The order of particle::NetworkTable.
  const auto rows = [&](const Place& place) { append(weights[place], place.rows, place.pitch); };
  const auto columns = [&](const Place& place) {
    append(weights.transposed(place), place.cols, padded(place.rows));
  };
  rows(places.Kx);
  for (std::size_t l = 0; l < places.V.size(); ++l) {
    rows(places.V[l]);
    rows(places.c[l]);
  }
  rows(places.U);
  rows(places.c_last);
  columns(places.U);
  for (const Place& V : places.V) columns(V);
  columns(places.Kx);
  return of;
}

}  // namespace gmdiff::network
