#pragma once

#include <array>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include <Eigen/SparseCore>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target.hpp>

// Fokker-Planck equations on a grid of cells in one or two dimensions (mathematics.md §14). The unknown is
// the mass P_i of each cell. All functions compute in double on the calling thread, and equal arguments give
// equal bits.

namespace gmdiff {

/// A box [lower, upper] of equal cells in dimension 1 or 2. Cell (i1, i2) has the index i1 n2 + i2; the
/// centre of cell i on an axis is lower + (i + 1/2) width.
class CellGrid {
 public:
  /// Largest number of cells of a grid.
  static constexpr Eigen::Index max_size = Eigen::Index{1} << 22;

  /// @param lower, upper (d) finite, lower < upper, d = 1 or 2
  /// @param cells number of cells on each axis, >= 2; their product is at most `max_size`
  /// @throws std::invalid_argument naming the argument, with expected and given value.
  CellGrid(Eigen::VectorXd lower, Eigen::VectorXd upper, std::vector<Eigen::Index> cells);
  /// A grid in dimension 1.
  CellGrid(double lower, double upper, Eigen::Index cells);

  Eigen::Index dim() const { return lower_.size(); }
  /// Number of cells.
  Eigen::Index size() const { return size_; }
  Eigen::Index cells(Eigen::Index axis) const { return cells_[static_cast<std::size_t>(axis)]; }
  const Eigen::VectorXd& lower() const { return lower_; }
  const Eigen::VectorXd& upper() const { return upper_; }
  /// Width of a cell on an axis.
  double width(Eigen::Index axis) const;
  /// Length, or area, of a cell: density = mass / volume.
  double volume() const;
  /// Centres on one axis, shape (cells(axis)).
  Eigen::VectorXd axis_centres(Eigen::Index axis) const;
  /// Centres of all cells, shape (size(), d).
  Points centres() const;
  /// Distance of the indices of neighbours on an axis.
  Eigen::Index stride(Eigen::Index axis) const { return axis + 1 == dim() ? 1 : cells_.back(); }
  /// Position on an axis of the cell with index i: 0 to cells(axis) - 1.
  Eigen::Index position(Eigen::Index i, Eigen::Index axis) const {
    return axis + 1 == dim() ? i % cells_.back() : i / cells_.back();
  }

 private:
  Eigen::VectorXd lower_, upper_;
  std::vector<Eigen::Index> cells_;
  Eigen::Index size_ = 1;
};

/// Masses of the cells under a mixture, with sum 1: exact up to rounding, from distribution functions, if the
/// covariance of each component is diagonal; otherwise by the density at the centres. Shape (grid.size()).
/// @throws std::invalid_argument if the dimensions differ, or if the box has no mass.
Eigen::VectorXd cell_masses(const Mixture& mixture, const CellGrid& grid);
/// Masses proportional to exp(l) at the centres, with sum 1. @param log_density l (n), < inf, not all -inf.
/// @throws std::invalid_argument for other values.
Eigen::VectorXd density_masses(const Eigen::VectorXd& log_density);
/// Masses proportional to the density p_t of a mixture at the centres, with sum 1. @throws std::invalid_argument if the dimensions differ.
Eigen::VectorXd density_masses(const Mixture& mixture, const CellGrid& grid, Level level = {});

/// Mean (d) and covariance (d, d) of the normalised masses, each placed at the centre of its cell.
struct GridMoments {
  double mass;  ///< sum of the masses
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};
/// @throws std::invalid_argument unless the masses are finite, >= 0 and not all 0. The next three functions
///   have the same conditions, but allow that all masses are 0.
GridMoments grid_moments(const Eigen::VectorXd& P, const CellGrid& grid);
/// Mass in the cells at the walls: on an axis of n cells these are the first and the last max(1, n / 100). A
/// box is large enough if this mass is about 1e-8 or less.
double edge_mass(const Eigen::VectorXd& P, const CellGrid& grid);
/// Entropy -sum P_i log(P_i / volume) of the density that is constant in each cell.
double entropy(const Eigen::VectorXd& P, const CellGrid& grid);
/// KL(P, R) = sum P_i log(P_i / R_i), where 0 log 0 = 0; inf if R is 0 where P is not.
double relative_entropy(const Eigen::VectorXd& P, const Eigen::VectorXd& R);

/// The Bernoulli function B(w) = w / (e^w - 1), B(0) = 1, from which the Scharfetter-Gummel rates are built
/// (§14.1).
double bernoulli(double w);

/// Walls of the box. Mass leaves the box through absorbing walls only; what remains is the probability of
/// survival. On periodic axes the last cell is a neighbour of the first.
enum class Boundary { reflecting, periodic, absorbing };

/// dX = mu(t, X) dt + sigma(t, X) dW with one Brownian motion for each coordinate.
struct DiagonalSde {
  /// A function of time, position and axis.
  using Function = std::function<double(double t, const Eigen::VectorXd& x, Eigen::Index axis)>;

