#pragma once

#include <cstddef>
#include <cstdint>

#include "base/purpose.hpp"
#include "particle/line_tables.hpp"
#include "particle/program_tables.hpp"
#include "particle/smc_tables.hpp"
#include "particle/window.hpp"

// The functions of a unit, which is compiled for one instruction set, and their arguments. These are plain
// data only, because units are compiled for other processors than the rest of the library and must not share
// inline functions with it.

namespace gmdiff::cpu {

/// A window of steps on tiles of `Unit::lanes` particles. Every tile is one piece of work.
template <class Real>
struct Job : particle::Window<Real> {
  const particle::LawTable<Real>* law;
  const particle::StartTableOf<Real>* start;
  Real* states;    ///< (tiles, d, lanes)
  Real* previous;  ///< D1 of the step before, in the same shape; null when no step reads it
};

/// Stages of a program in tiles of `Unit::lanes` particles.
template <class Real>
struct ProgramJob : particle::ProgramWindow<Real> {
  Job<Real> ends;   ///< start and result of the run, whose states are vector 0
  Real* vectors;    ///< (num_vectors, tiles, d, lanes), aligned like registers
  double* numbers;  ///< (tiles, ChainNumbers::size, lanes), or null for plans without Markov chains
  double* moments;  ///< (tiles, num_moments, lanes), or null
  std::int64_t num_moments;
  std::int64_t tiles;  ///< number of tiles
};

/// Particles of a tile that are not finite after a window.
struct TileResult {
  int non_finite = 0;
  int first_step = 0;  ///< first step after which one was not; -1: the start
};

/// Given points at one level of a wide law. Only the results that are not null are computed.
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

/// A chain of SMC on tiles of `Unit::lanes` particles. Lanes beyond the last particle are computed and never
/// chosen.
template <class Real>
struct ChainJob {
  particle::ChainTables<Real> tables;
  /// Potentials of a map instead of factors, or null.
  const particle::MapPotentialTable<Real>* map;
  std::uint64_t first_slot;  ///< index of particle 0
  bool has_start;            ///< `from` holds the first states
  /// D of a custom denoiser at the states `from`, of the same shape, or null. Then weights before a step are
  /// computed by `Unit::chain_weigh` alone.
  const Real* denoised;
  Real* from;           ///< (tiles, d, lanes): the states, or m after weighing
  Real* to;             ///< same shape: the destination of a move
  double* log_weights;  ///< (tiles lanes)
  /// (tiles lanes): negative logarithms of the potentials of a map at the states `from`, and those that a
  /// move writes for `to`, or with a custom denoiser `Unit::chain_weigh` for `from`
  const Real* potentials;
  Real* new_potentials;
  Real* kept;  ///< (N, d): a further destination of new states, as rows, or null
};

/// Inner loops of distances, in double.
inline constexpr int directions_per_tile = 8;
inline constexpr int points_per_tile = 8;
struct DistanceUnit {
  /// out[s stride + j] = <x_j, u_s> for points (count, d) and a tile of directions, coordinate by coordinate:
  /// (d, directions_per_tile).
  void (*project)(const double* points, particle::Index count, particle::Index dim, const double* directions,
                  double* out, particle::Index stride);
  /// |x - y_j|^2 for the points of tiles, each coordinate by coordinate: (num_tiles, d, points_per_tile).
  void (*squared_distances)(const double* point, particle::Index dim, const double* tiles,
                            particle::Index num_tiles, double* out);
  /// Share of W_p^p between sorted points and a law of run number `run` (particle/line_cost.hpp).
  double (*line_run)(const particle::LineLaw& law, const particle::LinePoints& points, int p,
                     particle::Index run);
};

template <class Real>
struct Unit {
  int lanes;  ///< particles of a tile
  /// Bytes that one thread needs in addition to the states.
  std::size_t (*scratch_bytes)(const particle::LawTable<Real>& law);
  /// Sets the first states of a tile.
  TileResult (*start)(const Job<Real>& job, std::int64_t tile, void* scratch);
  /// Runs a tile through the steps of the window.
  TileResult (*advance)(const Job<Real>& job, std::int64_t tile, void* scratch);
  /// Bytes that one thread needs for programs with guidance by the given number of observed rows.
  std::size_t (*program_scratch_bytes)(const particle::LawTable<Real>& law, particle::Index observed);
  /// Runs the stages of a tile. The result is that of the last end of a step.
  TileResult (*run_program)(const ProgramJob<Real>& job, std::int64_t tile, void* scratch);
  /// Bytes that one thread needs in SMC, with the potentials of a map or null.
  std::size_t (*chain_scratch_bytes)(const particle::LawTable<Real>& law,
                                     const particle::MapPotentialTable<Real>* map);
  /// Sets the first states of a tile in `from`, unless they are given there, and computes their log-weights
  /// and the weights before the first step. If that step is affine, it leaves m in `from`.
  void (*chain_start)(const ChainJob<Real>& job, std::int64_t tile, void* scratch);
  /// Computes the weights of a tile before a step. If the step is affine, it leaves m in `from`.
  void (*chain_weigh)(const ChainJob<Real>& job, int step, std::int64_t tile, void* scratch);
  /// Moves a tile from its ancestors (null: each particle from itself) to `to`, and computes log-weights
  /// after the step and before the next one. If the next step is affine, it leaves m in `to`.
  void (*chain_move)(const ChainJob<Real>& job, int step, const std::uint32_t* ancestors, std::int64_t tile,
                     void* scratch);
  /// e = exp(log-weight - maximum) of `count` particles, a multiple of lanes.
  void (*exponentials)(const double* log_weights, double maximum, Real* e, std::int64_t count);
  /// Evaluates a tile of given points.
  void (*evaluate)(const PointJob<Real>& job, std::int64_t tile, void* scratch);
};

}  // namespace gmdiff::cpu
