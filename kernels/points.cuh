#pragma once

#include "kernels/tile_rows.cuh"

// Densities, responsibilities, score and denoiser of a tile of given points (mathematics.md §2.2, §2.3).

namespace gmdiff::kernels {

template <class V, class Tile, class Law>
class TilePoints {
 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;

  GMDIFF_PARTICLE TilePoints(Tile tile, const PointsJob<Real>& job, const TileRoom& room, std::int64_t begin)
      : tile_(tile),
        job_(job),
        begin_(begin + tile.particle()),
        x_(tile_.take(room.coordinates)),
        result_(tile_.take(room.coordinates)),
        law_(tile_, job_.law, room, result_),
        rows_(tile_, job_.law, begin_, job.count) {}

  template <class Block>
  GMDIFF_PARTICLE void run(Block& /*block*/) {
    rows_.load(job_.points, x_, result_);
    tile_.sync();
    if (job_.log_density != nullptr || job_.log_responsibilities != nullptr) densities();
    if (job_.denoiser != nullptr) denoiser();
    if (job_.score != nullptr) score();
  }

 private:
  GMDIFF_PARTICLE void densities() {
    const Index K = job_.law.num_components;
    law_.all_logits(job_.level, x_);
    const auto softmax = law_.weights().all(K);
    const V log_total = particle::log(softmax.total);
    if (job_.log_density != nullptr && tile_.worker() == 0) {
      store_double(
          softmax.maximum + log_total, [&](std::int64_t n) { return job_.log_density + n; },
          job_.level.log_offset);
    }
    if (job_.log_responsibilities == nullptr) return;
    for_each_own_component<typename Tile::Shape>(tile_.worker(), K, [&](Index k) {
      // Subtracts the maximum first: far from the modes exp(ell - log p) would not sum to 1.
      const V r = (law_.weights().ell()[k] - softmax.maximum) - log_total;
      store_double(r, [&](std::int64_t n) { return job_.log_responsibilities + n * K + k; });
    });
  }

  GMDIFF_PARTICLE void denoiser() {
    if (!job_.level.at_data) {
      tile_.sync();
      law_.denoiser(job_.level, x_);
    }
    tile_.for_each_own(job_.law.dim, [&](Index i) {
      const V x = x_[i];
      result_[i] = job_.level.at_data ? x / V(job_.level.alpha) : law_.denoised(job_.level, i, x);
    });
    write(job_.denoiser);
  }

  GMDIFF_PARTICLE void score() {
    tile_.sync();
    law_.score(job_.level, x_);
    tile_.for_each_own(job_.law.dim, [&](Index i) { result_[i] = law_.scored(job_.level, i); });
    write(job_.score);
  }

  /// Writes the result as rows in the data's coordinates.
  GMDIFF_PARTICLE void write(double* to) {
    tile_.sync();
    const auto take = [&](int lane, Index i) { return RowPlace{to + (begin_ + lane) * job_.law.dim + i}; };
    rows_.store(result_, take);
    tile_.sync();
  }

  /// A double that can be assigned a number of either precision.
  struct RowPlace {
    double* place;
    GMDIFF_PARTICLE RowPlace& operator*() { return *this; }
    GMDIFF_PARTICLE void operator=(Real value) { *place = static_cast<double>(value); }
  };

  /// Writes one number per particle, plus `offset`, in double.
  template <class Place>
  GMDIFF_PARTICLE void store_double(V value, Place place, double offset = 0.0) const {
    Real values[Types<V>::lanes];
    value.store(values);
    for (int lane = 0; lane < Types<V>::lanes; ++lane) {
      if (rows_.has(lane))
        *place(begin_ + lane) = particle::Exact::add(static_cast<double>(values[lane]), offset);
    }
  }

  Tile tile_;
  const PointsJob<Real>& job_;
  std::int64_t begin_;
  Vector x_, result_;
  Law law_;
  TileRows<V, Tile> rows_;
};

}  // namespace gmdiff::kernels
