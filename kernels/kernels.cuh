#pragma once

#include "base/check.hpp"
#include "kernels/full.cuh"
#include "kernels/points.cuh"
#include "kernels/program.cuh"
#include "kernels/small.cuh"
#include "kernels/thread_full.cuh"
#include "kernels/thread_wide.cuh"
#include "kernels/tile_steps.cuh"
#include "kernels/wide.cuh"

// All kernels. A kernel is a type whose `run(block, job)` is the body of a thread. This file chooses the
// kernel of a job, both for the GPU and for the host block.

namespace gmdiff::kernels {

using particle::Exact;
using particle::Fast;
using particle::One;
using particle::Twice;

/// Small laws: each thread has particles of its own.
template <class Number, int D, bool full, class Arithmetic>
struct SmallKernel {
  using Real = Number;
  using Single = One<Real, Arithmetic>;
  using V = std::conditional_t<thread_particles<Real> == 2, Twice<Single>, Single>;
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const StepsJob<Real>& job) {
    ThreadSteps<V, SmallThread<V, D, full, Block>, Block>(block, job).run();
  }
};

/// Larger laws of at most 16 coordinates, also on threads; arrays have room for `most` coordinates.
template <class Single, Family family, int most_dim>
struct ThreadKernel {
  using Real = particle::RealOf<Single>;
  using V = std::conditional_t<thread_particles<Real> == 2, Twice<Single>, Single>;
  /// The dimensions of this kernel.
  struct Shape {
    static constexpr int least = thread_room<Real>(8) < most_dim ? 9 : particle::largest_small_dim + 1;
    static constexpr int most = most_dim;
  };
  template <class Block>
  using Law = std::conditional_t<family == Family::full, FullThread<V, Shape, Block>,
                                 WideThread<V, family, Shape, Block>>;

  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const StepsJob<Real>& job) {
    ThreadSteps<V, Law<Block>, Block>(block, job).run();
  }
};

/// The particles of a thread of a tile, and the number of particles of the tile.
template <class Real, Family family, Layout layout>
struct TileValue {
  static constexpr int lanes = layout == Layout::wide_tile     ? 4
                               : family != Family::full        ? 1
                               : sizeof(Real) == sizeof(float) ? 4
                                                               : 2;
  using Two = Twice<One<Real>>;
  using V = std::conditional_t<lanes == 4, Twice<Two>, std::conditional_t<lanes == 2, Two, One<Real>>>;
};

template <class V, class Tile, Family family>
using TileLaw = std::conditional_t<family == Family::full, FullTile<V, Tile>, WideTile<V, Tile, family>>;

template <class Number, Family family, Layout layout, bool in_shared>
struct TileKernel {
  using Real = Number;
  using V = typename TileValue<Real, family, layout>::V;
  static constexpr int particles = tile_particles(layout);

  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const StepsJob<Real>& job) {
    carry<TileSteps>(block, job);
  }
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const PointsJob<Real>& job) {
    carry<TilePoints>(block, job);
  }
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const ProgramJob<Real>& job) {
    carry<TileProgram>(block, job);
  }

 private:
  /// Computes one tile after the other.
  template <template <class, class, class> class Work, class Block, class Job>
  GMDIFF_PARTICLE static void carry(Block& block, const Job& job) {
    using Tile = kernels::Tile<V, particles, Block>;
    const TileRoom shape = tile_room(job);
    const Index numbers = shape.rows() * particles;
    Real* room = nullptr;
    if constexpr (in_shared) {
      room = block.template shared<Real>(static_cast<std::size_t>(numbers));
    } else {
      room = job.room + block.index() * numbers;
    }
    for (std::int64_t begin = block.index() * particles; begin < job.count;
         begin += block.num_blocks() * particles) {
      block.sync();  // all threads have finished the last tile
      Work<V, Tile, TileLaw<V, Tile, family>>(Tile(block, room), job, shape, begin).run(block);
    }
  }
};

// --- the choice --------------------------------------------------------------------------------------------

/// Calls body.operator()<family>() for a law of more than four coordinates.
template <class Body>
void with_family(Family family, Body body) {
  switch (family) {
    case Family::spherical:
      return body.template operator()<Family::spherical>();
    case Family::tied:
      return body.template operator()<Family::tied>();
    case Family::diag:
      return body.template operator()<Family::diag>();
    case Family::full:
      return body.template operator()<Family::full>();
    case Family::small_diag:
    case Family::small_full:
      break;
  }
  fail("kernels: a law of at most ", particle::largest_small_dim, " coordinates has kernels of its own");
}

template <class Job, Family family, class Body>
void with_tile_kernel(const Geometry& geometry, Body body) {
  using Real = typename Job::Number;
  if constexpr (family != Family::full && has_wide_tiles<Job>) {
    if (geometry.layout == Layout::wide_tile)
      return body.template operator()<TileKernel<Real, family, Layout::wide_tile, true>>();
  }
  if constexpr (has_shared_tiles<Job>) {
    if (geometry.in_shared)
      return body.template operator()<TileKernel<Real, family, Layout::narrow_tile, true>>();
  }
  body.template operator()<TileKernel<Real, family, Layout::narrow_tile, false>>();
}

template <class Real, Family family, class Body>
void with_thread_kernel(Index dim, Body body) {
  constexpr int less = thread_room<Real>(1);
  if (thread_room<Real>(dim) == less)
    return body.template operator()<ThreadKernel<One<Real>, family, less>>();
  body.template operator()<ThreadKernel<One<Real>, family, largest_thread_dim>>();
}

template <class Real, bool full, class Arithmetic, class Body>
void with_small_kernel(Index dim, Body body) {
  switch (dim) {
    case 1:
      return body.template operator()<SmallKernel<Real, 1, full, Arithmetic>>();
    case 2:
      return body.template operator()<SmallKernel<Real, 2, full, Arithmetic>>();
    case 3:
      return body.template operator()<SmallKernel<Real, 3, full, Arithmetic>>();
    default:
      return body.template operator()<SmallKernel<Real, 4, full, Arithmetic>>();
  }
}

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const StepsJob<Real>& job, const Geometry& geometry, Body body) {
  if (job.law.family == Family::small_diag) return with_small_kernel<Real, false, Exact>(job.law.dim, body);
  if (job.law.family == Family::small_full) return with_small_kernel<Real, true, Exact>(job.law.dim, body);
  with_family(job.law.family, [&]<Family family>() {
    if (geometry.layout == Layout::thread) return with_thread_kernel<Real, family>(job.law.dim, body);
    with_tile_kernel<StepsJob<Real>, family>(geometry, body);
  });
}
/// The same for a job that `runs_fast`.
template <class Body>
void with_fast_kernel(const StepsJob<float>& job, Body body) {
  if (job.law.family == Family::small_diag) return with_small_kernel<float, false, Fast>(job.law.dim, body);
  with_small_kernel<float, true, Fast>(job.law.dim, body);
}
template <class Real, class Body>
void with_kernel(const PointsJob<Real>& job, const Geometry& geometry, Body body) {
  with_family(job.law.family,
              [&]<Family family>() { with_tile_kernel<PointsJob<Real>, family>(geometry, body); });
}
template <class Real, class Body>
void with_kernel(const ProgramJob<Real>& job, const Geometry& geometry, Body body) {
  with_family(job.law.family,
              [&]<Family family>() { with_tile_kernel<ProgramJob<Real>, family>(geometry, body); });
}

}  // namespace gmdiff::kernels
