#pragma once

#include <algorithm>
#include <vector>

#include "device/cuda/gpu.hpp"
#include "lowering/table_builder.hpp"
#include "particle/program_tables.hpp"
#include "particle/smc_tables.hpp"

namespace gmdiff::cuda {

/// Host-built tables in a GPU's memory. Their numbers are in one array, and every pointer of a table is
/// redirected to its place in the array.
template <class Real>
class Tables {
 public:
  Tables(Gpu& gpu, const particle::Arena<Real>& arena) {
    std::vector<Real> numbers;
    for (const std::vector<Real>& piece : arena.pieces()) {
      places_.push_back({.host = piece.data(), .offset = numbers.size()});
      numbers.insert(numbers.end(), piece.begin(), piece.end());
      numbers.resize((numbers.size() + alignment - 1) / alignment * alignment);
    }
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return std::less<>()(a.host, b.host); });
    if (numbers.empty()) return;
    numbers_ = Buffer<Real>(gpu, numbers.size());
    numbers_.upload(numbers.data());
  }

  void move(particle::LevelTable<Real>& level) const {
    move(level.records);
    move(level.constants);
    move(level.precision.values);
    move(level.shrink.values);
    move(level.gain.values);
  }
  void move(particle::MoveTable<Real>& table) const {
    move(table.records);
    move(table.gain.values);
    move(table.deviation.values);
  }
  void move(particle::StartTableOf<Real>& start) const {
    move(start.move);
    move(start.mean);
  }
  void move(particle::StepTable<Real>& step) const {
    move(step.levels[0]);
    move(step.levels[1]);
    move(step.move);
  }
  void move(particle::StageTable<Real>& stage) const {
    move(stage.level);
    move(stage.move);
    move(stage.guide.variance.values);
    move(stage.guide.projected);
    move(stage.guide.weights);
  }
  void move(particle::ObservationTable<Real>& observation) const {
    move(observation.A);
    move(observation.y);
    move(observation.tape);
  }
  void move(particle::MatrixTable<Real>& matrix) const { move(matrix.numbers); }
  void move(particle::TapeTable<Real>& tape) const {
    move(tape.operations);
    move(tape.constants);
    move(tape.outputs);
  }
  void move(particle::TargetTable<Real>& target) const {
    move(target.data);
    move(target.tape);
  }
  void move(particle::FieldTable<Real>& field) const {
    move(field.tape);
    move(field.times);
  }
  void move(particle::FactorTable<Real>& factors) const {
    move(factors.centre);
    move(factors.precision);
  }
  void move(particle::ConditionedTable<Real>& table) const {
    for (const Real** pointer :
         {&table.constants, &table.whitening, &table.offset, &table.mean, &table.gain, &table.noise})
      move(*pointer);
  }
  void move(particle::SmcStepTable<Real>& step) const {
    move(step.level);
    move(step.factors);
    move(step.divided);
    for (const Real** pointer : {&step.keep, &step.offset, &step.deviation}) move(*pointer);
    move(step.conditioned);
  }
  /// Redirects all pointers except those of the law.
  void move(particle::SmcStartTable<Real>& start) const {
    move(start.mean);
    move(start.deviation);
    move(start.move);
    move(start.factors);
  }

 private:
  /// Number of elements of the widest load.
  static constexpr std::size_t alignment = 16 / sizeof(Real);
  struct Place {
    const Real* host;
    std::size_t offset;
  };

  /// A pointer of a table is null or points to the beginning of a piece.
  void move(const Real*& pointer) const {
    if (pointer == nullptr) return;
    const auto place =
        std::lower_bound(places_.begin(), places_.end(), pointer,
                         [](const Place& a, const Real* b) { return std::less<>()(a.host, b); });
    pointer = numbers_.data() + place->offset;
  }

  std::vector<Place> places_;  // sorted by address
  Buffer<Real> numbers_;
};

/// A law in a GPU's memory.
template <class Real>
class Law {
 public:
  Law(Gpu& gpu, const MixtureTable& mixture, particle::Family family)
      : host_(mixture, family), table_(host_.table()) {
    const auto d = static_cast<std::size_t>(table_.dim);
    const auto K = static_cast<std::size_t>(table_.num_components);
    copy(gpu, means_, table_.means, K * d);
    if (table_.bases != nullptr) copy(gpu, bases_, table_.bases, mixture.bases.size() * d * d);
    copy(gpu, thresholds_, table_.thresholds, K);
  }
  /// The host's copy, from which tables are built.
  const particle::LawTables<Real>& host() const { return host_; }
  /// The device's copy, which kernels read.
  const particle::LawTable<Real>& table() const { return table_; }

 private:
  template <class T>
  static void copy(Gpu& gpu, Buffer<T>& buffer, const T*& pointer, std::size_t size) {
    if (size == 0) return;  // a plan of a custom denoiser has no components
    buffer = Buffer<T>(gpu, size);
    buffer.upload(pointer);
    pointer = buffer.data();
  }

  particle::LawTables<Real> host_;
  particle::LawTable<Real> table_;
  Buffer<Real> means_, bases_;
  Buffer<std::uint64_t> thresholds_;
};

}  // namespace gmdiff::cuda
