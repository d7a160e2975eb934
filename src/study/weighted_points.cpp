#include "study/weighted_points.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "io/npy_header.hpp"
#include "study/result_file.hpp"

namespace gmdiff::study {
namespace {

template <class Scalar>
void read_values(ResultReader& reader, double* to, std::int64_t count) {
  std::vector<Scalar> values(static_cast<std::size_t>(count));
  reader.read_bytes({reinterpret_cast<char*>(values.data()), values.size() * sizeof(Scalar)});
  std::ranges::copy(values, to);
}

}  // namespace

WeightedPoints read_weighted_points(const std::filesystem::path& file) {
  ResultReader reader(file);
  const ResultArrays arrays = reader.arrays();
  require(!arrays.empty() && arrays.front().shape.size() == 2 &&
              arrays == path_arrays(arrays.front().shape, arrays.front().precision),
          file.string(),
          ": expected the points and weights of a trained sampler, the arrays samples (n, d) and "
          "log_weights (n)");
  const std::int64_t n = arrays.front().shape[0], d = arrays.front().shape[1];
  require(n >= 1, file.string(), ": it holds no point");
  require_memory(saturating_product(static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(d + 1),
                                    2 * sizeof(double)),
                 "the points and weights of ", file.string());
  WeightedPoints points{.x = Points(n, d), .weights = std::vector<double>(static_cast<std::size_t>(n))};
  reader.open(0);
  if (arrays.front().precision == Precision::f32) {
    read_values<float>(reader, points.x.data(), n * d);
  } else {
    read_values<double>(reader, points.x.data(), n * d);
  }
  reader.open(1);
  read_values<double>(reader, points.weights.data(), n);
  const double largest = *std::ranges::max_element(points.weights);
  require(
      std::isfinite(largest) && std::ranges::none_of(points.weights, [](double w) { return std::isnan(w); }),
      file.string(), ": log_weights: expected numbers below infinity, at least one of them finite");
  for (double& weight : points.weights) weight = std::exp(weight - largest);
  return points;
}

}  // namespace gmdiff::study
