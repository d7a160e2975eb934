#pragma once

#include <memory>

#include <gmdiff/network/training.hpp>

namespace gmdiff::network {

/// Random numbers of a training (numerics.md §5): the replicate is the iteration, the index is the row.
class DataSource {
 public:
  virtual ~DataSource() = default;
  /// Writes data of row `row` of an iteration to x (d).
  virtual void draw(std::uint64_t row, std::uint32_t iteration, double* x) const = 0;
};

/// @throws std::invalid_argument for rows that are empty or not finite.
std::unique_ptr<DataSource> data_source(const TrainingData& data, std::uint64_t seed);

/// Mean (d) of the data, and the root of the mean variance of a coordinate.
struct DataMoments {
  Eigen::VectorXd mean;
  double scale;
};
/// @throws std::invalid_argument for rows that are empty or not finite, and for data without variance.
DataMoments data_moments(const TrainingData& data);

}  // namespace gmdiff::network
