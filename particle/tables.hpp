#pragma once

#include <cstddef>
#include <cstdint>

// Tables of a plan in the precision of the run, flat, as the fast devices read them (numerics.md §2). The
// types are views; table_builder.hpp builds the tables.
//
// Working coordinates are those of the common basis for tied and common-basis covariances, and the data's
// coordinates otherwise. In working coordinates C_k = alpha^2 Sigma_k + sigma^2 I is diagonal with entries c
// = alpha^2 l + sigma^2. Full covariances are the exception, with C_k = U_k diag(c_k) U_k^T.

namespace gmdiff::particle {

using Index = std::ptrdiff_t;

/// The way in which components are computed. Up to `largest_small_dim` coordinates, one record per level
/// holds all numbers of a component. With more coordinates the means are stored once, and a level holds only
/// the numbers that change.
enum class Family { small_diag, small_full, spherical, tied, diag, full };
inline constexpr int largest_small_dim = 4;
constexpr bool is_small(Family family) {
  return family == Family::small_diag || family == Family::small_full;
}

/// Offsets of the entries of a small record. W = diag(2 c)^{-1/2} U^T whitens; H = sigma^2 C^{-1} mu and G =
/// alpha Sigma C^{-1} make m_k = H + G x (mathematics.md §2.3). Matrices: W (d, d) row by row, G the upper
/// triangle row by row; diag: both diagonal, (d).
struct SmallRecord {
  int d;
  bool full;
  constexpr int triangle() const { return full ? d * (d + 1) / 2 : d; }
  constexpr int square() const { return full ? d * d : d; }
  constexpr int constant() const { return 0; }
  constexpr int mean() const { return 1; }  ///< alpha mu
  constexpr int whitening() const { return mean() + d; }
  constexpr int offset() const { return whitening() + square(); }  ///< H
  constexpr int gain() const { return offset() + d; }              ///< G
  constexpr int size() const { return gain() + triangle(); }
};

/// Offsets of the entries of a record for a move to a component's Gaussian (an exact transition or a draw):
/// mean M (d), then for transitions the gain P (triangle) of x - alpha mu, then the noise factor Q (square).
struct SmallMove {
  int d;
  bool full;
  bool has_gain;
  constexpr int mean() const { return 0; }
  constexpr int gain() const { return d; }
  constexpr int noise() const { return gain() + (has_gain ? SmallRecord{d, full}.triangle() : 0); }
  constexpr int size() const { return noise() + SmallRecord{d, full}.square(); }
};

/// An array with the shape of the eigenvalues: spherical (K, 1), tied (1, d), otherwise (K, d).
template <class Real>
struct Spectrum {
  const Real* values = nullptr;
  Index stride_k = 0, stride_i = 0;
  constexpr const Real& operator()(Index k, Index i) const { return values[k * stride_k + i * stride_i]; }
};

/// The part of the mixture's tables that does not depend on the level.
template <class Real>
struct LawTable {
  Family family;
  Index dim, num_components;
  const Real* means;  ///< (K, d), working coordinates
  const Real* bases;  ///< full: U_k, (K, d, d) column by column; tied and common basis: U; else null
  const std::uint64_t* thresholds;  ///< (K) thresholds of draws
  Index last_component;             ///< the last component of positive weight
  constexpr bool has_common_basis() const {
    return bases != nullptr && family != Family::full && family != Family::small_full;
  }
};

/// The diffused mixture at one level.
template <class Real>
struct LevelTable {
  bool at_data;  ///< sigma = 0: D = x / alpha
  Real alpha;
  const Real* records;  ///< small: (K, SmallRecord)
  /// log w_k - 1/2 log det C_k minus the largest of these numbers, (K).
  const Real* constants;
  double log_offset;         ///< this largest number minus d/2 log(2 pi)
  Spectrum<Real> precision;  ///< 1 / (2 c); tied: (2 c)^{-1/2}
  Spectrum<Real> shrink;     ///< sigma^2 / c; diag: sigma^2 mu / c; full: none
  Spectrum<Real> gain;       ///< alpha l / c
};

/// x = shift mu_k + U_k (gain (U_k^T (x - alpha mu_k)) + deviation z): an exact transition given component k,
/// or a draw with gain = 0.
template <class Real>
struct MoveTable {
  const Real* records;  ///< small: (K, SmallMove)
  Real shift;
  Spectrum<Real> gain;  ///< values are null for a draw
  Spectrum<Real> deviation;
};

template <class Real>
struct StepTable {
  bool is_transition;
  // Affine step (plan.hpp).
  Real c_x, c_n;
  int evaluations;
  Real p_x, p_1;
  Real a, b[2], b_p, e;
  LevelTable<Real> levels[2];  ///< levels of the evaluations; a transition uses the first
  MoveTable<Real> move;
  int slot;  ///< index of the state after this step among the kept levels, or -1
};

/// The first state of a particle without a given start state.
template <class Real>
struct StartTableOf {
  bool gaussian;
  Real sigma;
  const Real* mean;  ///< (d): mean of a gaussian start of programs; null: 0
  MoveTable<Real> move;
};

}  // namespace gmdiff::particle
