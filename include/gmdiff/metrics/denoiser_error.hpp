#pragma once

#include <cstdint>
#include <vector>

#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// Mean squared error of a denoiser D at one level, split by the exact D* of the law (mathematics.md §17.6):
/// E|D - x_0|^2 = floor + excess. Every mean has a standard error.
struct DenoiserError {
  double n;       ///< sigma / alpha of the level
  double floor;   ///< E tr Cov[x_0 | x_t], the error of D* itself
  double excess;  ///< E|D - D*|^2, 0 for D* only
  double floor_error, excess_error;
  double loss;        ///< E|D - x_0|^2
  double unresolved;  ///< loss - floor - excess, 0 but for the number of draws
  double unresolved_error;
};

struct DenoiserErrorOptions {
  std::int64_t count = 10000;  ///< exact forward draws, the same for all levels; >= 2
  std::uint64_t seed = 0;
};

/// Errors at the levels alpha = 1, sigma = n, in the order of `levels`. The draws x_0 are those of `draw`
/// with the same seed; a training with that seed uses other streams.
/// @throws std::invalid_argument for levels that are not positive and finite, for count < 2, and when the
///   function of the denoiser changes the shape of its result.
std::vector<DenoiserError> denoiser_errors(const HostDenoiser& denoiser, const Mixture& law,
                                           const std::vector<double>& levels,
                                           const DenoiserErrorOptions& options = {});

}  // namespace gmdiff
