#pragma once

#include <gmdiff/network/training.hpp>

namespace gmdiff::network {

/// D = m + skip (x - alpha m) + out F(in (x - alpha m); time) at one level (mathematics.md §17.4). In these
/// terms every factor is finite at alpha = 0 and at sigma = 0.
struct Preconditioning {
  double in, skip, out, time;
};

/// @throws std::invalid_argument for `eps` at alpha = 0.
Preconditioning precondition(Parametrisation parametrisation, double scale, const NoiseLadder& ladder,
                             Level level);

/// lambda(n): the weight of |D - x_0|^2 that makes the loss of `parametrisation` |F - target|^2.
double loss_weight(Parametrisation parametrisation, double scale, double n);

/// w_j of the time encoder of a denoiser, shape (hidden).
Eigen::VectorXd denoiser_frequencies(Eigen::Index hidden);

}  // namespace gmdiff::network
