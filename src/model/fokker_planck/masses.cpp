#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"

// Masses of cells under a law, and figures of masses (mathematics.md §14.1).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

/// P(a < Z < b) of a standard normal Z, from the tail on the side of the interval, where nothing cancels.
double normal_probability(double a, double b) {
  if (a > 0.0) return normal_probability(-b, -a);
  return 0.5 * (std::erfc(-b / std::numbers::sqrt2) - std::erfc(-a / std::numbers::sqrt2));
}

/// Masses of the cells of an axis under N(mean, variance); a point mass belongs to the cell [a, b) around it.
VectorXd axis_masses(const CellGrid& grid, Index axis, double mean, double variance) {
  const double std = std::sqrt(variance), start = grid.lower()(axis), width = grid.width(axis);
  VectorXd masses(grid.cells(axis));
  for (Index i = 0; i < masses.size(); ++i) {
    const double a = start + static_cast<double>(i) * width - mean;
    const double b = start + static_cast<double>(i + 1) * width - mean;
    masses(i) = std > 0.0 ? normal_probability(a / std, b / std) : (a <= 0.0 && 0.0 < b ? 1.0 : 0.0);
  }
  return masses;
}

bool has_diagonal_covariances(const Mixture& mixture) {
  for (Index k = 0; k < mixture.num_components(); ++k) {
    const Eigen::MatrixXd covariance = mixture.component_covariance(k);
    if (!covariance.isDiagonal(0.0)) return false;
  }
  return true;
}

/// w_k times the product over the axes.
VectorXd component_masses(const Mixture& mixture, const CellGrid& grid, Index k) {
  const Eigen::MatrixXd covariance = mixture.component_covariance(k);
  VectorXd masses = VectorXd::Constant(grid.size(), mixture.weights()(k));
  for (Index axis = 0; axis < grid.dim(); ++axis) {
    const VectorXd on_axis = axis_masses(grid, axis, mixture.means()(k, axis), covariance(axis, axis));
    for (Index i = 0; i < grid.size(); ++i) masses(i) *= on_axis(grid.position(i, axis));
  }
  return masses;
}

void check_dim(const Mixture& mixture, const CellGrid& grid, const char* what) {
  require(mixture.dim() == grid.dim(), what, ": the mixture has dimension ", mixture.dim(), ", expected ",
          grid.dim());
}

/// Number of cells that `edge_mass` takes at each wall.
Index edge_cells(Index cells) { return std::max<Index>(1, cells / 100); }

}  // namespace

VectorXd cell_masses(const Mixture& mixture, const CellGrid& grid) {
  check_dim(mixture, grid, "cell_masses");
  if (!has_diagonal_covariances(mixture)) return density_masses(mixture, grid);
  VectorXd P = VectorXd::Zero(grid.size());
  for (Index k = 0; k < mixture.num_components(); ++k) P += component_masses(mixture, grid, k);
  require(P.sum() > 0.0, "cell_masses: expected a box that has mass, got none");
  return P / P.sum();
}

VectorXd density_masses(const VectorXd& log_density) {
  for (Index i = 0; i < log_density.size(); ++i)
    require(log_density(i) < std::numeric_limits<double>::infinity(),
            "density_masses: expected log-densities < inf, got ", log_density(i), " in cell ", i);
  const double largest =
      log_density.size() == 0 ? -std::numeric_limits<double>::infinity() : log_density.maxCoeff();
  require(std::isfinite(largest), "density_masses: expected a finite log-density in a cell, got none");
  const VectorXd P = fokker_planck::exp_of(log_density.array() - largest);
  return P / P.sum();
}

VectorXd density_masses(const Mixture& mixture, const CellGrid& grid, Level level) {
  check_dim(mixture, grid, "density_masses");
  return density_masses(mixture.log_pdf(grid.centres(), level));
}

GridMoments grid_moments(const VectorXd& P, const CellGrid& grid) {
  fokker_planck::check_masses(P, grid.size(), "grid_moments");
  const double mass = P.sum();
  require(mass > 0.0, "grid_moments: expected a positive mass, got none");
  const Points x = grid.centres();
  const VectorXd mean = x.transpose() * P / mass;
  const Points centred = x.rowwise() - mean.transpose();
  return {mass, mean, centred.transpose() * P.asDiagonal() * centred / mass};
}

double edge_mass(const VectorXd& P, const CellGrid& grid) {
  fokker_planck::check_masses(P, grid.size(), "edge_mass");
  double sum = 0.0;
  for (Index i = 0; i < grid.size(); ++i) {
    bool at_wall = false;
    for (Index axis = 0; axis < grid.dim(); ++axis) {
      const Index position = grid.position(i, axis), edge = edge_cells(grid.cells(axis));
      at_wall = at_wall || position < edge || position >= grid.cells(axis) - edge;
    }
    if (at_wall) sum += P(i);
  }
  return sum;
}

double entropy(const VectorXd& P, const CellGrid& grid) {
  fokker_planck::check_masses(P, grid.size(), "entropy");
  const double log_volume = std::log(grid.volume());
  double sum = 0.0;
  for (Index i = 0; i < P.size(); ++i)
    if (P(i) > 0.0) sum -= P(i) * (std::log(P(i)) - log_volume);
  return sum;
}

double relative_entropy(const VectorXd& P, const VectorXd& R) {
  fokker_planck::check_masses(P, R.size(), "relative_entropy");
  fokker_planck::check_masses(R, R.size(), "relative_entropy");
  double sum = 0.0;
  for (Index i = 0; i < P.size(); ++i)
    if (P(i) > 0.0) sum += P(i) * (std::log(P(i)) - std::log(R(i)));
  return sum;
}

}  // namespace gmdiff
