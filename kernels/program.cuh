#pragma once

#include "kernels/tile_rows.cuh"
#include "kernels/tile_start.cuh"
#include "kernels/tile_team.cuh"
#include "particle/program.hpp"

// The stages of programs on a tile of particles (mathematics.md §5.3): the bodies are in
// particle/program.hpp, and this file assigns coordinates to workers.

namespace gmdiff::kernels {

/// The moments of a worker's chains, number by number for all chains of the job.
template <class V, class Tile>
class LaneMoments {
 public:
  using W = particle::WideOf<V>;
  /// @param begin number of lane 0 in the job
  GMDIFF_PARTICLE LaneMoments(double* numbers, std::int64_t count, std::int64_t begin,
                              const TileRows<V, Tile>& rows)
      : numbers_(numbers), count_(count), begin_(begin), rows_(rows) {}
  GMDIFF_PARTICLE W load(Index place) const {
    double values[Types<V>::lanes];
    for (int lane = 0; lane < Types<V>::lanes; ++lane)
      values[lane] = rows_.has(lane) ? numbers_[place * count_ + begin_ + lane] : 0.0;
    return W::load(values);
  }
  GMDIFF_PARTICLE void store(Index place, W value) const {
    double values[Types<V>::lanes];
    value.store(values);
    for (int lane = 0; lane < Types<V>::lanes; ++lane) {
      if (rows_.has(lane)) numbers_[place * count_ + begin_ + lane] = values[lane];
    }
  }

 private:
  double* numbers_;
  std::int64_t count_, begin_;
  const TileRows<V, Tile>& rows_;
};

template <class V, class Tile, class Law>
class TileProgram {
 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;
  using Team = TileTeam<V, Tile>;
  using Room = particle::GuidanceRoom<Vector>;

  /// @param begin number of the tile's first particle in the job
  GMDIFF_PARTICLE TileProgram(Tile tile, const ProgramJob<Real>& job, const TileRoom& room,
                              std::int64_t begin)
      : tile_(tile),
        job_(job),
        begin_(begin + tile.particle()),
        vectors_(tile_.take(room.coordinates * job.num_vectors)),
        sums_(tile_.take(room.coordinates)),
        law_(tile_, job_.law, room, sums_),
        guidance_(make_room()),
        team_(tile_),
        stage_law_(team_, job_.law, law_),
        rows_(tile_, job_.law, begin_, job.count) {}

  template <class Block>
  GMDIFF_PARTICLE void run(Block& block) {
    if (job_.from_start) {
      start();
    } else {
      load();
    }
    const auto vectors = [this](int number) { return vector(number); };
    using Moments = LaneMoments<V, Tile>;
    const Moments moments(job_.moments, job_.count, begin_, rows_);
    particle::ProgramBody<V, Team, StageLaw<V, Tile, Law>, decltype(vectors), Moments> body(
        team_, stage_law_, job_, vectors, numbers_, moments, guidance_,
        job_.first + static_cast<std::uint64_t>(begin_));
    particle::for_each_stage(
        job_, [&](const StageTable<Real>& stage, int iteration) { run_stage(body, stage, iteration); },
        [&](const StageTable<Real>& stage, int iteration) { end_step(block, stage, iteration); });
    save();
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return job_.law.dim; }
  GMDIFF_PARTICLE Vector vector(int number) const { return vectors_.from(number * dim()); }

  template <class Body>
  GMDIFF_PARTICLE void run_stage(Body& body, const StageTable<Real>& stage, int iteration) {
    switch (stage.kind) {
      case StageKind::evaluate:
      case StageKind::combine:
      case StageKind::transition:
      case StageKind::guide:
      case StageKind::target:
      case StageKind::product:
      case StageKind::accept:
      case StageKind::field:
      case StageKind::multiply:
      case StageKind::accumulate:
      case StageKind::proximal:
      case StageKind::adapt:
        return body.run(stage, iteration);
      case StageKind::to_rows:
        return to_rows(vector(stage.from));
      case StageKind::from_rows:
        return from_rows(vector(stage.to));
      case StageKind::call:
      case StageKind::call_target:
      case StageKind::call_field:
      case StageKind::end:
        return;
    }
  }

