#include "model/fokker_planck/stencil.hpp"

#include <utility>

namespace gmdiff::fokker_planck {

using Eigen::Index;
using Eigen::VectorXd;

namespace {

/// Coefficients of the neighbours on one axis: the one before and the one after.
struct Pair {
  VectorXd before, after;
};

/// Entries of Q^T: cell i sees the rates out of i.
Pair adjoint_pair(const FokkerPlanck::Rates& rates, std::size_t axis) {
  return {rates.down[axis], rates.up[axis]};
}

/// Entries of Q: cell i sees the rates of its neighbours into i. Both rates at a face are 0 at a wall without
/// a face, so the shift may wrap round.
Pair forward_pair(const CellGrid& grid, const FokkerPlanck::Rates& rates, std::size_t axis) {
  const auto a = static_cast<Index>(axis);
  const Index stride = grid.stride(a), last = grid.cells(a) - 1;
  Pair pair{VectorXd(grid.size()), VectorXd(grid.size())};
  for (Index i = 0; i < grid.size(); ++i) {
    const Index position = grid.position(i, a);
    pair.before(i) = rates.up[axis](position > 0 ? i - stride : i + last * stride);
    pair.after(i) = rates.down[axis](position < last ? i + stride : i - last * stride);
  }
  return pair;
}

/// `identity` minus all rates out of a cell. The sum is in extended precision: an error of it would create or
/// destroy mass with every product.
VectorXd diagonal(const CellGrid& grid, const FokkerPlanck::Rates& rates, double identity) {
  VectorXd entries(grid.size());
  for (Index i = 0; i < entries.size(); ++i) {
    long double entry = identity - static_cast<long double>(rates.loss(i));
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(grid.dim()); ++axis)
      entry -= static_cast<long double>(rates.up[axis](i)) + rates.down[axis](i);
    entries(i) = static_cast<double>(entry);
  }
  return entries;
}

}  // namespace

Stencil::Stencil(const CellGrid& grid, const FokkerPlanck::Rates& rates, double identity, Of of)
    : columns_(grid.cells(grid.dim() - 1)), centre_(diagonal(grid, rates, identity)) {
  rows_ = grid.size() / columns_;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(grid.dim()); ++axis) {
    Pair pair = of == Of::forward ? forward_pair(grid, rates, axis) : adjoint_pair(rates, axis);
    const bool along_rows = grid.stride(static_cast<Index>(axis)) == 1;
    (along_rows ? left_ : above_) = std::move(pair.before);
    (along_rows ? right_ : below_) = std::move(pair.after);
  }
}

Stencil Stencil::generator(const FokkerPlanck& equation, Of of) {
  return {equation.grid(), equation.rates(), 0.0, of};
}

Stencil Stencil::uniformized(const FokkerPlanck& equation, Of of) {
  FokkerPlanck::Rates rates = equation.rates();
  for (VectorXd* each : {&rates.up[0], &rates.up[1], &rates.down[0], &rates.down[1], &rates.loss})
    *each /= equation.max_rate();
  Stencil S(equation.grid(), rates, 1.0, of);
  // Rounded rates may have a sum slightly above 1.
  S.centre_ = S.centre_.cwiseMax(0.0);
  return S;
}

template <bool has_rows>
void Stencil::multiply_row(Index row, const double* v, double* product, double weight, double* sum) const {
  const Index n = columns_, start = row * n;
  const double* __restrict here = v + start;
  const double* __restrict previous = v + (row > 0 ? row - 1 : rows_ - 1) * n;
  const double* __restrict next = v + (row + 1 < rows_ ? row + 1 : 0) * n;
  const double* __restrict centre = centre_.data() + start;
  const double* __restrict left = left_.data() + start;
  const double* __restrict right = right_.data() + start;
  const double* __restrict above = has_rows ? above_.data() + start : nullptr;
  const double* __restrict below = has_rows ? below_.data() + start : nullptr;
  double* __restrict out = product + start;
  double* __restrict total = sum + start;
  const auto entry = [&](Index j, Index before, Index after) {
    double value = centre[j] * here[j] + (left[j] * here[before] + right[j] * here[after]);
    if constexpr (has_rows) value += above[j] * previous[j] + below[j] * next[j];
    out[j] = value;
    total[j] += weight * value;
  };
  entry(0, n - 1, 1);
  for (Index j = 1; j < n - 1; ++j) entry(j, j - 1, j + 1);
  entry(n - 1, n - 2, 0);
}

void Stencil::multiply_add(const double* v, double* product, double weight, double* sum) const {
  if (above_.size() == 0) return multiply_row<false>(0, v, product, weight, sum);
  for (Index row = 0; row < rows_; ++row) multiply_row<true>(row, v, product, weight, sum);
}

}  // namespace gmdiff::fokker_planck
