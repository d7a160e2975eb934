#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/faces.hpp"

// Rates of gradient drifts (mathematics.md §14.1), and what every equation has: Q and its largest entry.

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

namespace {

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

/// -Q_ii, shape (size).
VectorXd rates_out(const FokkerPlanck::Rates& rates, Index dim) {
  VectorXd out = rates.loss;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(dim); ++axis)
    out += rates.up[axis] + rates.down[axis];
  return out;
}

// ---------------------------------------------------------------------------- D grad l

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

/// The centre of a face in a wall.
VectorXd wall_point(const CellGrid& grid, const Points& centres, const Wall& wall) {
  VectorXd x = centres.row(wall.cell).transpose();
  x(wall.axis) = wall.outward > 0.0 ? grid.upper()(wall.axis) : grid.lower()(wall.axis);
  return x;
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

// ---------------------------------------------------------------------------- a general drift

/// Position of the face after cell `face.before`.
VectorXd face_point(const CellGrid& grid, const Points& centres, const Face& face) {
  VectorXd x = centres.row(face.before).transpose();
  x(face.axis) = grid.lower()(face.axis) +
                 static_cast<double>(grid.position(face.before, face.axis) + 1) * grid.width(face.axis);
  return x;
}

/// The coefficients of an SDE at one time.
class Coefficients {
 public:
  Coefficients(const DiagonalSde& sde, double t) : sde_(sde), t_(t) {
    require(static_cast<bool>(sde.drift), "DiagonalSde: expected a drift, got none");
    const auto* noise = std::get_if<DiagonalSde::Function>(&sde.noise);
    require(!noise || *noise, "DiagonalSde: expected a noise, got an empty function");
  }

  /// D = sigma^2 / 2.
  double diffusion(const VectorXd& x, Index axis) const {
    const auto* function = std::get_if<DiagonalSde::Function>(&sde_.noise);
    const double sigma = function ? (*function)(t_, x, axis) : std::get<double>(sde_.noise);
    return checked(0.5 * sigma * sigma, "sigma^2 / 2", x, axis);
  }

  /// mu - dD/dx: the drift of dp/dt = -d/dx (drift p - D dp/dx).
  double drift(const VectorXd& x, Index axis, double width) const {
    return checked(sde_.drift(t_, x, axis) - diffusion_slope(x, axis, width), "drift", x, axis);
  }

 private:
  double diffusion_slope(const VectorXd& x, Index axis, double width) const {
    if (sde_.diffusion_slope) return sde_.diffusion_slope(t_, x, axis);
    if (std::holds_alternative<double>(sde_.noise)) return 0.0;
    VectorXd after = x, before = x;
    after(axis) += 0.5 * width;
    before(axis) -= 0.5 * width;
    return (diffusion(after, axis) - diffusion(before, axis)) / width;
  }

  double checked(double value, const char* what, const VectorXd& x, Index axis) const {
    require(std::isfinite(value), "DiagonalSde: ", what, " of axis ", axis, " must be finite, got ", value,
            " at t = ", t_, ", x = (", x.transpose(), ")");
    return value;
  }

  const DiagonalSde& sde_;
  double t_;
};

/// Rates of a drift and a diffusion at a face; upwind where the drift moves mass much faster than diffusion.
FaceRates face_rates(double drift, double diffusion, double width) {
  const double w = drift * width / diffusion;
  if (diffusion > 0.0 && std::abs(w) <= 700.0) return scharfetter_gummel(w, diffusion, width);
  return {std::max(drift, 0.0) / width, std::max(-drift, 0.0) / width};
}

/// Rate through an absorbing wall, half a width away from the centre.
double loss_rate(double outward_drift, double diffusion, double width) {
  const double w = outward_drift * 0.5 * width / diffusion;
  if (diffusion > 0.0 && std::abs(w) <= 700.0) return 2.0 * scharfetter_gummel(w, diffusion, width).up;
  return std::max(outward_drift, 0.0) / width;
}

FokkerPlanck::Rates sde_rates(const Coefficients& sde, const CellGrid& grid, Boundary boundary) {
  FokkerPlanck::Rates rates = no_rates(grid);
  const Points centres = grid.centres();
  for_each_face(grid, boundary, [&](const Face& face) {
    const VectorXd x = face_point(grid, centres, face);
    const double width = grid.width(face.axis);
    set(rates, face, face_rates(sde.drift(x, face.axis, width), sde.diffusion(x, face.axis), width));
  });
  if (boundary != Boundary::absorbing) return rates;
  for_each_wall(grid, [&](const Wall& wall) {
    const VectorXd x = wall_point(grid, centres, wall);
    const double width = grid.width(wall.axis), outward = wall.outward * sde.drift(x, wall.axis, width);
    rates.loss(wall.cell) += loss_rate(outward, sde.diffusion(x, wall.axis), width);
  });
  return rates;
}

}  // namespace

// ---------------------------------------------------------------------------- equations

FokkerPlanck::FokkerPlanck(CellGrid grid, Boundary boundary, Rates rates)
    : grid_(std::move(grid)), boundary_(boundary), rates_(std::move(rates)) {
  max_rate_ = rates_out(rates_, grid_.dim()).maxCoeff();
  require(std::isfinite(max_rate_), "FokkerPlanck: expected finite rates, got ", max_rate_);
}

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

FokkerPlanck FokkerPlanck::from_sde(const DiagonalSde& sde, const CellGrid& grid, double t,
                                    Boundary boundary) {
  require(std::isfinite(t), "FokkerPlanck: expected a finite time, got ", t);
  return {grid, boundary, sde_rates(Coefficients(sde, t), grid, boundary)};
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
