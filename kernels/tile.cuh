#pragma once

#include <type_traits>

#include "kernels/geometry.hpp"
#include "kernels/particle.cuh"
#include "particle/wide.hpp"

// A tile: particles that a block carries together. Its arrays lie as [row][particle]; a thread sees the particles of one value of V, side
// by side, and shares them with the other *workers*, each of whom owns some of the rows. What a worker owns it alone writes.

namespace gmdiff::kernels {

/// A thread's numbers in an array of a tile: anything with operator[] that sums and products ask for.
template <class V, int particles>
class TileVector {
 public:
  using Real = RealOf<V>;

  /// One place: read as a value, written by assignment.
  class Place {
   public:
    GMDIFF_PARTICLE explicit Place(Real* numbers) : numbers_(numbers) {}
    GMDIFF_PARTICLE operator V() const {
      return V::load(aligned());
    }  // NOLINT(google-explicit-constructor): stands for a value
    GMDIFF_PARTICLE const Place& operator=(V value) const {
      value.store(aligned());
      return *this;
    }

   private:
    GMDIFF_PARTICLE Real* aligned() const {
      return static_cast<Real*>(__builtin_assume_aligned(numbers_, sizeof(V)));
    }
    Real* numbers_;
  };

  TileVector() = default;
  GMDIFF_PARTICLE explicit TileVector(Real* numbers) : numbers_(numbers) {}
  GMDIFF_PARTICLE Place operator[](Index row) const { return Place(numbers_ + row * particles); }
  /// From a row on.
  GMDIFF_PARTICLE TileVector from(Index row) const { return TileVector(numbers_ + row * particles); }

 private:
  Real* numbers_ = nullptr;
};

template <class V, int num_particles>
struct TileShape {
  using Vector = TileVector<V, num_particles>;
  static constexpr int particles = num_particles;
  static constexpr int lanes = Types<V>::lanes;
  static constexpr int workers = block_threads * lanes / particles;
  static constexpr int run = 4;  ///< rows side by side that a worker owns
  static_assert(particle::chunk_size % workers == 0);
};

/// A thread's place in the tile, and the arrays.
template <class V, int num_particles, class Block>
class Tile {
 public:
  using Real = RealOf<V>;
  using Shape = TileShape<V, num_particles>;
  using Vector = typename Shape::Vector;

  GMDIFF_PARTICLE Tile(Block& block, Real* room)
      : block_(block),
        worker_(block.thread_rank() / (num_particles / Shape::lanes)),
        particle_(block.thread_rank() % (num_particles / Shape::lanes) * Shape::lanes),
        room_(room + particle_) {}

  GMDIFF_PARTICLE int worker() const { return worker_; }
  /// Number of lane 0 in the tile.
  GMDIFF_PARTICLE int particle() const { return particle_; }
  GMDIFF_PARTICLE void sync() { block_.sync(); }

  /// The next array of the room.
  GMDIFF_PARTICLE Vector take(Index rows) {
    const Vector vector(room_);
    room_ += rows * num_particles;
    return vector;
  }

  /// body(i) for the rows i < d of this worker.
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index d, Body body) const {
    for_each_run(d, body, [&](Index i, auto) {
      for (int c = 0; c < Shape::run; ++c) body(i + c);
    });
  }
  /// The same for runs of rows: whole(i, n) for rows i ... i + n - 1, n = Shape::run known to the compiler; single(i) where fewer are left.
  template <class Single, class Whole>
  GMDIFF_PARTICLE void for_each_run(Index d, Single single, Whole whole) const {
    for (Index i = worker_ * Shape::run; i < d; i += Shape::workers * Shape::run) {
      if (i + Shape::run <= d) {
        whole(i, std::integral_constant<int, Shape::run>{});
      } else {
        for (Index j = i; j < d; ++j) single(j);
      }
    }
  }

 private:
  Block& block_;
  int worker_;
  int particle_;
  Real* room_;
};

/// How the components of a chunk are spread over the workers: body(k) for those of this worker.
template <class Shape, class Body>
GMDIFF_PARTICLE void for_each_own_component(int worker, Index n, Body body) {
  for (Index k = worker; k < n; k += Shape::workers) body(k);
}

}  // namespace gmdiff::kernels
