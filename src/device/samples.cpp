#include <gmdiff/device/samples.hpp>

#include <limits>
#include <type_traits>
#include <utility>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "device/sample_values.hpp"

namespace gmdiff {

namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

/// Whether the product of the shape is `size`, computed without overflow.
bool matches(const std::vector<std::int64_t>& shape, std::size_t size) {
  std::uint64_t product = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return false;
    if (extent != 0 &&
        product > std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(extent))
      return false;
    product *= static_cast<std::uint64_t>(extent);
  }
  return product == size;
}

}  // namespace

Samples::Samples(Buffer values, std::vector<std::int64_t> shape, std::vector<double> times,
                 Provenance provenance)
    : Samples(std::make_shared<const SampleValues>(std::move(values)), std::move(shape), std::move(times),
              std::move(provenance)) {}

Samples::Samples(std::shared_ptr<const SampleValues> values, std::vector<std::int64_t> shape,
                 std::vector<double> times, Provenance provenance, std::optional<Acceptance> acceptance,
                 std::optional<ChainMoments> moments, std::optional<Points> velocities)
    : values_(std::move(values)),
      shape_(std::move(shape)),
      times_(std::move(times)),
      provenance_(std::move(provenance)),
      acceptance_(std::move(acceptance)),
      moments_(std::move(moments)),
      velocities_(std::move(velocities)) {
  require(!shape_.empty() && shape_.back() >= 1, "Samples: shape ", shape_text(shape_),
          " has no dimension d >= 1 as its last entry");
  require(matches(shape_, values_->size()), "Samples: shape ", shape_text(shape_), " does not match ",
          values_->size(), " values");
}

Precision Samples::precision() const { return values_->precision(); }

std::optional<OnDevice> Samples::on_device() const { return values_->on_device(); }

Eigen::Index Samples::rows() const {
  Eigen::Index rows = 1;
  for (std::size_t i = 0; i + 1 < shape_.size(); ++i) rows *= static_cast<Eigen::Index>(shape_[i]);
  return rows;
}

template <class Scalar>
Eigen::Map<const RowMatrix<Scalar>> Samples::host() const {
  const bool is_f32 = std::is_same_v<Scalar, float>;
  require((precision() == Precision::f32) == is_f32, "Samples::host: the samples are ",
          precision() == Precision::f32 ? "float32" : "float64", ", requested as ",
          is_f32 ? "float32" : "float64");
  return {std::get<Values<Scalar>>(values_->host()).data(), rows(), dim()};
}

template Eigen::Map<const RowMatrix<float>> Samples::host() const;
template Eigen::Map<const RowMatrix<double>> Samples::host() const;

Points Samples::to_double() const {
  require_memory(saturating_product(values_->size(), sizeof(double)), "the copy of the samples in double");
  if (precision() == Precision::f64) return host<double>();
  return host<float>().cast<double>();
}

}  // namespace gmdiff
