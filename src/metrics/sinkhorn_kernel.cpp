#include "metrics/sinkhorn_kernel.hpp"

#include <algorithm>
#include <cmath>

#include "base/machine.hpp"
#include "device/cpu/parallel.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;

constexpr Index rows_per_piece = 16;
// Each piece of a pass for both means has sums of all columns, which take memory traffic.
constexpr Index rows_per_sum = 64;
constexpr Index columns_per_piece = 256;
// Operations of one number, beside those of an addition and a product.
constexpr double exponential_cost = 20.0;
constexpr double product_cost = 2.0;

std::uint64_t unsigned_size(Index size) { return static_cast<std::uint64_t>(size); }

}  // namespace

template <class Body>
void SinkhornKernel::for_rows(double operations, Body body) const {
  const Index rows = costs_.rows();
  for_each_piece(pool_, (rows + rows_per_piece - 1) / rows_per_piece,
                 operations * static_cast<double>(costs_.size()), [&](int /*thread*/, std::int64_t piece) {
                   const Index end = std::min<Index>(rows, (piece + 1) * rows_per_piece);
                   for (Index i = piece * rows_per_piece; i < end; ++i) body(i);
                 });
}

template <class Body>
void SinkhornKernel::for_columns(double operations, Body body) const {
  const Index cols = costs_.cols();
  for_each_piece(pool_, (cols + columns_per_piece - 1) / columns_per_piece,
                 operations * static_cast<double>(costs_.size()), [&](int /*thread*/, std::int64_t piece) {
                   const Index first = piece * columns_per_piece;
                   body(first, std::min(columns_per_piece, cols - first));
                 });
}

SinkhornKernel::SinkhornKernel(const Points& x, const Points& y, ThreadPool& pool) : pool_(pool) {
  require_memory(saturating_product(unsigned_size(x.rows()), unsigned_size(y.rows()), 2 * sizeof(double)),
                 "the Sinkhorn divergence, with the costs of ", x.rows(), " x ", y.rows(), " pairs");
  costs_ = Matrix::Zero(x.rows(), y.rows());
  kernel_.resize(x.rows(), y.rows());
  const Matrix coordinates = y.transpose();  // one after the other, as the costs of a row lie
  for_rows(product_cost * static_cast<double>(x.cols()), [&](Index i) {
    for (Index j = 0; j < x.cols(); ++j) costs_.row(i) += (coordinates.row(j) - x(i, j)).square();
  });
}

double SinkhornKernel::mean_cost() const { return costs_.rowwise().mean().mean(); }

void SinkhornKernel::divide_costs(double epsilon) {
  for_rows(product_cost, [&](Index i) { costs_.row(i) /= epsilon; });
}

SinkhornKernel::Vector SinkhornKernel::row_log_means(const Vector& gamma) const {
  Vector means(costs_.rows());
  const auto m = static_cast<double>(costs_.cols());
  for_rows(exponential_cost, [&](Index i) {
    const auto exponents = gamma.transpose().array() - costs_.row(i);
    const double largest = exponents.maxCoeff();
    means(i) = largest + std::log((exponents - largest).exp().sum() / m);
  });
  return means;
}

SinkhornKernel::Vector SinkhornKernel::column_log_means(const Vector& phi) const {
  using Row = Eigen::Array<double, 1, Eigen::Dynamic>;
  Vector means(costs_.cols());
  const auto n = static_cast<double>(costs_.rows());
  for_columns(exponential_cost, [&](Index first, Index count) {
    Row largest = phi(0) - costs_.row(0).segment(first, count);
    for (Index i = 1; i < costs_.rows(); ++i)
      largest = largest.max(phi(i) - costs_.row(i).segment(first, count));
    Row sums = Row::Zero(count);
    for (Index i = 0; i < costs_.rows(); ++i)
      sums += (phi(i) - costs_.row(i).segment(first, count) - largest).exp();
    means.segment(first, count) = (largest + (sums / n).log()).transpose();
  });
  return means;
}

void SinkhornKernel::set_potentials(const Vector& phi, const Vector& gamma) {
  for_rows(exponential_cost,
           [&](Index i) { kernel_.row(i) = (phi(i) + gamma.transpose().array() - costs_.row(i)).exp(); });
}

SinkhornKernel::Vector SinkhornKernel::row_means(const Vector& b) const {
  Vector means(kernel_.rows());
  const auto m = static_cast<double>(kernel_.cols());
  for_rows(product_cost, [&](Index i) { means(i) = (kernel_.row(i) * b.transpose().array()).sum() / m; });
  return means;
}

SinkhornKernel::Vector SinkhornKernel::column_means(const Vector& a) const {
  Vector means(kernel_.cols());
  const auto n = static_cast<double>(kernel_.rows());
  for_columns(product_cost, [&](Index first, Index count) {
    Eigen::Array<double, 1, Eigen::Dynamic> sums = a(0) * kernel_.row(0).segment(first, count);
    for (Index i = 1; i < kernel_.rows(); ++i) sums += a(i) * kernel_.row(i).segment(first, count);
    means.segment(first, count) = (sums / n).transpose();
  });
  return means;
}

SinkhornKernel::Means SinkhornKernel::means(const Vector& b) {
  const Index rows = kernel_.rows(), cols = kernel_.cols();
  const Index pieces = (rows + rows_per_sum - 1) / rows_per_sum;
  Means means{.rows = Vector(rows), .columns = Vector(cols)};
  sums_.resize(pieces, cols);
  for_each_piece(pool_, pieces, 2.0 * product_cost * static_cast<double>(kernel_.size()),
                 [&](int /*thread*/, std::int64_t piece) {
                   auto sums = sums_.row(piece);
                   sums.setZero();
                   const Index end = std::min<Index>(rows, (piece + 1) * rows_per_sum);
                   for (Index i = piece * rows_per_sum; i < end; ++i) {
                     means.rows(i) =
                         (kernel_.row(i) * b.transpose().array()).sum() / static_cast<double>(cols);
                     sums += (1.0 / means.rows(i)) * kernel_.row(i);
                   }
                 });
  means.columns.setZero();
  for (Index piece = 0; piece < pieces; ++piece) means.columns += sums_.row(piece).matrix().transpose();
  means.columns /= static_cast<double>(rows);
  return means;
}

}  // namespace gmdiff
