#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/custom_target.hpp>
#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/model/vector_field.hpp>

#include "base/check.hpp"
#include "device/cuda/gpu.hpp"
#include "device/user_denoiser.hpp"

// Rows of all particles of a task in the memory of a GPU, on which functions of the calling program work.

namespace gmdiff::cuda {

/// The factor of a prediction in D = x / alpha + factor prediction (mathematics.md §2.3).
inline double factor_of(Prediction prediction, Level at) {
  switch (prediction) {
    case Prediction::denoiser:
      return 1.0;
    case Prediction::score:
      return at.sigma * at.sigma / at.alpha;
    case Prediction::noise:
      return -at.sigma / at.alpha;
  }
  return 0.0;
}

template <class Real>
class FunctionRows {
 public:
  FunctionRows(Gpu& gpu, std::int64_t count, Eigen::Index dim, Precision precision)
      : gpu_(gpu), count_(count), dim_(dim), precision_(precision) {}

  void allocate() { rows_ = Buffer<Real>(gpu_, size()); }
  /// The rows, null before they are allocated.
  Real* data() const { return rows_.data(); }

  /// Replaces the rows by what a function predicts from them.
  void evaluate(const DeviceDenoiser& denoiser, Level level) {
    require(
        denoiser.prediction == Prediction::denoiser || level.alpha > 0.0, "denoiser \"", denoiser.id,
        "\": has no value at alpha = 0, where a score or the noise says nothing about the data; start the "
        "grid below that time, or compute the denoiser");
    in_place_of_rows([&] {
      denoiser.function({.x = rows_.data(),
                         .denoised = results_.data(),
                         .count = count_,
                         .dim = dim_,
                         .precision = precision_,
                         .level = level,
                         .index = gpu_.index(),
                         .stream = gpu_.stream(),
                         .wait = [this] { gpu_.wait(); },
                         .write =
                             [this](const void* D, std::int64_t first, std::int64_t rows) {
                               check("DeviceRows", first, rows);
                               copy(D, first, rows);
                               gpu_.wait();
                             }});
    });
  }
  void evaluate(const HostDenoiser& denoiser, Level level) { set(evaluate_rows(denoiser, on_host(), level)); }
  /// Writes log-densities to l (count) in the memory of the GPU, and replaces the rows by the gradients.
  void evaluate(const Target& target, double* l) {
    // The map of an observation, which is a function of host memory, has no custom target.
    if (target.custom() != nullptr && target.custom()->device) {
      in_place_of_rows([&] { target.custom()->device(rows_of_target(l)); });
    } else {
      Eigen::VectorXd log_densities;
      Points gradient;
      target.evaluate(on_host(), log_densities, gradient);
      gpu_.upload(l, log_densities.data(), static_cast<std::size_t>(count_) * sizeof(double));
      set(gradient);
    }
  }

  /// Replaces the rows by the values of a field at time t.
  void evaluate(const VectorField& field, double t) {
    if (!field.custom()->device) return set(field.value(on_host(), t));
    in_place_of_rows([&] {
      field.custom()->device({.x = rows_.data(),
                              .values = results_.data(),
                              .t = t,
                              .count = count_,
                              .dim = dim_,
                              .precision = precision_,
                              .stream = gpu_.stream()});
    });
  }

  Points on_host() const {
    std::vector<Real> numbers(size());
    rows_.download(numbers.data());
    Points x(count_, dim_);
    std::copy(numbers.begin(), numbers.end(), x.data());
    return x;
  }
  void set(const Points& x) {
    std::vector<Real> numbers(size());
    std::transform(x.data(), x.data() + x.size(), numbers.begin(),
                   [](double value) { return static_cast<Real>(value); });
    rows_.upload(numbers.data());
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(count_ * dim_); }

  /// Calls f, which writes to `results_`, and makes these the rows.
  template <class F>
  void in_place_of_rows(F f) {
    if (results_.size() == 0) results_ = Buffer<Real>(gpu_, size());
    const auto current = gpu_.make_current();
    f();
    std::swap(rows_, results_);
  }
  DeviceTargetRows rows_of_target(double* l) {
    return {.x = rows_.data(),
            .log_density = l,
            .gradient = results_.data(),
            .count = count_,
            .dim = dim_,
            .precision = precision_,
            .stream = gpu_.stream(),
            .index = gpu_.index(),
            .wait = [this] { gpu_.wait(); },
            .write =
                [this, l](const void* given, Precision of_l, const void* g, std::int64_t first,
                          std::int64_t rows) {
                  check("DeviceTargetRows", first, rows);
                  copy_log_densities(l + first, given, of_l, rows);
                  copy(g, first, rows);
                  gpu_.wait();
                }};
  }
  void check(const char* whose, std::int64_t first, std::int64_t rows) const {
    require(first >= 0 && rows >= 0 && first <= count_ - rows, whose, "::write: rows ", first, " ... ",
            first + rows, " of ", count_);
  }
  void copy(const void* from, std::int64_t first, std::int64_t rows) {
    gpu_.copy(results_.data() + first * dim_, from, static_cast<std::size_t>(rows * dim_) * sizeof(Real));
  }
  void copy_log_densities(double* l, const void* given, Precision precision, std::int64_t rows) {
    const auto count = static_cast<std::size_t>(rows);
    if (precision == Precision::f64) {
      gpu_.copy(l, given, count * sizeof(double));
      return;
    }
    // They are few beside the rows, so the host converts them.
    std::vector<float> single(count);
    gpu_.download(single.data(), given, count * sizeof(float));
    const std::vector<double> values(single.begin(), single.end());
    gpu_.upload(l, values.data(), count * sizeof(double));
  }

  Gpu& gpu_;
  std::int64_t count_;
  Eigen::Index dim_;
  Precision precision_;
  Buffer<Real> rows_, results_;
};

}  // namespace gmdiff::cuda
