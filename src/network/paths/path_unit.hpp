#pragma once

#include <cstddef>
#include <cstdint>

#include "base/purpose.hpp"
#include "device/cpu/dispatch.hpp"

// Loops over the paths of a block in double, compiled once for each instruction set. Lanes are paths, so
// every sum over coordinates or components runs in ascending order, whatever the width of a register.

namespace gmdiff::network {

/// Paths of a block. Arrays of a block hold the numbers of all its paths side by side: coordinate j of path p
/// is number j block_paths + p.
inline constexpr std::ptrdiff_t block_paths = 64;

/// The active components of a mixture of N(mu_k, diag(s_k^2)); matrices have shape (K, d).
struct StartMixture {
  std::ptrdiff_t components, dim;
  const double* mean;        ///< mu
  const double* inverse;     ///< 1 / s
  const double* precision;   ///< 1 / s^2
  const double* weight;      ///< pi_k
  const double* log_weight;  ///< log pi_k - sum_j log s_kj - (d / 2) log 2 pi
};

/// Sums of gradients with respect to mu, s and the logits of the weights, for each path of a block.
struct MixtureSums {
  double* mean;       ///< (K, d, block_paths)
  double* deviation;  ///< (K, d, block_paths)
  double* logit;      ///< (K, block_paths)
};

/// How a gradient treats the states of its paths.
struct GradientMode {
  bool through_path;     ///< false: the states are held fixed
  const double* factor;  ///< of each path; through the path they are 1
};

struct NoiseRange {
  std::uint64_t seed;
  Purpose purpose;
  std::uint32_t replicate;
  std::uint64_t first_path;    ///< a multiple of `block_paths`
  std::uint64_t first_normal;  ///< of each path's stream
  std::ptrdiff_t count;
};

/// The loops of one instruction set (mathematics.md §17.8). Points have shape (d, block_paths).
struct PathUnit {
  /// Responsibilities gamma (K, block_paths), log p and the score of the mixture; score may be null.
  void (*mixture_score)(const StartMixture& mixture, const double* x, double* gamma, double* log_density,
                        double* score);
  /// product = H v with the Hessian H of log p; the gradient of v . score is added to `sums` unless null.
  /// @param gamma responsibilities at x, (K, block_paths)  @param work (K, block_paths)
  void (*mixture_products)(const StartMixture& mixture, const double* x, const double* v, const double* gamma,
                           double* work, double* product, const MixtureSums* sums);
  /// Adds factor (block_paths) times the gradient of log p to `sums`. @param work (K, block_paths)
  void (*mixture_gradient)(const StartMixture& mixture, const double* x, const double* factor, double* work,
                           const MixtureSums& sums);
  /// sum = a + b
  void (*add)(std::ptrdiff_t count, const double* a, const double* b, double* sum);
  /// ratio (block_paths): log of the backward kernel over the forward one, the sum over all coordinates.
  void (*log_ratios)(std::ptrdiff_t dim, const double* eta, const double* q, const double* G, double* ratio);
  /// q <- scale q and next = x + eta F + q, with eta and scale of each coordinate.
  void (*move)(std::ptrdiff_t dim, const double* eta, const double* scale, const double* x, const double* F,
               double* q, double* next);
  /// With kap = (eta G + q) / 2 of a step (mathematics.md §17.9, §17.10), for each coordinate and path:
  ///   through the path   of_forward = kap + eta lambda   of_backward = kap
  ///   states held fixed  of_forward = -factor q / 2      of_backward = -factor kap
  void (*forward_cotangents)(const GradientMode& mode, std::ptrdiff_t dim, const double* eta, const double* G,
                             const double* q, const double* lambda, double* of_forward);
  void (*backward_cotangents)(const GradientMode& mode, std::ptrdiff_t dim, const double* eta,
                              const double* G, const double* q, double* of_backward);
  /// Through the path  terms = G^2 / 4 + q G / (4 eta) + lambda (F + q / (2 eta)),   lambda = dL/dx_{n+1}
  /// States held fixed terms = factor (F^2 - B^2) / 4 with B = G - F
  void (*eta_terms)(const GradientMode& mode, std::ptrdiff_t dim, const double* eta, const double* F,
                    const double* G, const double* q, const double* lambda, double* terms);
  /// Normals of the streams of paths first_path ... (numerics.md §5), shape (count, block_paths).
  void (*normals)(const NoiseRange& range, double* to);
};

PathUnit path_scalar();
PathUnit path_fma128();
PathUnit path_avx2();
PathUnit path_avx512();

/// The unit of an instruction set, which this build and this processor must have.
PathUnit path_unit(cpu::InstructionSet set);

}  // namespace gmdiff::network