  GMDIFF_PARTICLE void load() {
    for_each_number([&](Vector vector, Index i, const auto& place) {
      vector[i] = rows_.lanes_of([&](int lane) { return *place(lane); });
    });
    numbers_.for_each([&](auto& number, int place) {
      double values[Types<V>::lanes];
      for (int lane = 0; lane < Types<V>::lanes; ++lane)
        values[lane] = job_.numbers != nullptr && rows_.has(lane) ? *place_of(place, lane) : 0.0;
      number = particle::WideOf<V>::load(values);
    });
  }
  GMDIFF_PARTICLE void save() {
    for_each_number([&](Vector vector, Index i, const auto& place) { rows_.store_lanes(vector[i], place); });
    if (job_.numbers == nullptr || tile_.worker() != 0) return;  // all workers have the same numbers
    numbers_.for_each([&](const auto& number, int place) {
      double values[Types<V>::lanes];
      number.store(values);
      for (int lane = 0; lane < Types<V>::lanes; ++lane) {
        if (rows_.has(lane)) *place_of(place, lane) = values[lane];
      }
    });
  }
  GMDIFF_PARTICLE double* place_of(int number, int lane) const {
    return job_.numbers + number * job_.count + begin_ + lane;
  }

  GMDIFF_PARTICLE Room make_room() {
    return Room::make(dim(), job_.observation.rows, [this](Index rows) { return tile_.take(rows); });
  }

  /// Calls body(vector, i, place) for the own coordinates of all vectors; place(lane) is the place of the
  /// number in the job's memory.
  template <class Body>
  GMDIFF_PARTICLE void for_each_number(Body body) {
    for (int number = 0; number < job_.num_vectors; ++number) {
      Real* const numbers = job_.vectors + number * dim() * job_.count;
      tile_.for_each_own(dim(), [&](Index i) {
        body(vector(number), i, [&](int lane) { return numbers + i * job_.count + begin_ + lane; });
      });
    }
  }

  GMDIFF_PARTICLE void start() {
    const Vector x = vector(0);
    start_tile<V>(tile_, job_, rows_, law_, job_.first + static_cast<std::uint64_t>(begin_), x, sums_);
    for (int number = 1; number < job_.num_vectors; ++number) {
      tile_.for_each_own(dim(), [&](Index i) { vector(number)[i] = V(Real(0)); });
    }
    numbers_.for_each([](auto& number, int /*place*/) { number = particle::WideOf<V>(0.0); });
    if (job_.start_slot >= 0) keep(x, job_.start_slot);
  }

  template <class Block>
  GMDIFF_PARTICLE void end_step(Block& block, const StageTable<Real>& stage, int iteration) {
    const Vector x = vector(0);
    tile_.sync();
    const int here = tile_.worker() == 0 ? rows_.count_non_finite(x) : 0;
    const std::uint64_t bad = block.reduce_sum(static_cast<std::uint64_t>(here));
    const bool ends = iteration + 1 == stage.iterations;
    if (block.thread_rank() == 0 && bad > 0) {
      block.atomic_min(&job_.report->first_step, static_cast<int>(stage.step) + iteration);
      if (stage.is_last && ends) block.atomic_add(&job_.report->non_finite, bad);
    }
    if (stage.slot >= 0 && ends) keep(x, stage.slot);
  }

  GMDIFF_PARTICLE void keep(Vector x, int slot) {
    tile_.sync();
    rows_.store(
        x, [&](int lane, Index i) { return job_.out + ((begin_ + lane) * job_.slots + slot) * dim() + i; });
    if (job_.law.has_common_basis()) tile_.sync();  // others read x
  }

  /// Rows that a custom denoiser reads. Such plans have no mixture, and their coordinates are those of the
  /// data.
  GMDIFF_PARTICLE Real* row(int lane, Index i) const { return job_.rows + (begin_ + lane) * dim() + i; }
  GMDIFF_PARTICLE void to_rows(Vector from) {
    tile_.for_each_own(dim(),
                       [&](Index i) { rows_.store_lanes(from[i], [&](int lane) { return row(lane, i); }); });
  }
  GMDIFF_PARTICLE void from_rows(Vector to) {
    tile_.for_each_own(dim(),
                       [&](Index i) { to[i] = rows_.lanes_of([&](int lane) { return *row(lane, i); }); });
  }

  Tile tile_;
  const ProgramJob<Real>& job_;
  std::int64_t begin_;  // number of lane 0 in the job
  Vector vectors_, sums_;
  Law law_;
  Room guidance_;
  Team team_;
  StageLaw<V, Tile, Law> stage_law_;
  TileRows<V, Tile> rows_;
  particle::ChainNumbers<particle::WideOf<V>> numbers_;
};

}  // namespace gmdiff::kernels
