#pragma once

#include "device/cpu/tile.hpp"

// Densities, responsibilities, score and denoiser of given points, one point per lane (mathematics.md §2.2,
// §2.3).

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

template <class V, class Law>
class PointTile {
 public:
  using Real = RealOf<V>;
  static constexpr int lanes = Types<V>::lanes;

  PointTile(const PointJob<Real>& job, std::int64_t tile, void* scratch)
      : job_(job),
        law_(*job.law),
        begin_(tile * lanes),
        size_(static_cast<int>(job.count - begin_ < lanes ? job.count - begin_ : lanes)),
        x_(static_cast<V*>(scratch)),
        result_(x_ + law_.dim),
        rotated_(result_ + law_.dim) {
    scratch_.weights = x_ + WideSteps<V, Law>::vectors * law_.dim;
    scratch_.coordinates = scratch_.weights + law_.num_components;
  }

  void evaluate() {
    load();
    if constexpr (Law::has_means) {
      evaluate_at_once();
    } else {
      evaluate_one_by_one();
    }
  }

 private:
  bool wants_densities() const { return job_.log_density != nullptr || job_.log_responsibilities != nullptr; }

  void evaluate_one_by_one() {
    if (wants_densities()) {
      logits();
      densities();
    }
    if (job_.denoiser != nullptr) {
      if (job_.level->at_data) {
        divide_by_alpha();
      } else {
        Law::denoiser(law_, *job_.level, x_, result_, scratch_);
      }
      write(result_, job_.denoiser);
    }
    if (job_.score != nullptr) {
      Law::score(law_, *job_.level, x_, result_, scratch_);
      write(result_, job_.score);
    }
  }

  /// With full covariances the products with the bases dominate the time, and all results share the first
  /// one.
  void evaluate_at_once() {
    const bool has_sum = job_.denoiser != nullptr && !job_.level->at_data;
    V* score = rotated_;  // free: a law with a basis per component has no common basis
    if (wants_densities() || has_sum || job_.score != nullptr) {
      Law::means(law_, *job_.level, x_, has_sum ? result_ : nullptr, job_.score != nullptr ? score : nullptr,
                 wants_densities() ? scratch_.weights : nullptr, scratch_);
    }
    if (job_.score != nullptr) write(score, job_.score);
    if (job_.denoiser != nullptr) {
      if (job_.level->at_data) divide_by_alpha();
      write(result_, job_.denoiser);
    }
    if (wants_densities()) densities();
  }

  /// The denoiser at sigma = 0.
  void divide_by_alpha() {
    for (Index i = 0; i < law_.dim; ++i) result_[i] = x_[i] / V(job_.level->alpha);
  }

  void load() {
    const Index d = law_.dim;
    V* given = law_.has_common_basis() ? rotated_ : x_;
    for (Index i = 0; i < d; ++i) {
      Real values[lanes] = {};
      for (int lane = 0; lane < size_; ++lane)
        values[lane] = static_cast<Real>(job_.points[(begin_ + lane) * d + i]);
      given[i] = V::load(values);
    }
    if (law_.has_common_basis())
      FullLaw<V>::to_basis(law_.bases, d, given, [this](Index i, V value) { x_[i] = value; });
  }

  /// Writes values as rows in the data's coordinates.
  void write(const V* values, double* to) {
    const Index d = law_.dim;
    if (law_.has_common_basis()) {
      FullLaw<V>::from_basis(law_.bases, d, values, [this](Index i, V value) { rotated_[i] = value; });
      values = rotated_;
    }
    for (Index i = 0; i < d; ++i) {
      Real row[lanes];
      values[i].store(row);
      for (int lane = 0; lane < size_; ++lane) to[(begin_ + lane) * d + i] = static_cast<double>(row[lane]);
    }
  }

  /// Computes the logits of all components in the memory of the weights.
  void logits() {
    const Index K = law_.num_components;
    const V* y = Law::scaled_state(law_, *job_.level, x_, scratch_);
    const auto chunk = Law::logits(law_, *job_.level, y, scratch_);
    V* ell = scratch_.weights;
    for (Index k = 0; k < K; k += particle::chunk_size)
      chunk(k, K - k < particle::chunk_size ? K - k : particle::chunk_size, ell + k);
  }

  void densities() {
    const Index K = law_.num_components;
    const V* ell = scratch_.weights;
    V maximum(ell[0]);
    for (Index k = 1; k < K; ++k) maximum = particle::larger(maximum, ell[k]);
    V total(Real(0));
    for (Index k = 0; k < K; ++k) total = total + particle::exp_nonpositive(ell[k] - maximum);
    const V log_total = particle::log(total);
    if (job_.log_density != nullptr) {
      Real values[lanes];
      (maximum + log_total).store(values);
      for (int lane = 0; lane < size_; ++lane)
        job_.log_density[begin_ + lane] = static_cast<double>(values[lane]) + job_.level->log_offset;
    }
    if (job_.log_responsibilities == nullptr) return;
    for (Index k = 0; k < K; ++k) {
      Real values[lanes];
      // Subtracts the maximum first: far from the modes exp(ell - log p) would not sum to 1.
      ((ell[k] - maximum) - log_total).store(values);
      for (int lane = 0; lane < size_; ++lane)
        job_.log_responsibilities[(begin_ + lane) * K + k] = static_cast<double>(values[lane]);
    }
  }

  const PointJob<Real>& job_;
  const LawTable<Real>& law_;
  std::int64_t begin_;
  int size_;
  V* x_;
  V* result_;
  V* rotated_;
  Scratch<V> scratch_;
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
