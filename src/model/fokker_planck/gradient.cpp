#include <cmath>
#include <utility>
#include <vector>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/faces.hpp"

// Rates of gradient drifts D grad l (mathematics.md §14.1).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;
using namespace fokker_planck;

namespace {

void check_diffusion(double diffusion, const char* what) {
  require(std::isfinite(diffusion) && diffusion > 0.0, "FokkerPlanck: ", what,
          " must be positive and finite, got ", diffusion);
}

FokkerPlanck::Rates gradient_rates(const VectorXd& l, const CellGrid& grid, double D, Boundary boundary) {
  FokkerPlanck::Rates rates = no_rates(grid);
  for_each_face(grid, boundary, [&](const Face& face) {
    set(rates, face, scharfetter_gummel(l(face.after) - l(face.before), D, grid.width(face.axis)));
  });
  return rates;
}

/// log(e^{l_i} / sum).
VectorXd normalised(const VectorXd& l) {
  const double largest = l.maxCoeff();
  return l.array() - largest - std::log(exp_of(l.array() - largest).sum());
}

/// Adds the rates 2 D / width^2 B(-w), where w = l(wall) - l(centre).
void add_losses(FokkerPlanck::Rates& rates, const FokkerPlanck::LogDensity& log_density, const VectorXd& l,
                const CellGrid& grid, double D) {
  const Points centres = grid.centres();
  std::vector<Wall> walls;
  for_each_wall(grid, [&](const Wall& wall) { walls.push_back(wall); });
  Points x(static_cast<Index>(walls.size()), grid.dim());
  for (Index n = 0; n < x.rows(); ++n)
    x.row(n) = wall_point(grid, centres, walls[static_cast<std::size_t>(n)]).transpose();
  const VectorXd at_walls = log_density(x);
  check_values(at_walls, x.rows(), "FokkerPlanck: log-density at the walls");
  for (Index n = 0; n < x.rows(); ++n) {
    const Wall& wall = walls[static_cast<std::size_t>(n)];
    rates.loss(wall.cell) +=
        2.0 * scharfetter_gummel(at_walls(n) - l(wall.cell), D, grid.width(wall.axis)).up;
  }
}

}  // namespace

FokkerPlanck FokkerPlanck::from_log_density(const VectorXd& l, const CellGrid& grid, double diffusion,
                                            Boundary boundary) {
  require(boundary != Boundary::absorbing,
          "FokkerPlanck: absorbing walls need the log-density as a function, got its values at the centres");
  check_diffusion(diffusion, "diffusion");
  check_values(l, grid.size(), "FokkerPlanck: log-density");
  FokkerPlanck equation(grid, boundary, gradient_rates(l, grid, diffusion, boundary));
  equation.diffusion_ = diffusion;
  equation.log_stationary_ = normalised(l);
  return equation;
}

FokkerPlanck FokkerPlanck::from_log_density(const LogDensity& log_density, const CellGrid& grid,
                                            double diffusion, Boundary boundary) {
  require(static_cast<bool>(log_density), "FokkerPlanck: expected a log-density, got an empty function");
  const VectorXd l = log_density(grid.centres());
  if (boundary != Boundary::absorbing) return from_log_density(l, grid, diffusion, boundary);
  check_diffusion(diffusion, "diffusion");
  check_values(l, grid.size(), "FokkerPlanck: log-density");
  Rates rates = gradient_rates(l, grid, diffusion, boundary);
  add_losses(rates, log_density, l, grid, diffusion);
  FokkerPlanck equation(grid, boundary, std::move(rates));
  equation.diffusion_ = diffusion;
  equation.log_stationary_ = normalised(l);
  return equation;
}

FokkerPlanck FokkerPlanck::langevin(const Target& target, const CellGrid& grid, double speed,
                                    Boundary boundary) {
  require(target.dim() == grid.dim(), "FokkerPlanck: the target has dimension ", target.dim(), ", expected ",
          grid.dim());
  check_diffusion(speed, "speed");
  return from_log_density([&](const Points& x) { return target.log_density(x); }, grid, speed / 2.0,
                          boundary);
}

FokkerPlanck FokkerPlanck::langevin(const Mixture& mixture, const CellGrid& grid, double speed,
                                    Boundary boundary) {
  require(mixture.dim() == grid.dim(), "FokkerPlanck: the mixture has dimension ", mixture.dim(),
          ", expected ", grid.dim());
  check_diffusion(speed, "speed");
  return from_log_density([&](const Points& x) { return mixture.log_pdf(x); }, grid, speed / 2.0, boundary);
}

}  // namespace gmdiff
