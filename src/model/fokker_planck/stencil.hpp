#pragma once

#include <gmdiff/model/fokker_planck.hpp>

namespace gmdiff::fokker_planck {

/// Products with a matrix that couples neighbours on the grid (mathematics.md §14.2): entry (row, column) of
/// the product is `centre` times the same entry of the vector, plus `left`, `right`, `above` and `below`
/// times the four neighbours. In dimension 1 the grid is one row. Neighbours wrap round at the walls, where the
/// coefficients are 0 unless the axis is periodic.
class Stencil {
 public:
  enum class Of { forward, adjoint };  // Q and Q^T

  /// Q or Q^T, or I + Q / Lambda.
  static Stencil generator(const FokkerPlanck& equation, Of of);
  static Stencil uniformized(const FokkerPlanck& equation, Of of);

  /// product <- M v, and sum += weight product; the three arrays of (size) numbers do not overlap.
  void multiply_add(const double* v, double* product, double weight, double* sum) const;

 private:
  Stencil(const CellGrid& grid, const FokkerPlanck::Rates& rates, double identity, Of of);
  template <bool has_rows>
  void multiply_row(Eigen::Index row, const double* v, double* product, double weight, double* sum) const;

  Eigen::Index rows_, columns_;
  Eigen::VectorXd centre_, left_, right_, above_, below_;
};

}  // namespace gmdiff::fokker_planck