  Function drift;                              ///< mu of the axis
  std::variant<double, Function> noise = 1.0;  ///< sigma of the axis; where it is 0, the scheme is upwind
  /// Derivative of D = sigma^2 / 2 along the axis. If it is empty, it is replaced by a central difference
  /// between the points half a width before and behind the face.
  Function diffusion_slope = {};
};

/// The master equation dP/dt = Q P of a diffusion on a grid, by the Scharfetter-Gummel scheme (§14.1):
/// positive, and of order 2 in the width of the cells. Immutable.
class FokkerPlanck {
 public:
  /// Rates of jumps between neighbouring cells: `up[axis](i)` from cell i to the next one on the axis,
  /// `down[axis](i)` to the previous one, and `loss(i)` out of the box; all >= 0, shape (size). In dimension
  /// 1 the arrays of axis 1 are empty.
  struct Rates {
    std::array<Eigen::VectorXd, 2> up, down;
    Eigen::VectorXd loss;
  };
  /// Log-density l, shape (n), up to a constant, of points (n, d).
  using LogDensity = std::function<Eigen::VectorXd(const Points& x)>;

  /// Langevin diffusion dX = (speed / 2) grad l dt + sqrt(speed) dW of a target, or of a mixture.
  /// @throws std::invalid_argument if the dimensions differ, speed is not positive, or l is not finite at a
  ///   centre.
  static FokkerPlanck langevin(const Target& target, const CellGrid& grid, double speed = 1.0,
                               Boundary boundary = Boundary::reflecting);
  static FokkerPlanck langevin(const Mixture& mixture, const CellGrid& grid, double speed = 1.0,
                               Boundary boundary = Boundary::reflecting);
  /// dX = D grad l dt + sqrt(2 D) dW with the diffusion D > 0. @throws as above.
  static FokkerPlanck from_log_density(const LogDensity& log_density, const CellGrid& grid, double diffusion,
                                       Boundary boundary = Boundary::reflecting);
  /// Takes the values of l at the centres, shape (size), instead. @throws as above, and for absorbing walls,
  ///   where l is needed too.
  static FokkerPlanck from_log_density(const Eigen::VectorXd& log_density, const CellGrid& grid,
                                       double diffusion, Boundary boundary = Boundary::reflecting);
  /// A diffusion with the coefficients of `sde` at time t.
  /// @throws std::invalid_argument for an empty drift, or a coefficient that is not finite at a face.
  static FokkerPlanck from_sde(const DiagonalSde& sde, const CellGrid& grid, double t = 0.0,
                               Boundary boundary = Boundary::reflecting);

  const CellGrid& grid() const { return grid_; }
  Boundary boundary() const { return boundary_; }
  const Rates& rates() const { return rates_; }
  /// Largest rate out of a cell, Lambda = max |Q_ii|.
  double max_rate() const { return max_rate_; }
  /// Q, shape (size, size): entry (j, i) is the rate from cell i to cell j.
  Eigen::SparseMatrix<double> generator() const;
  /// dP/dt = Q P, shape (size).
  /// @throws std::invalid_argument for arrays of another size or with values that are not finite, and for
  ///   tau < 0, here and below.
  Eigen::VectorXd rate_of_change(const Eigen::VectorXd& P) const;

