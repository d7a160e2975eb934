#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <Eigen/Core>

#include <gmdiff/base/points.hpp>

#include "io/json_input.hpp"

// Arrays of numbers in problem files: nested JSON arrays, or the path of a .npy file.

namespace gmdiff::io {

/// An array of rank 1 to 3, row-major.
struct NumberArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
  /// eps of the numbers' original type: float32 for such a .npy file, otherwise double.
  double relative_precision = std::numeric_limits<double>::epsilon();

  std::int64_t size(std::size_t dimension) const { return shape[dimension]; }
  Eigen::VectorXd vector() const;                 ///< rank 1
  Points points() const;                          ///< rank 2
  std::vector<Eigen::MatrixXd> matrices() const;  ///< rank 3
};

/// Entry of an expected shape that matches every size >= 1.
constexpr std::int64_t any_size = -1;

/// Reads an array of the expected shape (rank 1 to 3).
/// @throws std::invalid_argument with the place, the expected shape and the given one; the size of a .npy
///   file is checked before it is read.
NumberArray read_array(const Json& value, const Location& where, const std::vector<std::int64_t>& expected);

}  // namespace gmdiff::io
