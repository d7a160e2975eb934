#pragma once

#include <cmath>
#include <vector>

#include <gmdiff/network/learned_denoiser.hpp>

// Learned denoisers with given sizes and without training.

namespace gmdiff::test {

struct NetworkSizes {
  Eigen::Index dim, hidden;
  int layers;
};

/// A denoiser with parameters that are not 0 anywhere.
inline LearnedDenoiser random_denoiser(const NetworkSizes& sizes, Parametrisation parametrisation,
                                       Precision precision) {
  DenoiserTraining training;
  training.settings.parametrisation = parametrisation;
  training.settings.hidden = sizes.hidden;
  training.settings.layers = sizes.layers;
  training.settings.precision = precision;
  training.mean = Eigen::VectorXd::LinSpaced(sizes.dim, -0.5, 1.5);
  training.scale = 1.25;
  training.averaged = network_start(training.shape(), 3);
  for (Eigen::Index i = 0; i < training.averaged.size(); ++i)
    training.averaged(i) += 0.1 * std::sin(static_cast<double>(i));
  training.parameters = training.averaged;
  training.adam = AdamState::start(training.averaged.size());
  return LearnedDenoiser(training);
}

/// One layer and several; widths beside those of register tiles; a layer for which threads have larger tiles.
inline std::vector<NetworkSizes> network_sizes() { return {{1, 2, 1}, {5, 20, 3}, {33, 17, 2}, {2, 130, 2}}; }

}  // namespace gmdiff::test
