#include <cmath>
#include <utility>
#include <vector>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/faces.hpp"

// Rates between the cells of a grid, and the generator Q built from them (mathematics.md §14.1).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;
using namespace fokker_planck;

double bernoulli(double w) {
  // The quotient is 0 / 0 at 0, and its denominator overflows for large w.
  if (std::abs(w) < 1e-5) return 1.0 - w / 2.0 + w * w / 12.0;
  if (w > 700.0) return 0.0;
  return w / std::expm1(w);
}

namespace fokker_planck {

FokkerPlanck::Rates no_rates(const CellGrid& grid) {
  FokkerPlanck::Rates rates;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(grid.dim()); ++axis) {
    rates.up[axis] = VectorXd::Zero(grid.size());
    rates.down[axis] = VectorXd::Zero(grid.size());
  }
  rates.loss = VectorXd::Zero(grid.size());
  return rates;
}

void set(FokkerPlanck::Rates& rates, const Face& face, const FaceRates& over_face) {
  const auto axis = static_cast<std::size_t>(face.axis);
  rates.up[axis](face.before) = over_face.up;
  rates.down[axis](face.after) = over_face.down;
}

VectorXd wall_point(const CellGrid& grid, const Points& centres, const Wall& wall) {
  VectorXd x = centres.row(wall.cell).transpose();
  x(wall.axis) = wall.outward > 0.0 ? grid.upper()(wall.axis) : grid.lower()(wall.axis);
  return x;
}

}  // namespace fokker_planck

namespace {

/// -Q_ii, shape (size).
VectorXd rates_out(const FokkerPlanck::Rates& rates, Index dim) {
  VectorXd out = rates.loss;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(dim); ++axis)
    out += rates.up[axis] + rates.down[axis];
  return out;
}

}  // namespace

FokkerPlanck::FokkerPlanck(CellGrid grid, Boundary boundary, Rates rates)
    : grid_(std::move(grid)), boundary_(boundary), rates_(std::move(rates)) {
  max_rate_ = rates_out(rates_, grid_.dim()).maxCoeff();
  require(std::isfinite(max_rate_), "FokkerPlanck: expected finite rates, got ", max_rate_);
}

FokkerPlanck FokkerPlanck::reversed(const VectorXd& P) const {
  check_masses(P, grid_.size(), "FokkerPlanck::reversed");
  require(boundary_ != Boundary::absorbing,
          "FokkerPlanck::reversed: expected reflecting or periodic walls, got absorbing ones");
  Rates rates = no_rates(grid_);
  const auto ratio = [&P](Index to, Index from) { return P(from) > 0.0 ? P(to) / P(from) : 0.0; };
  for_each_face(grid_, boundary_, [&](const Face& face) {
    const auto axis = static_cast<std::size_t>(face.axis);
    set(rates, face,
        {rates_.down[axis](face.after) * ratio(face.after, face.before),
         rates_.up[axis](face.before) * ratio(face.before, face.after)});
  });
  return {grid_, boundary_, std::move(rates)};
}

Eigen::SparseMatrix<double> FokkerPlanck::generator() const {
  std::vector<Eigen::Triplet<double>> entries;
  for_each_face(grid_, boundary_, [&](const Face& face) {
    const auto axis = static_cast<std::size_t>(face.axis);
    entries.emplace_back(face.after, face.before, rates_.up[axis](face.before));
    entries.emplace_back(face.before, face.after, rates_.down[axis](face.after));
  });
  const VectorXd out = rates_out(rates_, grid_.dim());
  for (Index i = 0; i < grid_.size(); ++i) entries.emplace_back(i, i, -out(i));
  Eigen::SparseMatrix<double> Q(grid_.size(), grid_.size());
  Q.setFromTriplets(entries.begin(), entries.end());
  return Q;
}

}  // namespace gmdiff
