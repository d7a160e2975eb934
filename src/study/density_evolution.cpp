#include "study/density_evolution.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <gmdiff/model/quadrature.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"

namespace gmdiff::study {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr double reach = 8.0;  // standard deviations from a mean to the end of the box
constexpr double largest_edge_mass = 1e-8;

Index dim_of(const StationaryLaw& law) {
  return std::visit([](const auto& alternative) { return Index{alternative.dim()}; }, law);
}

CoordinateMoments moments_of(const Mixture& mixture) {
  return {mixture.mean(), mixture.covariance().diagonal()};
}
CoordinateMoments moments_of(const Target& target) {
  if (target.observed() != nullptr && target.dim() <= 2) {
    const Quadrature found = quadrature(target);
    return {found.mean, found.covariance.diagonal()};
  }
  const auto moments = target.moments();
  require(moments.has_value(), "density: ", name_of(target.description()),
          " has no moments in closed form, from which a box would follow; give lower and upper");
  return *moments;
}

struct Box {
  VectorXd lower, upper;
};

Box box_around(const StationaryLaw& law, const Mixture& start) {
  const CoordinateMoments of_start = moments_of(start);
  const CoordinateMoments of_law =
      std::visit([](const auto& alternative) { return moments_of(alternative); }, law);
  const auto end = [](const CoordinateMoments& moments, double sign) -> VectorXd {
    return moments.mean + sign * reach * moments.variance.cwiseSqrt();
  };
  return {end(of_start, -1.0).cwiseMin(end(of_law, -1.0)), end(of_start, 1.0).cwiseMax(end(of_law, 1.0))};
}

std::vector<Index> cells_of(const DensityDescription& description, Index dim) {
  if (description.cells.empty())
    return dim == 1 ? std::vector<Index>{400} : std::vector<Index>(static_cast<std::size_t>(dim), 150);
  return {description.cells.begin(), description.cells.end()};
}

std::vector<double> times_of(const DensityDescription& description) {
  if (description.times.empty()) return {0.0, 0.5, 1.0, 2.0, 5.0, 10.0};
  double last = 0.0;
  for (const double time : description.times) {
    require(std::isfinite(time) && time >= last, "density: times must ascend and not be negative, got ", time,
            " after ", last);
    last = time;
  }
  return description.times;
}

DensityRow row_at(double time, const FokkerPlanck& equation, VectorXd P) {
  const CellGrid& grid = equation.grid();
  DensityRow row{.time = time,
                 .P = {},
                 .moments = grid_moments(P, grid),
                 .entropy = entropy(P, grid),
                 .edge_mass = edge_mass(P, grid),
                 .relative_entropy = {},
                 .fisher = {}};
  if (equation.boundary() != Boundary::absorbing) {
    row.relative_entropy = equation.relative_entropy(P);
    row.fisher = equation.fisher_information(P);
  }
  row.P = std::move(P);
  return row;
}

/// Mass at reflecting walls would be mass beyond them in a larger box.
void warn_of_edges(DensityEvolution& evolution, Boundary boundary) {
  if (boundary != Boundary::reflecting) return;
  const auto worst =
      std::max_element(evolution.rows.begin(), evolution.rows.end(),
                       [](const DensityRow& a, const DensityRow& b) { return a.edge_mass < b.edge_mass; });
  if (worst->edge_mass > largest_edge_mass)
    evolution.warnings.push_back(concat("the cells at the walls hold the mass ", worst->edge_mass,
                                        " at t = ", worst->time, "; a larger box is needed"));
}

}  // namespace

CellGrid grid_of(const DensityDescription& description, const StationaryLaw& law, const Mixture& start) {
  const Index dim = dim_of(law);
  require(dim <= 2, "density: a grid has dimension 1 or 2, and the law has ", dim);
  require(start.dim() == dim, "density: start has dimension ", start.dim(), ", the law ", dim);
  require((description.lower.size() == 0) == (description.upper.size() == 0),
          "density: lower and upper belong together");
  Box box{description.lower, description.upper};
  if (box.lower.size() == 0) box = box_around(law, start);
  const std::vector<Index> cells = cells_of(description, dim);
  require(box.lower.size() == dim && box.upper.size() == dim && std::ssize(cells) == dim,
          "density: lower, upper and cells need ", dim, dim == 1 ? " entry" : " entries", ", got ",
          box.lower.size(), ", ", box.upper.size(), " and ", cells.size());
  return {box.lower, box.upper, cells};
}

DensityEvolution evolve(const DensityDescription& description, const StationaryLaw& law, const Mixture& start,
                        const DensityOptions& options) {
  const CellGrid grid = grid_of(description, law, start);
  const std::vector<double> times = times_of(description);
  require_memory(
      saturating_product(static_cast<std::uint64_t>(grid.size()), 3 * times.size(), sizeof(double)),
      "the masses of ", grid.size(), " cells at ", times.size(), " times");
  const FokkerPlanck equation = std::visit(
      [&](const auto& alternative) {
        return FokkerPlanck::langevin(alternative, grid, options.speed, options.boundary);
      },
      law);
  DensityEvolution evolution{.grid = grid, .rows = {}, .gap = {}, .warnings = {}};
  try {
    evolution.gap = equation.spectral_gap();
  } catch (const std::runtime_error& error) {
    evolution.warnings.push_back(concat("the spectral gap was not found: ", error.what()));
  }
  VectorXd P = cell_masses(start, grid);
  double now = 0.0;
  for (const double time : times) {
    P = equation.advance(P, time - now);
    now = time;
    evolution.rows.push_back(row_at(time, equation, P));
  }
  warn_of_edges(evolution, options.boundary);
  return evolution;
}

}  // namespace gmdiff::study
