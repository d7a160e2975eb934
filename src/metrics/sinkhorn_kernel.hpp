#pragma once

#include <cstdint>

#include <gmdiff/base/points.hpp>

#include "base/thread_pool.hpp"

namespace gmdiff {

/// Squared distances and exponentials of the pairs of two sets (mathematics.md §9.2), on the threads of a
/// pool: c_ij = |x_i - y_j|^2 / epsilon, and the kernel K_ij = exp(phi_i + gamma_j - c_ij) of potentials in
/// units of epsilon. Every number is computed in one fixed order, so no bit depends on the number of threads.
class SinkhornKernel {
 public:
  using Vector = Eigen::VectorXd;

  /// Computes the costs |x_i - y_j|^2. @throws MemoryError.
  SinkhornKernel(const Points& x, const Points& y, ThreadPool& pool);

  double mean_cost() const;
  /// Divides the costs. To be called once.
  void divide_costs(double epsilon);

  /// log (1/m) sum_j exp(gamma_j - c_ij), shape (n).
  Vector row_log_means(const Vector& gamma) const;
  /// log (1/n) sum_i exp(phi_i - c_ij), shape (m).
  Vector column_log_means(const Vector& phi) const;

  /// Computes K.
  void set_potentials(const Vector& phi, const Vector& gamma);
  /// (1/m) sum_j K_ij b_j, shape (n).
  Vector row_means(const Vector& b) const;
  /// (1/n) sum_i a_i K_ij, shape (m).
  Vector column_means(const Vector& a) const;

  struct Means {
    Vector rows;     ///< r_i = (1/m) sum_j K_ij b_j, shape (n)
    Vector columns;  ///< (1/n) sum_i K_ij / r_i, shape (m)
  };
  /// Both in one pass over K, which takes half of the time where K is larger than a cache.
  Means means(const Vector& b);

 private:
  using Matrix = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// Calls body(i) for the rows, or body(first, count) for blocks of columns. @param operations of one number
  template <class Body>
  void for_rows(double operations, Body body) const;
  template <class Body>
  void for_columns(double operations, Body body) const;

  ThreadPool& pool_;
  Matrix costs_, kernel_;
  Matrix sums_;  ///< of the columns of `means`, a row for each piece
};

}  // namespace gmdiff
