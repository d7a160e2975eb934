#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/faces.hpp"

// Rates of a general drift with diagonal noise (mathematics.md §14.1).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;
using namespace fokker_planck;

namespace {

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

FokkerPlanck FokkerPlanck::from_sde(const DiagonalSde& sde, const CellGrid& grid, double t,
                                    Boundary boundary) {
  require(std::isfinite(t), "FokkerPlanck: expected a finite time, got ", t);
  return {grid, boundary, sde_rates(Coefficients(sde, t), grid, boundary)};
}

}  // namespace gmdiff
