#include "device/rotation.hpp"

#include <algorithm>
#include <vector>

namespace gmdiff {

void rotate(const Eigen::MatrixXd& V, const double* x, double* rotated) {
  const Eigen::Index d = V.rows();
  for (Eigen::Index i = 0; i < d; ++i) {
    double sum = 0.0;
    for (Eigen::Index j = 0; j < d; ++j) sum += V(j, i) * x[j];
    rotated[i] = sum;
  }
}

template <class Scalar>
void rotate_back(const Eigen::MatrixXd& V, Scalar* rows, std::int64_t count) {
  const Eigen::Index d = V.rows();
  std::vector<double> x(static_cast<std::size_t>(d));
  for (std::int64_t n = 0; n < count; ++n) {
    Scalar* row = rows + n * d;
    std::fill(x.begin(), x.end(), 0.0);
    // Column by column: entries next to each other are added to sums next to each other.
    for (Eigen::Index j = 0; j < d; ++j) {
      const double rotated = static_cast<double>(row[j]);
      for (Eigen::Index i = 0; i < d; ++i) x[static_cast<std::size_t>(i)] += V(i, j) * rotated;
    }
    for (Eigen::Index i = 0; i < d; ++i) row[i] = static_cast<Scalar>(x[static_cast<std::size_t>(i)]);
  }
}

template void rotate_back<float>(const Eigen::MatrixXd&, float*, std::int64_t);
template void rotate_back<double>(const Eigen::MatrixXd&, double*, std::int64_t);

}  // namespace gmdiff
