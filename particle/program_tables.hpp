#pragma once

#include "particle/target_tables.hpp"
#include "particle/window.hpp"

// Tables of programs: the stages of some steps, one after the other, in the precision of a run.

namespace gmdiff::particle {

enum class StageKind {
  evaluate,
  combine,
  transition,
  guide,
  target,
  product,
  accept,
  field,
  multiply,
  accumulate,
  proximal,
  adapt,
  to_rows,      ///< before a call: copies a vector to rows of the device's memory
  from_rows,    ///< after a call: copies the rows back
  call,         ///< evaluation by a custom denoiser, outside of the device's code
  call_target,  ///< evaluation of a custom target, likewise
  call_field,   ///< evaluation of a custom field, likewise
  end,          ///< last stage of every step: writes the state if its level is kept
};

/// Whether a stage leaves the device's code.
inline bool is_call(StageKind kind) {
  return kind == StageKind::call || kind == StageKind::call_target || kind == StageKind::call_field;
}

/// Weights of a residual, like `ResidualWeight` of a plan.
enum class GuideWeight { moments, row_sums, diffuse, isotropic, norm, unit, ones };

/// The observation that guidance reads: rows of A in the working coordinates, or the tape of a map.
template <class Real>
struct ObservationTable {
  Index rows;            ///< m; 0 without guidance
  const Real* A;         ///< (m, d); null with a map
  const Real* y;         ///< (m); null with a map
  Real noise_variance;   ///< sigma_y^2
  Real unexplained;      ///< squared norm of y outside the range of A
  bool has_map;          ///< whether the tape takes the place of A and y
  TapeTable<Real> tape;  ///< y - Phi (m), followed by J row by row (m d)
  int first_work;        ///< of the tape: number of the particle's vector that is the first work vector
};

/// Entries of a matrix that can differ from 0.
enum class MatrixShape { diagonal, lower, dense };

/// Matrix of a product.
template <class Real>
struct MatrixTable {
  MatrixShape shape;
  const Real* numbers;  ///< (d) the diagonal, or (d, d) row by row
};

/// Table of a guidance stage at its level.
template <class Real>
struct GuideOf {
  GuideWeight weight;
  Spectrum<Real> variance;  ///< of x_0 given x_t and component k along its axes: sigma^2 l / c
  const Real* projected;    ///< (K, m (m + 1) / 2), tied (1, ..): lower triangles of A S_k A^T, row by row
  Index projected_stride;   ///< from component to component; 0 when tied
  const Real* weights;      ///< (m) for `isotropic` without a map
  /// factor of A C A^T: 1 / sigma for `diffuse`, else 1; with products of a custom denoiser also times
  /// sigma^2 / alpha; with a map and `isotropic`, factor of J J^T
  Real scale;
  Real epsilon;  ///< for `norm`
  int directions;
  Real per_direction;  ///< 1 / directions
  bool has_covariance;
  bool reads_covariance;  ///< whether the stage reads C of the mixture, in its weight or as a factor
  int row;                ///< for `unit`
  int products;           ///< number of the first vector J^T A_a^T, or 0
};

/// Streams of the normals of a combination, like `NoiseStream` of a plan.
enum class NoiseKind { step, churn, velocity, search };

/// Meanings of a factor, like `StepFactor` of a plan.
enum class StepScale { none, linear, square, decay, spread };

/// Rules for the step of a chain, like `Adapt::Rule` of a plan.
enum class StepRule { begin, search, average };

/// Table of a stage that changes the step; `Adapt` of a plan explains the members.
struct AdaptTable {
  StepRule rule;
  double target;
  std::uint64_t first, last;
};

/// Table of a Metropolis step; `Accept` of a plan explains the members.
struct AcceptTable {
  bool has_energy;
  bool always;
  int proposal, gradient, proposed_gradient, before, after;
  double factor;
  std::uint64_t counted_from;
  bool of_step, is_trial, adapts;
};

/// Numbers that a Markov chain carries beside its vectors, in double in both precisions. `W` is the
/// arithmetic type of double.
template <class W>
struct ChainNumbers {
  static constexpr double search_ended = 2.0;
  /// Places of the numbers in a device's memory.
  enum Place {
    of_state,
    of_proposal,
    of_acceptance,
    of_non_finite,
    of_probability,
    of_step,
    of_search,
    of_centre,
    of_error,
    of_average,
    size
  };

  W log_density;  ///< l at the state
  W proposed;     ///< l at the proposal
  W acceptance;   ///< sum of min(1, ratio) over the steps that count
  W non_finite;   ///< number of proposals at which l or its gradient is not finite
  // of chains that adapt their steps (mathematics.md §12.3)
  W probability;  ///< min(1, ratio) of the last proposal
  W step;         ///< eps
  /// 0 before the first trial of the search; then 1 where eps doubles, -1 where it halves; at last
  /// `search_ended`
  W search;
  W centre;   ///< log(10 eps_0)
  W error;    ///< H_m
  W average;  ///< log of the averaged step

