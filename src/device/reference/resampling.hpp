#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <gmdiff/sampler/smc.hpp>

// Resampling in real numbers (mathematics.md §6).

namespace gmdiff::reference {

/// W_i = exp(lw_i - logsumexp lw), and the sum of exp(lw_i).
struct NormalisedWeights {
  std::vector<double> W;
  double log_sum;
};
NormalisedWeights normalised(const std::vector<double>& log_weights);

/// (sum W)^2 / sum W^2, in [1, N].
double effective_sample_size(const std::vector<double>& W);

/// Smallest j with W_0 + ... + W_j > u; if none exists, the last j of weight > 0.
std::uint32_t choose(const std::vector<double>& W, long double u);

/// Ancestors (N). `common` is the uniform of systematic resampling, `own(i)` is uniform number i of the other
/// schemes; both are in [0, 1).
std::vector<std::uint32_t> ancestors(Resampling scheme, const std::vector<double>& W, long double common,
                                     const std::function<long double(std::int64_t)>& own);

}  // namespace gmdiff::reference
