#pragma once

#include <type_traits>

#include "kernels/geometry.hpp"
#include "kernels/particle.cuh"
#include "particle/wide.hpp"

// A tile: particles that a thread block computes together. Its arrays have the layout [row][particle]. A
// thread handles the particles of one value of V and shares them with other threads, its fellow *workers*.
// Each worker owns some of the rows, and only the owner writes a row.

namespace gmdiff::kernels {

/// A thread's numbers in an array of a tile, with the operator[] that sums and products need.
template <class V, int particles>
class TileVector {
 public:
  using Real = RealOf<V>;

  /// One element: read as a value, written by assignment.
  class Place {
   public:
    GMDIFF_PARTICLE explicit Place(Real* numbers) : numbers_(numbers) {}
    GMDIFF_PARTICLE operator V() const {
      return V::load(aligned());
    }  // NOLINT(google-explicit-constructor): converts like a value
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
  /// The vector from a row on.
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
  static constexpr int run = 4;  ///< number of contiguous rows that a worker owns
  static_assert(particle::chunk_size % workers == 0);
};

/// A thread's position in the tile, and the tile's arrays.
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
  /// Index of lane 0 in the tile.
  GMDIFF_PARTICLE int particle() const { return particle_; }
  GMDIFF_PARTICLE void sync() { block_.sync(); }

  /// The next array of the room.
  GMDIFF_PARTICLE Vector take(Index rows) {
    const Vector vector(room_);
    room_ += rows * num_particles;
    return vector;
  }

  /// Whether this worker owns a row.
  GMDIFF_PARTICLE bool owns(Index row) const {
    return static_cast<int>(row / Shape::run % Shape::workers) == worker_;
  }
  /// Calls body(i) for the rows i < d of this worker.
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index d, Body body) const {
    for_each_run(d, body, [&](Index i, auto) {
      for (int c = 0; c < Shape::run; ++c) body(i + c);
    });
  }
  /// The same for runs of rows: calls whole(i, n) for rows i ... i + n - 1, where the constant n is
  /// Shape::run, and single(i) for the rows that are left.
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

/// Distributes the components of a chunk over the workers: calls body(k) for those of this worker.
template <class Shape, class Body>
GMDIFF_PARTICLE void for_each_own_component(int worker, Index n, Body body) {
  for (Index k = worker; k < n; k += Shape::workers) body(k);
}

}  // namespace gmdiff::kernels
