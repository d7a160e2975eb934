#pragma once

#include <algorithm>
#include <cstdint>

#include "base/thread_pool.hpp"

namespace gmdiff::cpu {

/// The particles of one chain, in pieces of whole tiles that threads share.
class ChainPieces {
 public:
  /// @param pool null: the calling thread takes all particles as one piece.
  ChainPieces(std::int64_t particles, int lanes, ThreadPool* pool)
      : pool_(pool),
        particles_(particles),
        tiles_((particles + lanes - 1) / lanes),
        lanes_(lanes),
        tiles_per_piece_(tiles_) {
    if (pool != nullptr) tiles_per_piece_ = std::max<std::int64_t>(particles_per_piece / lanes, 1);
  }

  std::int64_t particles() const { return particles_; }
  /// Number of particles, rounded up to whole tiles.
  std::int64_t padded() const { return tiles_ * lanes_; }
  std::int64_t count() const { return (tiles_ + tiles_per_piece_ - 1) / tiles_per_piece_; }
  int threads() const { return pool_ == nullptr ? 1 : pool_->threads(); }

  /// Calls body(thread, piece, begin, end) for the particles begin ... end - 1 of each piece.
  template <class Body>
  void for_each(Body body) const {
    if (pool_ == nullptr) return body(0, std::int64_t{0}, std::int64_t{0}, particles_);
    pool_->run(count(), [&](int thread, std::int64_t piece) {
      const std::int64_t size = tiles_per_piece_ * lanes_;
      body(thread, piece, piece * size, std::min((piece + 1) * size, particles_));
    });
  }
  /// Calls body(thread, tile).
  template <class Body>
  void for_each_tile(Body body) const {
    for_each([&](int thread, std::int64_t, std::int64_t begin, std::int64_t end) {
      for (std::int64_t tile = begin / lanes_; tile * lanes_ < end; ++tile) body(thread, tile);
    });
  }

 private:
  static constexpr std::int64_t particles_per_piece = 4096;
  ThreadPool* pool_;
  std::int64_t particles_;
  std::int64_t tiles_;
  std::int64_t lanes_;
  std::int64_t tiles_per_piece_;
};

}  // namespace gmdiff::cpu
