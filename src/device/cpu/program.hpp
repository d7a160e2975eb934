#pragma once

#include "device/cpu/tile.hpp"
#include "particle/program.hpp"

// The stages of programs on a tile of particles, one per lane, whose vectors are in memory
// (mathematics.md §5.3).

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

/// A team of one worker, which owns all coordinates.
template <class V>
struct Solo {
  using Vector = WideVector<V>;
  static constexpr bool may_skip = true;

  template <class Body>
  void for_each_own(Index n, Body body) const {
    for (Index i = 0; i < n; ++i) body(i);
  }
  template <class Body>
  void for_each_row(Index n, Body body) const {
    for (Index a = 0; a < n; ++a) body(a);
  }
  void sync() const {}
  bool is_first() const { return true; }
  static constexpr bool owns(Index /*row*/) { return true; }
};

/// Products with the bases of full covariances.
template <class V>
struct SoloProducts {
  using Real = RealOf<V>;
  const LawTable<Real>& law;

  template <class Take>
  void to_basis(Index k, WideVector<V> v, Take take) const {
    FullLaw<V>::to_basis(law.bases + k * law.dim * law.dim, law.dim, v.data(), take);
  }
  template <class Start, class Take>
  void from_basis(Index k, WideVector<V> z, Start start, Take take) const {
    FullLaw<V>::product(law.bases + k * law.dim * law.dim, 1, law.dim, law.dim, z.data(), start, take);
  }
};

/// The functions of a mixture that stages use.
template <class V, class Law>
class SoloLaw : public particle::ComponentMoments<V, Law::kind, Solo<V>, SoloProducts<V>> {
 public:
  static constexpr Family family = Law::kind;
  using Real = RealOf<V>;
  using Vector = WideVector<V>;

  SoloLaw(Solo<V>& team, const LawTable<Real>& law, Scratch<V> scratch)
      : particle::ComponentMoments<V, Law::kind, Solo<V>, SoloProducts<V>>(team, law, {law}),
        law_(law),
        scratch_(scratch) {}

  const LawTable<Real>& table() const { return law_; }
  void denoise(const LevelTable<Real>& level, Vector from, Vector to) {
    Law::denoiser(law_, level, from.data(), to.data(), scratch_);
  }
  particle::WideOf<V> log_density(const LevelTable<Real>& level, Vector from, Vector gradient) {
    return particle::log_density(Law::score(law_, level, from.data(), gradient.data(), scratch_), level);
  }
  V responsibilities(const LevelTable<Real>& level, Vector from) {
    return Law::weights(law_, level, from.data(), scratch_);
  }
  V weight(Index k) const { return scratch_.weights[k]; }
  BitsOf<V> choose(const LevelTable<Real>& level, Vector from, V u) {
    particle::Choice<V> chosen(u, responsibilities(level, from));
    for (Index k = 0; k < law_.num_components; ++k) chosen.add(k, weight(k));
    return chosen.component();
  }
  template <class Normal>
  void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component, Normal z,
            Vector x) {
    Law::template move<true>(law_, level.alpha, table, component, z, x.data(), scratch_);
  }

 private:
  const LawTable<Real>& law_;
  Scratch<V> scratch_;
};

/// The moments of a tile's chains.
template <class V>
class TileMoments {
 public:
  using W = particle::WideOf<V>;
  explicit TileMoments(double* numbers) : numbers_(numbers) {}
  W load(Index place) const { return W::load(numbers_ + place * Types<V>::lanes); }
  void store(Index place, W value) const { value.store(numbers_ + place * Types<V>::lanes); }

 private:
  double* numbers_;
};

template <class V, class Law>
class ProgramTile {
 public:
  using Real = RealOf<V>;
  using Steps = WideSteps<V, Law>;
  using Room = particle::GuidanceRoom<WideVector<V>>;
  using W = particle::WideOf<V>;
  using Numbers = particle::ChainNumbers<W>;
  using StageTable = particle::StageTable<Real>;
  static constexpr int lanes = Types<V>::lanes;

  ProgramTile(const ProgramJob<Real>& job, std::int64_t tile, void* scratch)
      : job_(job),
        tile_(tile),
        ends_(job.ends, tile, scratch),
        law_(team_, *job.ends.law, Steps(*job.ends.law, scratch).scratch()),
        room_(make_room(job, scratch)) {}

  static std::size_t scratch_bytes(const LawTable<Real>& law, Index observed) {
    return Steps::scratch_bytes(law) + static_cast<std::size_t>(Room::rows(law.dim, observed)) * sizeof(V);
  }

  TileResult run() {
    const auto vectors = [this](int number) {
      return WideVector<V>{reinterpret_cast<V*>(job_.vectors) +
                           (number * job_.tiles + tile_) * job_.ends.law->dim};
    };
    Numbers numbers;
    numbers.for_each([&](auto& number, int place) {
      number = job_.numbers == nullptr ? W(0.0) : W::load(place_of(place));
    });
    const TileMoments<V> moments(job_.moments + tile_ * job_.num_moments * lanes);
    particle::ProgramBody<V, Solo<V>, SoloLaw<V, Law>, decltype(vectors), TileMoments<V>> body(
        team_, law_, job_, vectors, numbers, moments, room_,
        job_.first + static_cast<std::uint64_t>(tile_) * lanes);
    TileResult result{.non_finite = 0, .first_step = -1};
    particle::for_each_stage(
        job_, [&](const StageTable& stage, int iteration) { body.run(stage, iteration); },
        [&](const StageTable& stage, int iteration) { end_step(stage, iteration, vectors(0), result); });
    if (job_.numbers != nullptr)
      numbers.for_each([&](const auto& number, int place) { number.store(place_of(place)); });
    return result;
  }

 private:
  double* place_of(int number) const { return job_.numbers + (tile_ * Numbers::size + number) * lanes; }

  void end_step(const StageTable& stage, int iteration, WideVector<V> x, TileResult& result) {
    const bool was_finite = result.non_finite == 0;
    result.non_finite = ends_.count_non_finite(x);
    if (was_finite && result.non_finite > 0) result.first_step = static_cast<int>(stage.step) + iteration;
    if (stage.slot >= 0 && iteration + 1 == stage.iterations) ends_.keep(x, stage.slot);
  }

  static Room make_room(const ProgramJob<Real>& job, void* scratch) {
    const LawTable<Real>& law = *job.ends.law;
    V* next = reinterpret_cast<V*>(static_cast<std::byte*>(scratch) + Steps::scratch_bytes(law));
    return Room::make(law.dim, job.observation.rows, [&](Index rows) {
      WideVector<V> vector{next};
      next += rows;
      return vector;
    });
  }

  const ProgramJob<Real>& job_;
  std::int64_t tile_;
  Solo<V> team_;
  StepTile<V, Steps> ends_;
  SoloLaw<V, Law> law_;
  Room room_;
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
