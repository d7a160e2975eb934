#pragma once

#include <cstdint>
#include <limits>

#include "particle/program_tables.hpp"
#include "particle/window.hpp"

// Jobs of the kernels: plain data that is passed by value. All pointers refer to the device's memory.

namespace gmdiff::kernels {

using particle::Index;

/// `Report::first_step` of a launch that found no step.
inline constexpr int no_step = std::numeric_limits<int>::max();

/// Findings of a launch.
struct Report {
  std::uint64_t non_finite;  ///< particles that are not finite at the end
  /// smallest step after which one was not finite, -1: the start; set only if the launch looks for it
  int first_step;
};

/// A window of steps in one launch.
template <class Real>
struct StepsJob : particle::Window<Real> {
  using Number = Real;
  particle::LawTable<Real> law;
  particle::StartTableOf<Real> start;
  bool is_fast;     ///< use fast arithmetic if a kernel is available
  bool from_start;  ///< the window begins with the first state, which is drawn or given

  const Real* states_in;    ///< (d, count), unless from_start
  const Real* previous_in;  ///< D1 of the step before, same shape
  Real* states_out;         ///< receives the window's last states, or null
  Real* previous_out;       ///< null when no step reads D1 of the step before

  bool has_transition;       ///< whether the window contains a transition
  bool has_two_evaluations;  ///< whether a step of the window has two evaluations
  Real* room;  ///< memory of the thread blocks whose tiles do not fit shared memory (geometry.hpp), or null

  Report* report;
  bool look_for_first;  ///< checks the state after every step and writes no results
};

/// Stages of a program in one launch.
template <class Real>
struct ProgramJob : particle::ProgramWindow<Real> {
  using Number = Real;
  particle::LawTable<Real> law;
  particle::StartTableOf<Real> start;
  bool from_start;  ///< the stages begin with the first state, which is drawn or given
  Real* vectors;    ///< (num_vectors, d, count): read unless from_start, and written
  double* numbers;  ///< (ChainNumbers::size, count): read unless from_start, and written
  double* moments;  ///< (num_moments, count), or null
  Real* rows;       ///< (count, d) rows of a custom denoiser, or null
  Real* room;       ///< as in StepsJob
  Report* report;
};

/// Given points at one level. Results with a null pointer are not computed.
template <class Real>
struct PointsJob {
  using Number = Real;
  particle::LawTable<Real> law;
  particle::LevelTable<Real> level;
  const double* points;  ///< (count, d)
  std::int64_t count;
  double* log_density;           ///< (count)
  double* log_responsibilities;  ///< (count, K)
  double* score;                 ///< (count, d)
  double* denoiser;              ///< (count, d)
  Real* room;                    ///< as in StepsJob
};

}  // namespace gmdiff::kernels
