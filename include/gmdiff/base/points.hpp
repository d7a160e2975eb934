#pragma once

#include <Eigen/Core>

namespace gmdiff {

/// n points of dimension d, one per row: shape (n, d), row-major, double.
using Points = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Signal and noise level of `x_t = alpha x_0 + sigma eps`; the default is the data itself.
struct Level {
  double alpha = 1.0;
  double sigma = 0.0;
};

}  // namespace gmdiff
