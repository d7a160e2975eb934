#pragma once

#include <bit>
#include <cstdint>

#include <gmdiff/plan/plan.hpp>

namespace gmdiff {

/// FNV-1a over 64 bits, fed with whole words (http://www.isthe.com/chongo/tech/comp/fnv).
class Hash {
 public:
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) {
      state_ = (state_ ^ ((word >> shift) & 0xff)) * 0x100000001b3ULL;
    }
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  void add_size(auto size) { add(static_cast<std::uint64_t>(size)); }
  void add(const Level& level) {
    add(level.alpha);
    add(level.sigma);
  }
  template <class Derived>
  void add(const Eigen::DenseBase<Derived>& array) {
    add_size(array.rows());
    add_size(array.cols());
    for (Eigen::Index i = 0; i < array.rows(); ++i) {
      for (Eigen::Index j = 0; j < array.cols(); ++j) add(array(i, j));
    }
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add(Hash& hash, const Program& program);
void add(Hash& hash, const Step& step);
void add(Hash& hash, const MixtureTable& table);
void add(Hash& hash, const GuidanceTable& table);
void add(Hash& hash, const MapRows& rows);
void add(Hash& hash, const Denoiser& denoiser);
void add(Hash& hash, const Target& target);
void add(Hash& hash, const VectorField& field);
/// Also adds the prior of an observed mixture, which `add` leaves to the plan's mixture table.
void add_with_prior(Hash& hash, const Target& target);

}  // namespace gmdiff
