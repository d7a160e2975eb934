#pragma once

#include "particle/window.hpp"

// Tables of programs: the stages of some steps, one after the other, in the precision of a run.

namespace gmdiff::particle {

enum class StageKind {
  evaluate,
  combine,
  transition,
  guide,
  to_rows,    ///< before a call: copies a vector to rows of the device's memory
  from_rows,  ///< after a call: copies the rows back
  call,       ///< evaluation by a custom denoiser, outside of the device's code
  end,        ///< last stage of every step: writes the state if its level is kept
};

/// Weights of a residual, like `ResidualWeight` of a plan.
enum class GuideWeight { moments, row_sums, diffuse, isotropic, norm };

/// The observation that guidance reads: rows of A in the working coordinates.
template <class Real>
struct ObservationTable {
  Index rows;           ///< m; 0 without guidance
  const Real* A;        ///< (m, d)
  const Real* y;        ///< (m)
  Real noise_variance;  ///< sigma_y^2
  Real unexplained;     ///< squared norm of y outside the range of A
};

/// Table of a guidance stage at its level.
template <class Real>
struct GuideOf {
  GuideWeight weight;
  Spectrum<Real> variance;  ///< of x_0 given x_t and component k along its axes: sigma^2 l / c
  const Real* projected;    ///< (K, m (m + 1) / 2), tied (1, ..): lower triangles of A S_k A^T, row by row
  Index projected_stride;   ///< from component to component; 0 when tied
  const Real* weights;      ///< (m) for `isotropic`
  Real scale;               ///< factor of A C A^T: 1 / sigma for `diffuse`, else 1
  Real epsilon;             ///< for `norm`
  int directions;
  Real per_direction;  ///< 1 / directions
  bool has_covariance;
};

template <class Real>
struct StageTable {
  /// Largest number of terms of a combination.
  static constexpr int max_terms = 8;

  StageKind kind;
  int from, denoised, to;  ///< numbers of vectors
  int denoiser;            ///< for `call`: number of the denoiser in the plan
  std::uint64_t step;      ///< number of the step in the plan
  LevelTable<Real> level;
  double alpha, sigma;  ///< for `call`
  MoveTable<Real> move;
  GuideOf<Real> guide;
  int num_terms;
  int vectors[max_terms];
  Real factors[max_terms];
  Real noise;
  bool is_churn;  ///< whether the noise is that of churn
  int slot;       ///< for `end`: number of the level among the kept ones, or -1
  bool is_last;   ///< for `end`: whether it is the last one of a launch
};

/// Stages of a window of steps, or of a part of it.
template <class Real>
struct ProgramWindow : Window<Real> {
  const StageTable<Real>* stages;
  int num_stages;
  int num_vectors;
  ObservationTable<Real> observation;
};

}  // namespace gmdiff::particle
