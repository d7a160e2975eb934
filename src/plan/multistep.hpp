#pragma once

#include <deque>
#include <span>
#include <vector>

#include <gmdiff/plan/program.hpp>

#include "plan/coefficients.hpp"

// The samplers of order 3 that reuse the denoiser of earlier levels (mathematics.md §5). Each builds the
// programs of one run, from noisy to clean: the first steps, and those after a step from alpha = 0, are of
// lower order.

namespace gmdiff::coefficients {

/// Weights w of int_0^1 h exp(h (u - 1)) p(u) du = sum_j w_j p(nodes_j) for every polynomial p of degree
/// below the number of nodes, at most four.
std::vector<long double> exponential_quadrature(long double h, std::span<const long double> nodes);

/// Values of the denoiser at the last levels. They live in vectors of the particle that are used in turn.
class DenoiserHistory {
 public:
  /// Keeps the last `capacity` values in the vectors 1 ... capacity.
  explicit DenoiserHistory(int capacity) : capacity_(capacity) {}

  bool empty() const { return values_.empty(); }
  void clear() { values_.clear(); }
  /// The vector for the denoiser at a new level, in place of the oldest one.
  int add(const LevelValues& level);
  int newest() const { return values_.front().vector; }

  /// Vectors of the last values, newest first, at most `most`.
  std::vector<int> vectors(std::size_t most) const;
  /// Their positions (lambda - lambda_t) / (lambda_s - lambda_t): 0 at t, 1 at s, negative before.
  std::vector<long double> nodes(const LevelValues& t, const LevelValues& s, std::size_t most) const;

 private:
  struct Value {
    long double lambda;
    int vector;
  };
  int capacity_;
  int last_vector_ = 0;
  std::deque<Value> values_;
};

/// DPM-Solver++(3M).
class Dpmpp3mSteps {
 public:
  Program step(const LevelValues& t, const LevelValues& s);

 private:
  DenoiserHistory history_{3};
};

/// UniPC-3: the predictor of DPM-Solver++(3M), and a corrector with the denoiser at the predicted point,
/// which the next step reuses. The last step has no corrector, so that a run of N steps evaluates N times.
class Unipc3Steps {
 public:
  Program step(const LevelValues& t, const LevelValues& s, bool is_last);

 private:
  static constexpr int predicted_point = 5;
  DenoiserHistory history_{4};
};

}  // namespace gmdiff::coefficients
