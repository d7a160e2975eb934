#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <gmdiff/plan/smc_plan.hpp>

#include "device/cpu/chain_pieces.hpp"
#include "device/cpu/unit.hpp"
#include "particle/resampling.hpp"

namespace gmdiff::cpu {

/// Weights of a chain, and the draws by them (numerics.md §6). Weights are integers, so that their sums do
/// not depend on the pieces.
template <class Real>
class ChainWeights {
 public:
  ChainWeights(const SmcPlan& plan, std::uint64_t seed, const Unit<Real>& unit, const ChainPieces& pieces);
  /// Bytes for `padded` particles, which are whole tiles.
  static std::size_t bytes(const SmcPlan& plan, std::size_t padded);

  double* log_weights() { return log_weights_.data(); }
  const std::uint32_t* ancestors() const { return ancestors_.data(); }

  /// Finds the smallest and largest log-weight. @returns false when no particle has a positive weight or a
  /// weight is NaN.
  bool find_extremes();
  bool all_equal() const { return largest_ == smallest_; }
  bool all_zero() const { return largest_ == -std::numeric_limits<double>::infinity(); }
  /// Computes the integer weights and their sums, which the functions below use.
  void sum();

  double effective_sample_size() const;
  /// log of the mean weight; `log_particles` is log N.
  double log_mean(double log_particles) const;
  /// Writes the normalised log-weights of all particles; the maximum is subtracted first.
  void write_normalised(double log_particles, double* to) const;
  /// Finds the ancestors before a step of chain number `index` of the run. Afterwards the weights are equal.
  void resample(std::int64_t index, int step);
  /// Draws one particle by the weights.
  std::int64_t draw(std::int64_t index) const;

 private:
  /// Extremes and sums of a piece.
  struct Piece {
    double largest = 0.0, smallest = 0.0;
    std::uint64_t first_sum = 0, before = 0;  // S_0; the weights of all pieces before
    particle::WeightSums sums{};
  };

  std::uint64_t uniform(std::int64_t index, Purpose purpose, int number) const;
  void find_ancestors(std::int64_t index, int step);
  void find_residual_ancestors(std::int64_t index, int step);

  const ChainPieces& pieces_;
  const Unit<Real>& unit_;
  Resampling scheme_;
  std::uint64_t seed_;
  std::vector<double> log_weights_;
  std::vector<Real> e_;                      // exp(log-weight - largest)
  std::vector<std::uint64_t> sums_, rests_;  // inclusive sums; rests_ is for residual resampling
  std::vector<std::uint32_t> ancestors_;
  std::vector<Piece> of_pieces_;
  double largest_ = 0.0, smallest_ = 0.0;
  int scale_ = 0;
  particle::WeightSums total_{};
};

}  // namespace gmdiff::cpu
