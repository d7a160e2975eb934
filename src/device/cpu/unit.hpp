#pragma once

#include <cstddef>
#include <cstdint>

#include "base/purpose.hpp"
#include "particle/program_tables.hpp"
#include "particle/smc_tables.hpp"
#include "particle/window.hpp"

// What a unit of one instruction set offers, and what it is told. Plain data alone: the units are compiled for other processors than the
// rest of the library, and share no inline function with it.

namespace gmdiff::cpu {

/// A window in blocks of `Unit::lanes` particles. Every block is one piece of work.
template <class Real>
struct Job : particle::Window<Real> {
  const particle::LawTable<Real>* law;
  const particle::StartTableOf<Real>* start;
  Real* states;    ///< (blocks, d, lanes)
  Real* previous;  ///< D1 of the step before, alike; null when no step reads it
};

/// Stages of a program in tiles of `Unit::lanes` particles.
template <class Real>
struct ProgramJob : particle::ProgramWindow<Real> {
  Job<Real> ends;  ///< the run from first state to result, whose states are vector 0
  Real* vectors;   ///< (num_vectors, blocks, d, lanes), aligned as registers are
  std::int64_t blocks;
};

/// Particles of a block that are not finite after a window.
struct BlockResult {
  int non_finite = 0;
  int first_step = 0;  ///< smallest step after which one was not; -1: the start
};

/// Given points at one level of a wide law; results that are null are not asked for.
template <class Real>
struct PointJob {
  const particle::LawTable<Real>* law;
  const particle::LevelTable<Real>* level;
  const double* points;  ///< (count, d)
  std::int64_t count;
  double* log_density;           ///< (count)
  double* log_responsibilities;  ///< (count, K)
  double* score;                 ///< (count, d)
  double* denoiser;              ///< (count, d)
};

/// A chain of SMC in blocks of `Unit::lanes` particles. What is beyond the last particle is computed and never chosen.
template <class Real>
struct ChainJob {
  particle::ChainTables<Real> tables;
  std::uint64_t first_slot;  ///< index of particle 0
  bool has_start;            ///< `from` holds the first states
  Real* from;                ///< (blocks, d, lanes): the states, and m when they have been weighed
  Real* to;                  ///< alike: where a move writes
  double* log_weights;       ///< (blocks lanes)
  Real* kept;                ///< (N, d): where new states go as rows as well, or null
};

/// Inner loops of distances, in double.
inline constexpr int directions_per_tile = 8;
inline constexpr int points_per_tile = 8;
struct DistanceUnit {
  /// out[s stride + j] = <x_j, u_s> for points (count, d) and a tile of directions, coordinate by coordinate: (d, directions_per_tile).
  void (*project)(const double* points, particle::Index count, particle::Index dim, const double* directions,
                  double* out, particle::Index stride);
  /// |x - y_j|^2 for the points of tiles, each coordinate by coordinate: (num_tiles, d, points_per_tile).
  void (*squared_distances)(const double* point, particle::Index dim, const double* tiles,
                            particle::Index num_tiles, double* out);
};

template <class Real>
struct Unit {
  int lanes;  ///< particles of a block
  /// Bytes that one thread needs beside the states.
  std::size_t (*scratch_bytes)(const particle::LawTable<Real>& law);
  /// First states of a block.
  BlockResult (*start)(const Job<Real>& job, std::int64_t block, void* scratch);
  /// The window's steps of a block.
  BlockResult (*advance)(const Job<Real>& job, std::int64_t block, void* scratch);
  /// Bytes that one thread needs for programs with guidance by so many observed rows.
  std::size_t (*program_scratch_bytes)(const particle::LawTable<Real>& law, particle::Index observed);
  /// Stages of a tile. What it found is that of the last end of a step.
  BlockResult (*run_program)(const ProgramJob<Real>& job, std::int64_t block, void* scratch);
  /// Bytes that one thread needs in SMC.
  std::size_t (*chain_scratch_bytes)(const particle::LawTable<Real>& law);
  /// First states of a block, to `from` unless they are given there, their log-weights, and those before the
  /// first step, where an affine step leaves m.
  void (*chain_start)(const ChainJob<Real>& job, std::int64_t block, void* scratch);
  /// A block from its ancestors (null: each from itself), to `to`; log-weights after the step, and those before the next one,
  /// where an affine step leaves m.
  void (*chain_move)(const ChainJob<Real>& job, int step, const std::uint32_t* ancestors, std::int64_t block,
                     void* scratch);
  /// e = exp(log-weight - maximum) of `count` particles, a multiple of lanes.
  void (*exponentials)(const double* log_weights, double maximum, Real* e, std::int64_t count);
  /// A block of given points.
  void (*evaluate)(const PointJob<Real>& job, std::int64_t block, void* scratch);
};

}  // namespace gmdiff::cpu