  /// Calls body(number, place) for each number.
  template <class Body>
  GMDIFF_PARTICLE void for_each(Body body) {
    body(log_density, of_state);
    body(proposed, of_proposal);
    body(acceptance, of_acceptance);
    body(non_finite, of_non_finite);
    body(probability, of_probability);
    body(step, of_step);
    body(search, of_search);
    body(centre, of_centre);
    body(error, of_error);
    body(average, of_average);
  }
};

/// Table of a stage that adds up moments; `Accumulate` of a plan explains the members.
struct AccumulateTable {
  std::uint64_t counted_from, batched_from, batch;
  bool has_covariance;
};

/// Proximal maps, like `ProximalMap` of a plan.
enum class ProximalKind { soft_threshold, total_variation };

/// Table of a proximal map.
struct ProximalTable {
  ProximalKind kind;
  double strength;
};

/// Places of the moments of one chain among its numbers, which are in double.
struct MomentPlaces {
  static constexpr Index batches = 16;
  Index dim;
  bool has_covariance;

  GMDIFF_PARTICLE Index mean(Index i) const { return i; }
  /// Sum of (x_i - mean_i)(x_j - mean_j), j <= i; without covariance j = i.
  GMDIFF_PARTICLE Index product(Index i, Index j) const {
    return has_covariance ? dim + i * (i + 1) / 2 + j : dim + i;
  }
  /// Sum of x_i over batch q.
  GMDIFF_PARTICLE Index batch(Index q, Index i) const {
    return dim + (has_covariance ? dim * (dim + 1) / 2 : dim) + q * dim + i;
  }
  GMDIFF_PARTICLE Index size() const { return batch(batches, 0); }
};

template <class Real>
struct StageTable {
  /// Largest number of terms of a combination.
  static constexpr int max_terms = 8;

  StageKind kind;
  int from, denoised, to;  ///< numbers of vectors
  int function;            ///< for `call` and `call_field`: number of the denoiser or field in the plan
  int cotangent;           ///< for `call`: number of the vector v of J^T v, or 0 for D
  /// Number of the step in the random streams; for `field` and `end` its number in the plan.
  std::uint64_t step;
  LevelTable<Real> level;
  double alpha, sigma;  ///< for `call`
  double time;          ///< for `call_field`
  MoveTable<Real> move;
  GuideOf<Real> guide;
  FieldTable<Real> field;
  MatrixTable<Real> matrix;  ///< for `product`
  int num_terms;
  int vectors[max_terms];  ///< of a combination, or of `multiply`
  Real factors[max_terms];
  Real noise;
  bool is_scaled;               ///< whether a term depends on the chain's step
  StepScale scales[max_terms];  ///< of the factors
  StepScale noise_scale;
  NoiseKind stream;
  std::uint64_t draws, draw;  ///< normal i of step s has the number (s draws + draw) d + i
  std::uint64_t threshold;    ///< of a combination: lanes with a trajectory number below it keep `to`
  bool is_proposal;           ///< for `target`: whether it evaluates a proposal
  bool transposed;            ///< for `product`: M^T instead of M
  AcceptTable accept;
  AdaptTable adapt;
  AccumulateTable accumulate;
  ProximalTable proximal;
  /// For `end`: number of steps that the stages of this step make, one after the other. Its `step` is the
  /// first of them, and the last one is kept.
  int iterations;
  int length;    ///< for `end`: number of the step's stages, including this one
  int slot;      ///< for `end`: number of the level among the kept ones, or -1
  bool is_last;  ///< for `end`: whether it is the last one of a launch
};

/// Potentials of an observation with a map, by which SMC weights particles (mathematics.md §10.4).
template <class Real>
struct MapPotentialTable {
  ObservationTable<Real> observation;
  const StageTable<Real>* levels;  ///< (num_steps + 1), of which the level and the moments of x_0 are read
  Index work_vectors;              ///< number of work vectors of the tape
};

/// Stages of a window of steps, or of a part of it.
template <class Real>
struct ProgramWindow : Window<Real> {
  const StageTable<Real>* stages;
  int num_stages;
  int num_vectors;
  ObservationTable<Real> observation;
  TargetTable<Real> target;
};

/// Goes through the stages of a window. `run(stage, iteration)` runs a stage of any kind but `end`, and
/// `end(stage, iteration)` ends a step.
template <class Real, class Run, class End>
GMDIFF_PARTICLE void for_each_stage(const ProgramWindow<Real>& window, Run run, End end) {
  int iteration = 0;
  for (int n = 0; n < window.num_stages; ++n) {
    const StageTable<Real>& stage = window.stages[n];
    if (stage.kind != StageKind::end) {
      run(stage, iteration);
      continue;
    }
    end(stage, iteration);
    if (++iteration < stage.iterations) {
      n -= stage.length;  // again from the step's first stage
    } else {
      iteration = 0;
    }
  }
}

}  // namespace gmdiff::particle