  /// exp(tau Q) P by uniformization (§14.2): exact in time up to rounding, and positive. It takes about 1.4
  /// max_rate() tau sweeps over the grid. @throws std::invalid_argument also for max_rate() tau > 1e9.
  Eigen::VectorXd advance(const Eigen::VectorXd& P, double tau) const;
  /// E[F(X_tau) | X_0 in cell i] = exp(tau Q^T) F, shape (size); 0 after an absorption.
  Eigen::VectorXd expectation(const Eigen::VectorXd& F, double tau) const;
  /// `steps` implicit Euler steps of size tau with one factorisation: order 1, positive, any tau (§14.2).
  Eigen::VectorXd advance_implicit(const Eigen::VectorXd& P, double tau, int steps = 1) const;

  /// The stationary law P_i = exp(l_i) / sum, shape (size), which solves Q P = 0 exactly.
  /// @throws std::invalid_argument for rates from `from_sde` or `reversed`, and for absorbing walls, here and
  ///   in the next two functions.
  Eigen::VectorXd stationary() const;
  /// KL(P, stationary), also where the stationary masses are too small for a double.
  double relative_entropy(const Eigen::VectorXd& P) const;
  /// Discrete Fisher information I of P relative to the stationary law, for which d KL/dt = -D I exactly
  /// (§14.3); a face beside a cell without mass counts 0.
  double fisher_information(const Eigen::VectorXd& P) const;
  /// The `count` smallest positive eigenvalues of -Q, ascending: the rates at which the law approaches the
  /// stationary one, or, with absorbing walls, at which it leaves the box.
  /// @throws std::invalid_argument for rates from `from_sde` or `reversed`, and unless 1 <= count <= 16 and
  ///   count < size; std::runtime_error if the iteration does not converge.
  Eigen::VectorXd decay_rates(Eigen::Index count) const;
  /// The smallest decay rate: for large t the relative entropy is proportional to exp(-2 gap t).
  double spectral_gap() const { return decay_rates(1)(0); }

  /// The chain that runs backwards in time while the law is P: its rate from i to j is the rate from j to i
  /// times P_j / P_i, and 0 where P_i = 0 (§14.2). @throws std::invalid_argument for absorbing walls.
  FokkerPlanck reversed(const Eigen::VectorXd& P) const;

 private:
  FokkerPlanck(CellGrid grid, Boundary boundary, Rates rates);

  CellGrid grid_;
  Boundary boundary_;
  Rates rates_;
  double max_rate_ = 0.0;
  // Only gradient drifts D grad l set these: D, and log of exp(l_i) / sum.
  double diffusion_ = 0.0;
  Eigen::VectorXd log_stationary_;
};

/// Implicit Euler steps (I - tau Q) P' = P of one size; it holds the factorisation of I - tau Q.
class ImplicitEuler {
 public:
  /// @throws std::invalid_argument for tau < 0.
  ImplicitEuler(const FokkerPlanck& equation, double tau);
  /// P'. @throws std::invalid_argument as `FokkerPlanck::advance`.
  Eigen::VectorXd step(const Eigen::VectorXd& P) const;

 private:
  struct Factors;
  std::shared_ptr<const Factors> factors_;
};

/// Advances P from time t to t + tau with rates that depend on time, in equal steps exp(h Q(s)) P, where s is
/// the middle of the step: order 2, positive (§14.2).
/// @param equation the equation at a time
/// @throws std::invalid_argument as `FokkerPlanck::advance`, and for steps < 1.
Eigen::VectorXd advance_magnus(const std::function<FokkerPlanck(double)>& equation, Eigen::VectorXd P,
                               double t, double tau, int steps);

}  // namespace gmdiff
