#pragma once

#include <cstdint>

#include "particle/program_tables.hpp"
#include "particle/window.hpp"

// What the kernels are told. Plain data that is passed by value; all pointers are to the device's memory.

namespace gmdiff::kernels {

using particle::Index;

/// What a launch found.
struct Report {
  std::uint64_t non_finite;  ///< particles that are not finite at the end
  int first_step;  ///< smallest step after which one was not, -1: the start; only of a launch that looks for it
};

/// A window in one launch.
template <class Real>
struct StepsJob : particle::Window<Real> {
  using Number = Real;
  particle::LawTable<Real> law;
  particle::StartTableOf<Real> start;
  bool is_fast;     ///< in fast arithmetic, where there is a kernel of it
  bool from_start;  ///< the window begins with the first state: drawn, or given

  const Real* states_in;    ///< (d, count) coordinate by coordinate, unless from_start
  const Real* previous_in;  ///< D1 of the step before, alike
  Real* states_out;         ///< where the window's last states go, or null
  Real* previous_out;       ///< null when no step reads D1 of the step before

  bool has_transition;       ///< a step of the window is one
  bool has_two_evaluations;  ///< a step of the window has them
  Real* room;                ///< of the blocks whose tiles do not fit shared memory (geometry.hpp), or null

  Report* report;
  bool look_for_first;  ///< looks at the state after every step and writes no results
};

/// Stages of a program in one launch.
template <class Real>
struct ProgramJob : particle::ProgramWindow<Real> {
  using Number = Real;
  particle::LawTable<Real> law;
  particle::StartTableOf<Real> start;
  bool from_start;  ///< the stages begin with the first state: drawn, or given
  Real* vectors;    ///< (num_vectors, d, count): read unless from_start, and written
  Real* rows;       ///< (count, d) of a denoiser of the host program, or null
  Real* room;       ///< as that of StepsJob
  Report* report;
};

/// Given points at one level; results that are null are not asked for.
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
  Real* room;                    ///< as that of StepsJob
};

}  // namespace gmdiff::kernels
